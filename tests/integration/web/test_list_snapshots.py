"""Snapshots over HTTP: a page under a snapshot stays the same, whatever is written."""

from collections.abc import Callable
from typing import Any

import pytest

from calltally.calls.identity import Node
from calltally.calls.model import CALL_FIELDS
from tests.conftest import Bench
from tests.integration.store.probing import submit
from tests.integration.web.service import ADMIN, LIST, Answer, Service, invalid_parameters, slug
from tests.integration.web.walking import alter_head, another_service, erase, ids, page, sids, walk
from tests.sample_facts import fact, own

CALLS = 12
FILTERS = [
    "",
    "order=asc",
    "status=completed",
    "direction=inbound&order=asc",
    "route=sales",
    "escalated=true",
]
OTHER_FILTERS = ["number=100", "q=asked", "call_sid=call-03", "route=sales&agent=vera"]


def record_some(bench: Bench) -> None:
    """Record calls a minute apart, the third one escalated."""
    submissions = [
        own(
            60 * number,
            f"call-{number:02}",
            status=("completed", "ringing", "busy")[number % 3],
            direction=("inbound", "outbound")[number % 2],
            route=("sales", "support")[number % 4 // 2],
            agent="vera",
            escalated=number == 2,
            from_number=str(100 + number % 2),
            summary="Asked for a refund." if number % 2 else "Moved the appointment.",
        )
        for number in range(CALLS)
    ]
    submit(bench, *submissions)


@pytest.fixture
def listed(service: Service) -> Service:
    record_some(service.bench)
    return service


def record_again(bench: Bench) -> None:
    submit(
        bench, own(60 * CALLS, "new", status="completed", route="sales", direction="inbound", escalated=True)
    )


def record_late(bench: Bench) -> None:
    submit(bench, own(150, "late", status="completed", route="sales", direction="inbound", escalated=True))


def change_states(bench: Bench) -> None:
    for number in range(0, CALLS, 2):
        changed_fields: Any = {
            "status": "failed",
            "route": "support",
            "direction": "outbound",
            "escalated": number == 4,
        }
        submit(bench, own(9_000, f"call-{number:02}", event_id="changed", **changed_fields))


def move_earlier(bench: Bench) -> None:
    submit(bench, own(-600, "call-07", event_id="earlier"), own(1, "call-09", event_id="earlier"))


def merge_two(bench: Bench) -> None:
    submit(bench, own(9_000, "call-05", event_id="link", links=(Node("call-06", is_carrier=True),)))


CHANGES = [record_again, record_late, change_states, move_earlier, merge_two]


@pytest.mark.parametrize("change", CHANGES)
def test_page_with_snapshot_stays_stable(listed: Service, change: Callable[[Bench], None]) -> None:
    pages = {query: page(listed, f"{query}&limit=1000") for query in (*FILTERS, *OTHER_FILTERS)}
    change(listed.bench)
    for query, before in pages.items():
        under = f"{query}&snapshot={before['snapshot']}"
        assert before["data"]
        assert page(listed, f"{under}&limit=1000") == before
        assert walk(listed, under, limit=5) == before["data"]
        behind = page(listed, f"{under}&limit=5&offset={before['total']}")
        assert (behind["data"], behind["total"]) == ([], before["total"])


@pytest.mark.parametrize("change", CHANGES)
def test_page_without_snapshot_moves(listed: Service, change: Callable[[Bench], None]) -> None:
    """The counterexample of the previous test."""
    before = page(listed, "limit=1000")
    change(listed.bench)
    assert page(listed, "limit=1000")["data"] != before["data"]


@pytest.mark.parametrize("query", FILTERS)
def test_erased_call_keeps_only_its_row(listed: Service, query: str) -> None:
    before = page(listed, f"{query}&limit=1000")
    gone = before["data"][len(before["data"]) // 2]
    erase(listed.bench, gone["call_sid"])
    after = page(listed, f"{query}&limit=1000&snapshot={before['snapshot']}")
    assert (ids(after), after["total"]) == (ids(before), before["total"])
    (pages,) = [call for call in after["data"] if call["id"] == gone["id"]]
    assert list(pages) == [*CALL_FIELDS, "erased"]
    fields = {name: value for name, value in pages.items() if value is not None}
    assert fields == {"id": gone["id"], "created_at": gone["created_at"], "erased": True}
    others = [call for call in before["data"] if call["id"] != gone["id"]]
    assert [call for call in after["data"] if call["id"] != gone["id"]] == others
    assert gone["id"] not in ids(page(listed, f"{query}&limit=1000"))


@pytest.mark.parametrize("query", ["number=100", "q=asked", "call_sid=call-03"])
def test_erased_call_is_not_found_by_its_filters(listed: Service, query: str) -> None:
    before = page(listed, query)["snapshot"]
    erase(listed.bench, "call-11")
    answer = listed.get(f"{LIST}?{query}&snapshot={before}")
    assert (answer.status_code, slug(answer)) == (410, "snapshot-gone")
    assert "erased" in answer.json()["detail"]
    since = page(listed, query)
    record_again(listed.bench)
    assert page(listed, f"{query}&snapshot={since['snapshot']}") == since


@pytest.mark.parametrize(
    "query", ["", "limit=1&offset=3", "status=failed", "q=nobody", "number=1", "order=asc"]
)
def test_every_page_has_its_snapshot(listed: Service, query: str) -> None:
    answer = listed.get(f"{LIST}?{query}")
    body = answer.json()
    assert list(body) == ["data", "limit", "offset", "total", "snapshot"]
    assert answer.content.endswith(b'"snapshot":"%b"}' % body["snapshot"].encode())
    assert answer.content == listed.get(f"{LIST}?{query}&snapshot={body['snapshot']}").content


def test_unchanged_ledger_has_one_snapshot(listed: Service) -> None:
    tokens = {page(listed, query)["snapshot"] for query in FILTERS}
    assert len(tokens) == 1
    record_again(listed.bench)
    assert page(listed)["snapshot"] not in tokens


def test_an_empty_ledger_has_a_snapshot_too(service: Service) -> None:
    before = page(service)
    record_some(service.bench)
    assert page(service)["total"] == CALLS
    assert page(service, f"snapshot={before['snapshot']}") == before


def test_links_follow_the_snapshot(listed: Service) -> None:
    before = page(listed, "status=completed,busy&limit=1000")["data"]
    answer = listed.get(f"{LIST}?status=completed,busy&limit=3")
    token = answer.json()["snapshot"]
    data = answer.json()["data"]
    for change in (record_again, record_late, change_states):
        assert all(f"snapshot={token}&" in link["url"] for link in answer.links.values())
        change(listed.bench)
        if "next" in answer.links:
            answer = listed.get(answer.links["next"]["url"])
            data += answer.json()["data"]
    assert data == before
    assert answer.json()["snapshot"] == token
    first = listed.get(answer.links["first"]["url"]).json()
    assert first["data"] == before[:3]


def test_two_services_on_one_database_answer_alike(listed: Service) -> None:
    under = f"snapshot={page(listed)['snapshot']}"
    for change in (record_late, move_earlier, change_states):
        change(listed.bench)
    with another_service(listed) as other:
        for query in (*FILTERS, *OTHER_FILTERS):
            for full_query in (query, f"{query}&{under}", f"{query}&{under}&limit=2&offset=1"):
                one, another = (answer_of(service, full_query, listed.key) for service in (listed, other))
                assert one == another


def answer_of(service: Service, query: str, key: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """Return the bytes of a page, and its headers under a fixed request id."""
    answer = service.get(f"{LIST}?{query}", {**key, "x-request-id": "the-same"})
    assert answer.status_code == 200
    headers = {name: value for name, value in answer.headers.items() if name != "x-ratelimit-remaining"}
    return answer.content, headers


# ----------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize("token", ["s0", "0", "S" + "a" * 32, "x" * 33, "%20", "%C3%A9", "s" * 101])
def test_invalid_token_names_the_parameter(service: Service, token: str) -> None:
    assert invalid_parameters(service.get(f"{LIST}?snapshot={token}")) == ["snapshot"]


def test_forged_token_reveals_nothing(service: Service) -> None:
    assert "another ledger" in gone(service.get(f"{LIST}?snapshot=s{'a' * 32}"))


def test_token_of_another_tenant_is_refused(listed: Service) -> None:
    """Each ledger has its own epoch."""
    other = listed.new_key("calls:read", tenant=listed.bench.add_tenant("bolt"))
    theirs = page(listed, headers=other)["snapshot"]
    assert listed.get(f"{LIST}?snapshot={theirs}").status_code == 410
    ours = page(listed)["snapshot"]
    assert listed.get(f"{LIST}?snapshot={ours}", other).status_code == 410
    # The admin key may read both; the named tenant decides.
    assert listed.get(f"{LIST}?tenant=bolt&snapshot={ours}", ADMIN).status_code == 410
    assert page(listed, f"tenant=acme&snapshot={ours}", ADMIN)["total"] == CALLS


def test_feed_position_is_not_a_snapshot(listed: Service) -> None:
    position = listed.get("/api/v1/changes").json()["next"]
    answer = listed.get(f"{LIST}?snapshot={position}")
    assert invalid_parameters(answer) == ["snapshot"]
    assert "position of the change feed" in answer.json()["detail"]


def gone(answer: Answer) -> str:
    assert (answer.status_code, slug(answer)) == (410, "snapshot-gone")
    return str(answer.json()["detail"])


def test_a_token_of_another_epoch_is_gone(listed: Service) -> None:
    token = page(listed)["snapshot"]
    alter_head(listed.bench, "epoch = 'epoch-2'")
    detail = gone(listed.get(f"{LIST}?snapshot={token}"))
    assert "restored" in detail
    assert "begin again without it" in detail
    assert page(listed)["snapshot"] != token


def test_pruned_snapshot_is_gone_with_advice(listed: Service) -> None:
    token = page(listed)["snapshot"]
    record_again(listed.bench)
    alter_head(listed.bench, f"kept_from = {CALLS}")
    assert page(listed, f"snapshot={token}")["total"] == CALLS
    alter_head(listed.bench, f"kept_from = {CALLS + 1}")
    detail = gone(listed.get(f"{LIST}?snapshot={token}"))
    assert "the snapshot has expired" in detail
    assert "begin again without it, and continue with the snapshot in the response" in detail


def test_old_snapshot_has_the_old_id_of_a_call(service: Service) -> None:
    """In the snapshot, the calls of platform and carrier are still separate, with their old ids and SIDs."""
    submit(service.bench, own(1, "platform-1", summary="Asked."), fact(2, status="ringing"))
    before = page(service)
    merge = own(3, "platform-1", event_id="link", links=(Node(sids(before)[0], is_carrier=True),))
    submit(service.bench, merge)
    assert page(service)["total"] == 1
    for sid in sids(before):
        then = page(service, f"call_sid={sid}&snapshot={before['snapshot']}")
        assert (then["total"], sids(then)) == (1, [sid])
        assert then["data"][0] in before["data"]
