"""Late links: calls that merge, and ids that resolve permanently."""

from collections.abc import Sequence
from itertools import permutations
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltally.calls.events import Fact
from calltally.calls.identity import Node, call_uuid, canonical, uuid_text
from calltally.store.db.interface import Submission
from calltally.store.ledger.lookup import facts_of_call
from tests.conftest import TENANT, Bench
from tests.examples import examples
from tests.integration.store.probing import direct, found, listed, submit, verdict
from tests.sample_facts import fact, own
from tests.strategies import SIDS, facts

LOW, HIGH = "CA" + "0" * 32, "CA" + "f" * 32


def link(sid: str, *, is_carrier: bool = False) -> tuple[Node, ...]:
    return (Node(sid, is_carrier),)


def id_of(sid: str, tenant: str = TENANT) -> str:
    return uuid_text(call_uuid(tenant, sid))


def tombstones(bench: Bench) -> list[tuple[int, str, str]]:
    """Return the ids of merged calls, with the revision of the merge and the id of the merged call."""
    with direct(bench.url) as db:
        rows = db("SELECT revision, id, merged_into FROM tombstones WHERE tenant = 'acme' ORDER BY revision")
    return [(revision, uuid_text(bytes(old)), uuid_text(bytes(new))) for revision, old, new in rows]


def test_two_calls_merge_under_the_carriers_sid(bench: Bench) -> None:
    submit(bench, own(1, "platform-1", summary="Asked for a table.", tags=["vip"]))
    submit(bench, fact(2, HIGH, status="completed", talk_seconds=1))
    assert len(listed(bench)) == 2
    [recorded] = submit(bench, own(3, "platform-1", links=link(HIGH, is_carrier=True), tags=["late"]))
    [call] = listed(bench)
    assert (call["id"], call["call_sid"]) == (id_of(HIGH), HIGH)
    assert (call["summary"], call["status"], call["tags"]) == (
        "Asked for a table.",
        "completed",
        ["late", "vip"],
    )
    assert (uuid_text(recorded.call_id or b""), recorded.revision) == (call["id"], 4)
    # The tombstone of the old id takes a revision before the revision of the merged call.
    assert tombstones(bench) == [(3, id_of("platform-1"), id_of(HIGH))]
    assert verdict(bench).is_clean


@pytest.mark.parametrize("name", ["platform-1", HIGH, id_of("platform-1"), id_of(HIGH)])
def test_old_ids_and_sids_resolve_for_life(bench: Bench, name: str) -> None:
    submit(bench, own(1, "platform-1"))
    submit(bench, fact(2, HIGH, status="ringing"))
    submit(bench, own(3, "platform-1", links=link(HIGH, is_carrier=True)))
    submit(bench, fact(4, HIGH, status="busy"))
    call = found(bench, name)
    assert call == listed(bench)[0]
    reported = bench.run(bench.store.read(facts_of_call(TENANT, name)))
    assert reported is not None
    assert len(reported) == 4


def test_fact_of_a_linked_sid_belongs_to_the_merged_call(bench: Bench) -> None:
    submit(bench, own(1, "platform-1", links=link(HIGH, is_carrier=True)))
    assert found(bench, HIGH) == found(bench, "platform-1")
    submit(bench, own(2, HIGH, summary="By the carrier's SID."))
    submit(bench, own(3, "platform-1", error_code="by the platform's"))
    [call] = listed(bench)
    assert (call["summary"], call["error_code"]) == ("By the carrier's SID.", "by the platform's")


def test_repeat_of_a_fact_before_the_merge_is_a_duplicate(bench: Bench) -> None:
    first = own(1, "platform-1", event_id="e1", summary="Kept.")
    submit(bench, first)
    submit(bench, fact(2, HIGH), own(3, "platform-1", links=link(HIGH, is_carrier=True)))
    [recorded] = submit(bench, first)
    assert (recorded.outcome, uuid_text(recorded.call_id or b"")) == ("duplicate", id_of(HIGH))
    assert recorded.revision == listed(bench)[0]["revision"]


def test_three_and_four_calls_merge(bench: Bench) -> None:
    for number, sid in enumerate(("a", "b", "c", "d")):
        submit(bench, own(number, sid, tags=[sid]))
    submit(bench, own(5, "a", links=link("b")))
    submit(bench, own(6, "d", links=link("c")))
    assert [call["call_sid"] for call in listed(bench)] == ["c", "a"]
    submit(bench, own(7, "b", links=link("d")))
    [call] = listed(bench)
    assert (call["call_sid"], call["tags"]) == ("a", ["a", "b", "c", "d"])
    assert [found(bench, sid) for sid in "abcd"] == [call] * 4
    assert [found(bench, id_of(sid)) for sid in "abcd"] == [call] * 4
    assert {old for _, old, _ in tombstones(bench)} == {id_of(sid) for sid in "bcd"}
    assert verdict(bench).is_clean


