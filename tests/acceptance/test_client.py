"""The Python client against a running server, of both kinds."""

import asyncio
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyarrow import ipc, parquet

from calltally.calls.errors import InvalidInput
from calltally.client import AsyncClient, CallRecord, Client, Evaluation, RetryPolicy, Tombstone, Turn, errors
from tests.acceptance.live import Live
from tests.integration.client.either import Either

CALLS = 23


@pytest.fixture(params=[Client, AsyncClient], ids=["blocking", "awaiting"])
def either(request: pytest.FixtureRequest) -> Iterator[Either]:
    with asyncio.Runner() as runner:
        client = Either(request.param, runner)
        yield client
        client.close()


class Reported:
    """A tenant with reported calls, and a client of its key."""

    def __init__(self, live: Live, either: Either) -> None:
        self.live = live
        self.tenant = live.new_tenant()
        self.key = live.new_key(self.tenant, "calls:read", "events:write", "transcripts:read")
        self.report(*range(CALLS))
        self.api = either.open(live.base, self.key, retries=RetryPolicy(tries=2, first_s=0.01))

    def report(self, *numbers: int, status: str = "completed") -> None:
        self.live.send_events(self.key, [event(number, status) for number in numbers])


@pytest.fixture
def reported(live: Live, either: Either) -> Reported:
    return Reported(live, either)


def event(number: int, status: str) -> dict[str, Any]:
    return {
        "id": f"evt-{number}-{status}",
        "call_sid": f"call-{number:02}",
        "occurred_at": f"2026-10-01T09:{number:02}:00Z",
        "status": status if number % 5 else "busy",
        "direction": "outbound",
        "summary": f'Said "{number}",\nand no more.',
        "tags": ["b", "a"],
        "cost": {"amount": "0.0140", "currency": "USD"},
    }


def sids(calls: list[CallRecord]) -> list[str]:
    return [str(call.call_sid) for call in calls]


def test_pages_hold_still_while_calls_come(reported: Reported) -> None:
    before = reported.api(lambda client: client.list_calls(limit=5, order="asc"))
    reported.report(40, 41)
    rest = reported.api(lambda client: client.iter_calls(page_size=4, order="asc", snapshot=before.snapshot))
    assert sids(rest) == [f"call-{number:02}" for number in range(CALLS)]
    now = reported.api(lambda client: client.iter_calls(page_size=1_000, order="asc"))
    assert sids(now)[-2:] == ["call-40", "call-41"]
    assert (before.total, set(before.links)) == (CALLS, {"first", "next", "last"})


def test_each_page_is_of_the_snapshot_of_the_first(reported: Reported) -> None:
    pages = reported.api(lambda client: client.iter_call_pages(page_size=10))
    assert [len(page.data) for page in pages] == [10, 10, 3]
    assert len({page.snapshot for page in pages}) == 1
    held = reported.api(lambda client: client.iter_calls(page_size=7, hold="run-1"))
    assert len(held) == CALLS


def test_filters_are_what_the_server_knows(reported: Reported) -> None:
    filters: dict[str, Any] = {
        "status": ["busy", "completed"],
        "direction": "outbound",
        "from_": datetime(2026, 10, 1, 9, 5, tzinfo=UTC),
        "to": "2026-10-01T09:10:00+00:00",
        "escalated": False,
        "q": "said",
    }
    page = reported.api(lambda client: client.list_calls(**filters))
    assert sorted(sids(page.data)) == [f"call-{number:02}" for number in range(5, 10)]
    call = page.data[0]
    assert (call.tags, call.cost.amount, call.conflicts) == (("a", "b"), "0.0140", 0)


def test_a_value_that_the_server_refuses_is_named(reported: Reported) -> None:
    with pytest.raises(errors.BadRequestError) as caught:
        reported.api(lambda client: client.list_calls(limit=1_001))
    assert isinstance(caught.value, InvalidInput)
    assert caught.value.faults[0].parameter == "limit"
    assert str(caught.value.request_id) in caught.value.detail


def test_one_call_and_its_events(reported: Reported) -> None:
    call = reported.api(lambda client: client.get_call("call-03"))
    assert (call.status, call.is_final, len(call.events)) == ("completed", True, 1)
    reported.report(3, status="failed")
    events = reported.api(lambda client: client.iter_call_events(call.id, page_size=1))
    assert {each.said["status"] for each in events} == {"completed", "failed"}
    page = reported.api(lambda client: client.list_call_events("call-03", limit=1, offset=1))
    assert (page.total, json.loads(page.data[0].raw)["id"]) == (2, events[1].event_id)
    with pytest.raises(errors.NotFoundError):
        reported.api(lambda client: client.get_call("call-99"))


