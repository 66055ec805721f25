"""The change feed over HTTP: calls in their newest state, tombstones, positions, and long polls."""

import asyncio
from time import perf_counter
from typing import Any

import pytest
from msgspec.structs import replace

from calltally.calls.identity import Node, call_uuid, uuid_text
from calltally.calls.model import CALL_FIELDS
from calltally.calls.times import SECOND_US, parse_instant
from calltally.store.db.interface import Submission
from calltally.store.db.operation import StoreOperation
from tests.conftest import NOW_US, TENANT
from tests.integration.store.probing import submit
from tests.integration.web.service import ADMIN, Answer, Service, invalid_parameters, slug
from tests.integration.web.walking import alter_head, another_service, erase, page
from tests.sample_facts import SID, fact, own

CHANGES = "/api/v1/changes"
# The awaited change must come much earlier; only a failure makes the test slow.
AT_ONCE_S = 15

Json = dict[str, Any]


@pytest.fixture
def listed(service: Service) -> Service:
    """Record three calls; the first one changed last."""
    reported = [own(60 * number, f"call-{number}", status="ringing") for number in range(3)]
    submit(service.bench, *reported)
    submit(service.bench, own(500, "call-0", event_id="end", status="completed"))
    return service


def changes(service: Service, query: str = "", headers: dict[str, str] | None = None) -> Json:
    answer = service.get(f"{CHANGES}?{query}", headers)
    assert answer.status_code == 200, answer.text
    reported: Json = answer.json()
    return reported


def without_tombstone(change: Json) -> Json:
    return {name: value for name, value in change.items() if name != "tombstone"}


def test_feed_has_each_call_once_in_order_of_last_change(listed: Service) -> None:
    reported = changes(listed)
    assert list(reported) == ["data", "limit", "next", "has_more", "revision", "watermark"]
    assert [call["call_sid"] for call in reported["data"]] == ["call-1", "call-2", "call-0"]
    assert [call["revision"] for call in reported["data"]] == [2, 3, 4]
    assert (reported["limit"], reported["has_more"], reported["revision"]) == (100, False, 4)
    by_id = {call["id"]: {**call, "tombstone": None} for call in page(listed)["data"]}
    assert {call["id"]: call for call in reported["data"]} == by_id
    assert list(reported["data"][0]) == [*CALL_FIELDS, "tombstone"]


def test_feed_of_an_empty_ledger_can_be_followed(service: Service) -> None:
    reported = changes(service)
    assert (reported["data"], reported["has_more"], reported["revision"], reported["watermark"]) == (
        [],
        False,
        0,
        None,
    )
    submit(service.bench, own(1, "first"))
    assert [call["call_sid"] for call in changes(service, f"after={reported['next']}")["data"]] == ["first"]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 1000])
def test_feed_comes_in_consecutive_batches(listed: Service, limit: int) -> None:
    erase(listed.bench, "call-1")
    revisions, after = [], "0"
    while True:
        reported = changes(listed, f"after={after}&limit={limit}")
        assert len(reported["data"]) <= limit
        revisions += [each["revision"] for each in reported["data"]]
        after = reported["next"]
        if not reported["has_more"]:
            break
        assert len(reported["data"]) == limit
    assert revisions == [3, 4, 5]
    assert changes(listed, f"after={after}")["data"] == []


def test_next_is_linked_only_while_there_is_more(listed: Service) -> None:
    first = listed.get(f"{CHANGES}?since=1&limit=1")
    position = first.json()["next"]
    assert first.headers["link"] == f'<{CHANGES}?limit=1&after={position}>; rel="next"'
    last = listed.get(f"{CHANGES}?since=1&limit=100")
    assert "link" not in last.headers
    assert [call["call_sid"] for call in last.json()["data"]] == ["call-1", "call-2", "call-0"]


def test_since_starts_a_run_and_after_pages_it(listed: Service) -> None:
    assert [each["revision"] for each in changes(listed, "since=3")["data"]] == [4]
    # A stock client sends its fixed start with every page.
    first = changes(listed, "since=1&limit=1")
    rest = changes(listed, f"since=1&limit=100&after={first['next']}")
    assert [each["revision"] for each in [*first["data"], *rest["data"]]] == [2, 3, 4]
    assert invalid_parameters(listed.get(f"{CHANGES}?since=yesterday")) == ["since"]