def test_three_calls_merge_in_one_request(bench: Bench) -> None:
    submit(bench, own(1, "a"), own(2, "b"), own(3, "c", tags=["c"]))
    submit(bench, own(4, "c", links=link("b")), own(5, "b", links=link("a")))
    assert [call["call_sid"] for call in listed(bench)] == ["a"]
    # Three revisions for three calls, two for tombstones, one for the merged call.
    assert listed(bench)[0]["revision"] == 6
    assert verdict(bench).is_clean


def test_canonical_sid_changes_and_changes_back(bench: Bench) -> None:
    submit(bench, own(1, "m"))
    submit(bench, own(2, "m", links=link("a")))
    assert listed(bench)[0]["call_sid"] == "a"
    submit(bench, own(3, "a", links=link("m", is_carrier=True)))
    [call] = listed(bench)
    assert (call["call_sid"], call["id"]) == ("m", id_of("m"))
    submit(bench, own(4, "z", links=link("m")), fact(5, "b", is_carrier=True, links=link("z")))
    assert listed(bench)[0]["call_sid"] == "b"
    for name in ("m", "a", "b", "z"):
        assert found(bench, name) == found(bench, id_of(name)) == listed(bench)[0]
    assert [old for _, old, _ in tombstones(bench)] == [id_of("m"), id_of("a"), id_of("m")]
    assert verdict(bench).is_clean


def test_link_to_itself_has_no_effect(bench: Bench) -> None:
    submit(bench, own(1, "a", links=link("a")), own(2, "a", links=link("a", is_carrier=True)))
    assert [call["call_sid"] for call in listed(bench)] == ["a"]
    assert verdict(bench).is_clean


def test_links_do_not_cross_tenants(bench: Bench) -> None:
    other = bench.new_tenant()
    for tenant in (TENANT, other):
        submit(bench, own(1, "a"), own(2, "b"), tenant=tenant)
    submit(bench, own(3, "a", links=link("b")))
    assert (len(listed(bench)), len(listed(bench, other))) == (1, 2)
    assert found(bench, id_of("a"), other) is None
    assert verdict(bench, TENANT, other).is_clean


def test_merges_of_two_tenants_in_one_commit_are_separate(bench: Bench) -> None:
    other = bench.new_tenant()

    async def both() -> None:
        for step in (own(1, "a"), own(2, "b"), own(3, "b", links=link("a"))):
            await bench.store.submit([*_of(TENANT, step), *_of(other, step)])

    bench.run(both())
    assert [len(listed(bench, tenant)) for tenant in (TENANT, other)] == [1, 1]
    assert verdict(bench, TENANT, other).is_clean


def _of(tenant: str, reported: Fact) -> list[Submission]:
    return [Submission(tenant, reported)]


def test_chain_of_links_in_any_order_is_one_call(bench: Bench) -> None:
    reported = [own(1, "a", links=link("b")), own(2, "c", links=link("d")), own(3, "b", links=link("c"))]
    records = []
    for order in permutations(reported):
        tenant = bench.new_tenant()
        for each in order:
            submit(bench, each, tenant=tenant)
        [call] = listed(bench, tenant)
        assert verdict(bench, tenant).is_clean
        records.append({**call, "id": None, "revision": None, "updated_at": None})
    assert records == records[:1] * 6


def test_every_former_id_leads_to_the_merged_call(bench: Bench) -> None:
    @settings(max_examples=examples(6), suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(facts(), min_size=1, max_size=12), st.randoms(use_true_random=False))
    def check(reported: list[Fact], random: Random) -> None:
        tenant = bench.new_tenant()
        ids: dict[str, str] = {}
        left = list(reported)
        while left:
            size = random.randint(1, 4)
            for each, recorded in zip(left[:size], submit(bench, *left[:size], tenant=tenant), strict=True):
                ids[uuid_text(recorded.call_id or b"")] = each.call_sid
            left = left[size:]
        names = _canonical_sids(reported)
        assert {call["call_sid"] for call in listed(bench, tenant)} == set(names.values())
        for name, sid in [*ids.items(), *((sid, sid) for sid in names)]:
            call = found(bench, name, tenant)
            assert call is not None
            assert (call["call_sid"], call["id"]) == (names[sid], id_of(names[sid], tenant))

    check()


def _canonical_sids(reported: Sequence[Fact]) -> dict[str, str]:
    """Return the canonical SID of each SID by merging sets until nothing changes: slow and simple."""
    nodes = {Node(each.call_sid, each.is_carrier) for each in reported} | {
        node for each in reported for node in each.links
    }
    same = {sid: {sid} for sid in SIDS}
    for each in reported:
        for node in each.links:
            merged = same[each.call_sid] | same[node.call_sid]
            same |= dict.fromkeys(merged, merged)
    carriers = {node.call_sid for node in nodes if node.is_carrier}
    named = {node.call_sid for node in nodes}
    return {sid: canonical(Node(each, each in carriers) for each in same[sid]).call_sid for sid in named}