def test_a_session_is_stored_in_parts_listed_and_read(reported: Reported) -> None:
    def store(client: Any) -> Any:  # noqa: ANN401 (either client)
        return client.put_session("s/1", call_sid="call-03", transcript=[Turn("agent", "Hello.")], tags=["b"])

    stored = reported.api(store)
    assert (stored.outcome, stored.call_id) == (
        "applied",
        reported.api(lambda client: client.get_call("call-03")).id,
    )
    reported.api(lambda client: client.put_session("s/1", evaluation=Evaluation(successful=True), tags=["a"]))
    assert reported.api(lambda client: client.list_sessions(agent_key="none")).total == 0
    [listed] = reported.api(lambda client: client.iter_sessions(status="completed"))
    assert (listed.id, listed.tags, listed.transcript_turn_count) == ("s/1", ("a", "b"), 1)
    whole = reported.api(lambda client: client.get_session("s/1"))
    assert (whole.transcript, whole.function_calls) == ((Turn("agent", "Hello."),), None)
    with pytest.raises(errors.NotFoundError):
        reported.api(lambda client: client.get_session("s/2"))
    with pytest.raises(errors.BadRequestError) as caught:
        reported.api(lambda client: client.put_session("s/2", tags=["a"]))
    assert caught.value.faults[0].parameter == "call_sid"


def test_the_feed_has_new_and_removed_calls(reported: Reported) -> None:
    everything = reported.api(lambda client: client.iter_change_pages(limit=10))
    assert [len(page.data) for page in everything] == [10, 10, 3]
    position = everything[-1].next
    gone = reported.live.request(
        "DELETE", f"/api/v1/call-logs/call-04?tenant={reported.tenant}", headers=reported.live.admin
    )
    assert gone.status == 204
    reported.report(7, status="failed")
    since = reported.api(lambda client: client.iter_changes(position))
    assert [type(change) for change in since] == [Tombstone, CallRecord]
    assert since[0].tombstone == "erased"
    at_the_end = reported.api(lambda client: client.changes(position, wait_s=1))
    assert (at_the_end.has_more, len(at_the_end.data)) == (False, 2)
    with pytest.raises(errors.ErasedError):
        reported.api(lambda client: client.get_call("call-04"))


@pytest.mark.parametrize("format_", ["csv", "ndjson", "parquet", "arrow"])
def test_a_stream_is_whole(reported: Reported, format_: str) -> None:
    file = io.BytesIO()
    streamed = reported.api(lambda client: client.stream(file, format=format_, order="asc"))
    assert (streamed.rows, streamed.size_bytes) == (CALLS, len(file.getvalue()))
    file.seek(0)
    if format_ == "parquet":
        assert parquet.read_table(file).num_rows == CALLS
    elif format_ == "arrow":
        assert ipc.open_stream(file).read_all().num_rows == CALLS
    again = io.BytesIO()
    reported.report(50)
    reported.api(lambda client: client.stream(again, format=format_, order="asc", snapshot=streamed.snapshot))
    assert again.getvalue() == file.getvalue()


def test_calls_are_read_as_tables(reported: Reported) -> None:
    table = reported.api(lambda client: client.to_arrow(order="asc", direction="outbound"))
    frame = reported.api(lambda client: client.to_pandas(order="asc", limit=5))
    assert table.column("call_sid").to_pylist() == [f"call-{number:02}" for number in range(CALLS)]
    assert list(frame["call_sid"]) == table.column("call_sid").to_pylist()[:5]
    assert frame["cost"].struct.field("amount").sum() == 5 * Decimal("0.0140")


def test_a_wrong_key_is_reported_without_the_key(live: Live, either: Either) -> None:
    with pytest.raises(errors.UnauthorizedError) as caught:
        either.open(live.base, "ct_wrong")(lambda client: client.list_calls())
    assert "ct_wrong" not in str(caught.value)


def test_an_administrator_names_the_tenant(reported: Reported, either: Either) -> None:
    api = either.open(reported.live.base, reported.live.admin_key)
    assert len(api(lambda client: client.iter_calls(tenant=reported.tenant, page_size=10))) == CALLS
    with pytest.raises(errors.UnauthorizedError):
        api(lambda client: client.list_calls())


def test_a_snapshot_of_another_ledger_is_gone(reported: Reported, live: Live) -> None:
    other = reported.api(lambda client: client.list_calls(limit=1)).snapshot
    tenant = live.new_tenant()
    with (
        Client(live.base, live.new_key(tenant, "calls:read")) as client,
        pytest.raises(errors.SnapshotGoneError),
    ):
        client.list_calls(snapshot=other)
