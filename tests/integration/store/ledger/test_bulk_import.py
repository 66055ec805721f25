"""What an import brings in bulk lies in the ledger as if it had been told fact by fact."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from types import MappingProxyType
from typing import Any, Final

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltally.calls.alert_counts import COLUMNS as STEPS
from calltally.calls.conversation import Conversation, Turn, pack_conversation
from calltally.calls.errors import NotFound
from calltally.calls.events import Fact, Outcome
from calltally.calls.identity import Node
from calltally.calls.measures import COLUMNS as MEASURES
from calltally.calls.sessions import counts_of
from calltally.store.db.interface import Submission
from calltally.store.ledger.bulk_import import record_prepared
from calltally.store.ledger.prepared_calls import Batch, Prepared, prepare
from calltally.store.ledger.record import Told
from calltally.store.ledger.unrecorded_facts import unknown_facts
from calltally.store.maintenance.erasure import erase_call
from calltally.store.rollups.call_counters import CLAUSES
from calltally.store.rollups.import_sums import NOTHING
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import direct, found, listed, verdict
from tests.strategies import facts
from tests.telling import fact

_SLOW = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# All that a commit writes. Their columns are compared by name, since migrations add some at the end.
_TABLES: Final = (
    *("facts", "identities", "calls", "call_versions", "tombstones", "counts", "count_history", "quality"),
    *("alert_steps", "call_texts", "voice_sessions", "outbox"),
)
# The same without what tells in which commit it was written, and of what was known by then. Rows of zeros are
# where a call stood in between.
_COUNTED: Final = {"counts": "calls > 0", "quality": "attempts > 0", "alert_steps": "started + final > 0"}
_SHOWN: Final = {
    "facts": "node, key, received_us, content, raw, conversation",
    "identities": "node, call_sid, id",
    "calls": "id, call_sid, created_us, status, direction, route, agent, provider, escalated, measured",
    "counts": f"facet, width_s, bucket_s, {dict(CLAUSES)['columns']}",
    "quality": f"grain, bucket_s, key, {', '.join(MEASURES)}",
    "alert_steps": f"step_s, route, provider, provider_account, agent, {', '.join(STEPS)}",
    "voice_sessions": "session_id, id, created_us, status, turns_node, turns_key",
}
_names = (f"tenant-{number}" for number in count())
_batches = st.lists(st.lists(facts(), min_size=1, max_size=8), min_size=1, max_size=2)


def bring(bench: Bench, *told: Fact, tenant: str = TENANT) -> list[Told]:
    return bring_together(bench, [told], tenant)


def bring_together(bench: Bench, batches: Sequence[Sequence[Fact]], tenant: str = TENANT) -> list[Told]:
    """Batches that are prepared apart, in one commit."""
    ready = [prepare(tenant, told) for told in batches]
    return bench.run(bench.store.write(record_prepared(tenant, ready, lambda: bench.now_us)))


def tell(bench: Bench, told: list[Fact], tenant: str) -> None:
    """The same facts by the way of all others, without those that are known."""
    fresh = bench.run(bench.store.read(unknown_facts(tenant, told)))
    bench.run(bench.store.submit([Submission(tenant, each, announce=False) for each in fresh]))


def of_many_calls(batches: list[list[Fact]]) -> list[list[Fact]]:
    """Half of them about a call of their own: else few would be of new ones."""
    numbers = count()
    return [
        [_renamed(each, next(numbers)) if place % 2 else each for place, each in enumerate(batch)]
        for batch in batches
    ]


def sids_of(told: Fact) -> tuple[str, ...]:
    return (told.call_sid, *(link.call_sid for link in told.links))


def as_revised(batch: list[Fact], met: set[str]) -> list[Fact]:
    """Facts that make new calls in front of those that might not, as a batch has its revisions."""
    times = Counter(sid for told in batch for sid in sids_of(told))
    new = {told.call_sid for told in batch if not told.links and times[told.call_sid] == 1} - met
    return sorted(batch, key=lambda told: (told.call_sid not in new, bool(told.links)))


def _renamed(told: Fact, number: int) -> Fact:
    return msgspec.structs.replace(told, call_sid=f"CA{number:032x}", links=())


def written(bench: Bench, tenant: str) -> dict[str, list[Any]]:
    """Every row of a tenant."""
    columns = dict.fromkeys(_TABLES, "*") | {"call_texts": "id, valid_from, valid_to, words"}
    return _rows(bench, tenant, columns)


def shown(bench: Bench, tenant: str) -> dict[str, list[Any]]:
    """What of it does not tell how it came there."""
    return _rows(bench, tenant, _SHOWN, _COUNTED)


def _rows(
    bench: Bench, tenant: str, columns: dict[str, str], where: Mapping[str, str] = MappingProxyType({})
) -> dict[str, list[Any]]:
    with direct(bench.url) as db:
        asked = {
            table: db(f"SELECT {names} FROM {table} WHERE tenant = ? AND {where.get(table, '1 = 1')}", tenant)
            for table, names in columns.items()
        }
    return {table: sorted(map(repr, rows)) for table, rows in asked.items()}


def test_it_lies_there_as_if_it_had_been_told_in_the_same_commits(new_bench: Callable[[], Bench]) -> None:
    bench, other = new_bench(), new_bench()

    @_SLOW
    @given(_batches)
    def check(batches: list[list[Fact]]) -> None:
        tenant = next(_names)
        for each in (bench, other):
            each.add_tenant(tenant)
        met: set[str] = set()
        for batch in of_many_calls(batches):
            bring(bench, *batch, tenant=tenant)
            tell(other, as_revised(batch, met), tenant)
            met |= {sid for told in batch for sid in sids_of(told)}
        assert written(bench, tenant) == written(other, tenant)
        assert verdict(bench, tenant).findings == []

    check()


def test_it_is_what_facts_one_by_one_make(new_bench: Callable[[], Bench]) -> None:
    bench, other = new_bench(), new_bench()

    @_SLOW
    @given(_batches)
    def check(batches: list[list[Fact]]) -> None:
        tenant = next(_names)
        for each in (bench, other):
            each.add_tenant(tenant)
        for batch in of_many_calls(batches):
            bring(bench, *batch, tenant=tenant)
            for told in batch:
                tell(other, [told], tenant)
        assert shown(bench, tenant) == shown(other, tenant)
        assert [_unsealed(call) for call in listed(bench, tenant)] == [
            _unsealed(call) for call in listed(other, tenant)
        ]

    check()


def test_batches_of_new_calls_lie_beside_others_in_one_commit(new_bench: Callable[[], Bench]) -> None:
    bench, other = new_bench(), new_bench()
    numbers = count()

    @_SLOW
    @given(_batches, st.lists(facts(links=False), min_size=1, max_size=8))
    def check(batches: list[list[Fact]], some: list[Fact]) -> None:
        tenant, new = next(_names), [_renamed(each, next(numbers)) for each in some]
        for each in (bench, other):
            each.add_tenant(tenant)
        assert prepare(tenant, new).others == []
        bring_together(bench, [*batches, new], tenant)
        for told in (*(each for batch in batches for each in batch), *new):
            tell(other, [told], tenant)
        assert shown(bench, tenant) == shown(other, tenant)
        assert verdict(bench, tenant).findings == []

    check()


def test_a_batch_of_new_calls_is_recorded_by_its_sums(bench: Bench) -> None:
    old, new = [[fact(1, f"CA{number:032x}", status="busy") for number in some] for some in ([1], [2, 3])]
    bring(bench, *old)
    outcomes = [each.outcome for each in bring_together(bench, [old, new])]
    assert outcomes == [Outcome.APPLIED, Outcome.APPLIED, Outcome.DUPLICATE]
    revisions = {call["call_sid"]: call["revision"] for call in listed(bench)}
    assert [revisions[each.call_sid] for each in (*old, *new)] == [1, 2, 3]
    assert verdict(bench).findings == []


def _unsealed(call: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in call.items() if name not in ("revision", "updated_at")}


def test_a_call_with_a_conversation_goes_the_long_way(bench: Bench) -> None:
    conversation = Conversation([Turn("user", "A table for two")], [])
    told = fact(5, "own-1", session_id="s1", session=counts_of(conversation))
    told = msgspec.structs.replace(told, conversation=pack_conversation(conversation))
    assert prepare(TENANT, [told]) == Batch([], NOTHING, [told])
    new = fact(1, "CA" + "1" * 32, status="busy", summary="Said he would call again.")
    assert isinstance(prepare(TENANT, [new]).ready[0], Prepared)
    outcomes = bring(bench, told, new, told)
    assert [each.outcome for each in outcomes] == [Outcome.APPLIED, Outcome.APPLIED, Outcome.DUPLICATE]
    assert verdict(bench).findings == []


def test_a_link_in_the_same_batch_makes_one_call_of_a_new_one(bench: Bench) -> None:
    carrier = "CA" + "2" * 32
    linked = fact(9, "platform-1", links=(Node(carrier, is_carrier=True),), summary="Booked.")
    bring(bench, fact(1, carrier, status="completed"), linked)
    (call,) = listed(bench)
    assert (call["call_sid"], call["summary"]) == (carrier, "Booked.")
    assert verdict(bench).findings == []


def test_nothing_is_written_of_what_is_known_nor_of_an_erased_call(bench: Bench) -> None:
    told = [fact(1, f"CA{number:032x}", status="busy") for number in range(3)]
    bring(bench, *told)
    bench.run(bench.store.write(erase_call(TENANT, told[0].call_sid, NOW_US)))
    before = written(bench, TENANT)
    outcomes = [each.outcome for each in bring(bench, *told)]
    assert outcomes == [Outcome.DUPLICATE, Outcome.DUPLICATE, Outcome.REFUSED]
    assert written(bench, TENANT) == before


def test_a_fact_that_contradicts_itself_is_counted(bench: Bench) -> None:
    (told,) = bring(bench, fact(1, "CA" + "3" * 32, status="busy", talk_seconds=12))
    assert (told.outcome, told.conflicting) == (Outcome.APPLIED, True)
    shown = found(bench, "CA" + "3" * 32)
    assert shown is not None
    assert shown["conflicts"] == 1


def test_a_tenant_that_is_not_there_is_named(bench: Bench) -> None:
    with pytest.raises(NotFound, match="nobody"):
        bring(bench, fact(1), tenant="nobody")