def test_call_that_changes_while_followed_appears_again(listed: Service) -> None:
    first = changes(listed, "limit=1")
    submit(listed.bench, own(900, "call-1", event_id="end", status="busy"))
    rest = changes(listed, f"after={first['next']}")
    assert [(call["call_sid"], call["status"]) for call in [*first["data"], *rest["data"]]] == [
        ("call-1", "ringing"),
        ("call-2", "ringing"),
        ("call-0", "completed"),
        ("call-1", "busy"),
    ]


def test_merged_and_erased_calls_leave_tombstones(listed: Service) -> None:
    after = changes(listed)["next"]
    listed.bench.now_us = NOW_US + 7 * SECOND_US
    submit(listed.bench, fact(9, SID, links=(Node("call-1", is_carrier=False),)))
    erase(listed.bench, "call-2")
    merged, one, erased = changes(listed, f"after={after}")["data"]
    assert merged == {
        "id": uuid_text(call_uuid(TENANT, "call-1")),
        "tombstone": "merged",
        "merged_into": uuid_text(call_uuid(TENANT, SID)),
        "revision": 5,
        "updated_at": "2026-11-18T11:06:47.000000Z",
    }
    assert (one["id"], one["revision"]) == (merged["merged_into"], 6)
    assert list(erased) == list(merged)
    assert (erased["id"], erased["tombstone"]) == (uuid_text(call_uuid(TENANT, "call-2")), "erased")
    assert (erased["merged_into"], erased["revision"]) == (None, 7)


def test_feed_continues_from_a_revision_position_or_snapshot(listed: Service) -> None:
    snapshot = page(listed)["snapshot"]
    position = changes(listed)["next"]
    submit(listed.bench, own(900, "call-9"))
    for after in ("4", position, snapshot):
        assert [call["call_sid"] for call in changes(listed, f"after={after}")["data"]] == ["call-9"]
    # A copy of the list as of the snapshot, plus the changes since, equals the current list.
    copy = {call["id"]: call for call in page(listed, f"snapshot={snapshot}")["data"]}
    copy |= {call["id"]: without_tombstone(call) for call in changes(listed, f"after={snapshot}")["data"]}
    assert copy == {call["id"]: call for call in page(listed)["data"]}


def test_pruning_does_not_change_the_feed(listed: Service) -> None:
    """A follower may be away for longer than snapshots are retained: it gets each call's newest state."""
    first = changes(listed, "limit=1")
    snapshot = page(listed)["snapshot"]
    submit(listed.bench, own(900, "call-9"))
    alter_head(listed.bench, "kept_from = revision")
    reported = changes(listed, f"after={first['next']}")["data"]
    assert [call["call_sid"] for call in reported] == ["call-2", "call-0", "call-9"]
    assert [call["call_sid"] for call in changes(listed, f"after={snapshot}")["data"]] == ["call-9"]


def test_watermark_trails_now_by_the_recent_lags(service: Service) -> None:
    """All these calls changed ten minutes after their creation."""
    started = own(0, "slow", status="ringing")
    slow = [replace(started, occurred_us=NOW_US - 600 * SECOND_US, call_sid=f"slow-{n}") for n in range(3)]
    submit(service.bench, *slow)
    assert parse_instant(changes(service)["watermark"]) == NOW_US - 750 * SECOND_US


# --------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("after=x", ["after"]),
        ("after=", ["after"]),
        ("after=-1", ["after"]),
        (f"after={2**62 + 1}", ["after"]),
        ("after=%D9%A3", ["after"]),
        (f"after=p{'a' * 31}", ["after"]),
        ("limit=0", ["limit"]),
        ("limit=1001", ["limit"]),
        ("wait=31", ["wait"]),
        ("wait=-1", ["wait"]),
        ("wait=1.5", ["wait"]),
        ("offset=1", ["offset"]),
        ("tenant=acme", ["tenant"]),
        ("after=1&after=2", ["after"]),
        ("nope=1&limit=1&limit=2", ["nope", "limit"]),
        ("limit=x&wait=x&after=%C3%A9", ["limit", "wait", "after"]),
    ],
)
def test_invalid_query_names_the_parameter(service: Service, query: str, named: list[str]) -> None:
    assert invalid_parameters(service.get(f"{CHANGES}?{query}")) == named


def gone(answer: Answer) -> str:
    assert (answer.status_code, slug(answer)) == (410, "snapshot-gone")
    return str(answer.json()["detail"])


def test_position_of_another_epoch_is_gone(listed: Service) -> None:
    tokens = [changes(listed)["next"], page(listed)["snapshot"]]
    alter_head(listed.bench, "epoch = 'epoch-2'")
    for token in tokens:
        assert "begin again" in gone(listed.get(f"{CHANGES}?after={token}"))


