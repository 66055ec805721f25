"""States of our calls, from stored records and from a server's list."""

import pytest

from calltally.calls.errors import DamagedStore
from calltally.client import CallRecord
from calltally.reconcile.call_states import CallState, chunk_states, state_of

CREATED_US = 1_790_812_800_000_000


def test_chunk_of_records_is_parsed() -> None:
    records = (
        b'{"id":"1","call_sid":"CA1","status":"busy","duration_seconds":3,"escalated":true,"revision":7,'
        b'"created_at":"2026-10-01T00:00:00.000000Z","updated_at":"2026-10-01T00:00:01.000000Z"}\n'
        b'{"id":"2","call_sid":null,"status":null,"created_at":"2026-10-01T00:00:00Z","erased":true}\n'
        b'{"id":"3","call_sid":"CA3","status":null}'
    )
    assert list(chunk_states(records)) == [
        CallState("1", "CA1", "busy", 3, CREATED_US, 7, CREATED_US + 1_000_000, escalated=True),
        CallState("3", "CA3", "queued"),
    ]


def test_damaged_record_names_the_command_to_run() -> None:
    with pytest.raises(DamagedStore, match="calltally verify"):
        list(chunk_states(b"{"))


def listed(**more: str | None) -> CallRecord:
    seven = {"call_sid": "CA1", "direction": "inbound", "status": "busy"} | more
    return CallRecord(id="1", duration_seconds=3, escalated=None, summary=None, **seven)  # type: ignore[arg-type] # texts


def test_server_may_send_only_the_seven_reference_fields() -> None:
    assert state_of(listed()) == CallState("1", "CA1", "busy", 3, direction="inbound")
    assert state_of(listed(status=None)) == CallState("1", "CA1", "queued", 3, direction="inbound")
    assert state_of(listed(call_sid=None)) is None


def test_unreadable_time_is_unknown() -> None:
    state = state_of(listed(created_at="2026-10-01T00:00:00Z", updated_at="last week"), is_outside=True)
    assert state is not None
    assert (state.created_us, state.updated_us, state.is_outside) == (CREATED_US, None, True)