def test_future_revision_is_gone(listed: Service) -> None:
    detail = gone(listed.get(f"{CHANGES}?after=5"))
    assert detail == "the ledger is at revision 4 and has not reached 5; begin at 0"
    assert changes(listed, "after=4")["data"] == []


def test_position_of_another_tenant_is_refused(listed: Service) -> None:
    theirs = listed.new_key("calls:read", tenant=listed.bench.add_tenant("bolt"))
    assert changes(listed, headers=theirs)["data"] == []
    assert listed.get(f"{CHANGES}?after={changes(listed)['next']}", theirs).status_code == 410
    assert len(changes(listed, "tenant=acme", ADMIN)["data"]) == 3
    assert invalid_parameters(listed.get(CHANGES, ADMIN)) == ["tenant"]
    assert listed.get(CHANGES, listed.new_key("events:write")).status_code == 403
    assert listed.get(CHANGES, {}).status_code == 401


# ---------------------------------------------------------------------------------------------- waiting


def test_existing_changes_return_without_waiting(listed: Service) -> None:
    async def fetch() -> Answer:
        async with asyncio.timeout(AT_ONCE_S):
            return await listed._request("GET", f"{CHANGES}?after=3&wait=30", listed.key)

    assert [call["call_sid"] for call in listed.bench.run(fetch()).json()["data"]] == ["call-0"]


def test_response_is_empty_after_the_wait_without_changes(listed: Service) -> None:
    started = perf_counter()
    reported = changes(listed, "after=4&wait=1")
    assert 1 <= perf_counter() - started < 1 + AT_ONCE_S
    assert (reported["data"], reported["has_more"]) == ([], False)
    assert changes(listed, f"after={reported['next']}")["data"] == []


def noted_waits(service: Service) -> asyncio.Queue[str]:
    """Record the tenants of all new waits."""
    long_polls, started = service.deps.long_polls, asyncio.Queue[str]()
    wait_for_revision = long_polls.wait_for_revision

    async def noted(tenant: str, revision: int, timeout_s: float) -> None:
        started.put_nowait(tenant)
        await wait_for_revision(tenant, revision, timeout_s)

    long_polls.wait_for_revision = noted  # type: ignore[method-assign] # it goes on to what it stands for
    return started


@pytest.mark.parametrize("elsewhere", [False, True])
def test_change_from_another_process_ends_the_wait(listed: Service, *, elsewhere: bool) -> None:
    async def follow(writer: Service) -> list[Answer]:
        waits = noted_waits(listed)
        requests = [listed._request("GET", f"{CHANGES}?after=4&wait=30", listed.key) for _ in range(20)]
        waiting = [asyncio.create_task(each) for each in requests]
        async with asyncio.timeout(AT_ONCE_S):
            for _ in waiting:
                await waits.get()
            await writer.deps.store.submit([Submission(TENANT, own(900, "call-9"))])
            return await asyncio.gather(*waiting)

    with another_service(listed) as other:
        answers = listed.bench.run(follow(other if elsewhere else listed))
    assert [[call["call_sid"] for call in answer.json()["data"]] for answer in answers] == [["call-9"]] * 20
    assert {answer.json()["next"] for answer in answers} == {changes(listed)["next"]}


def test_changes_of_other_tenants_do_not_end_the_wait(listed: Service) -> None:
    listed.bench.add_tenant("bolt")

    async def follow() -> Answer:
        waits = noted_waits(listed)
        waiting = asyncio.create_task(listed._request("GET", f"{CHANGES}?after=4&wait=1", listed.key))
        await waits.get()
        await listed.bench.store.submit([Submission("bolt", own(900, "theirs"))])
        return await waiting

    assert listed.bench.run(follow()).json()["data"] == []


def test_store_error_during_the_wait_is_reported(listed: Service) -> None:
    from_store = listed.deps.store.read
    reads = 0

    async def read(operation: StoreOperation[Any], *, long: bool = False) -> Any:  # noqa: ANN401 (whatever a step gives)
        nonlocal reads
        reads += 1
        if reads > 2:
            operation.close()
            raise OSError("the disk is gone")
        return await from_store(operation, long=long)

    listed.get(f"{CHANGES}?after=4")
    listed.deps.store.read = read  # type: ignore[method-assign] # it fails from the third read on
    try:
        answer = listed.get(f"{CHANGES}?after=4&wait=30")
    finally:
        del listed.deps.store.read
    assert (answer.status_code, slug(answer)) == (500, "internal")
