"""Reading of final states from events."""

import json
from typing import Any

import msgspec
import pytest

from calltally.client.once import FinalState, NotAFinalState, final_state
from calltally.client.webhooks import Envelope

DATA: dict[str, Any] = {
    "call_sid": "CA1",
    "status": "completed",
    "id": "call-1",
    "revision": 7,
    "summary": None,
}
EVENT: dict[str, Any] = {
    "id": "msg_1",
    "event": "voice.call.completed",
    "created_at": "2026-10-01T00:00:00.000000Z",
    "tenant_id": "acme",
    "api_version": "2026-11-01",
    "data": DATA,
}
STATE = FinalState(
    tenant="acme",
    call_id="call-1",
    status="completed",
    call_sid="CA1",
    revision=7,
    event_id="msg_1",
    told_us=1_790_812_800_000_000,
)


@pytest.mark.parametrize(
    "event",
    [
        EVENT,
        json.dumps(EVENT),
        json.dumps(EVENT).encode(),
        bytearray(json.dumps(EVENT).encode()),
        msgspec.convert(EVENT, Envelope),
        STATE,
    ],
)
def test_all_forms_of_an_event_give_the_same_state(event: object) -> None:
    assert final_state(event) == STATE


def test_call_sid_is_the_id_without_another() -> None:
    event = EVENT | {"data": {"call_sid": "CA1", "status": "busy"}}
    state = final_state(event)
    assert (state.call_id, state.call_sid, state.revision) == ("CA1", "CA1", None)


@pytest.mark.parametrize("created_at", [None, "", "yesterday", "2026-10-01T00:00:00"])
def test_unreadable_time_is_ignored(created_at: str | None) -> None:
    assert final_state(EVENT | {"created_at": created_at}).told_us is None


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (EVENT | {"event": "voice.call.started"}, "'voice.call.started' events have no final state"),
        (EVENT | {"data": DATA | {"status": "ringing"}}, "'ringing' is not a final state"),
        (EVENT | {"data": DATA | {"id": ""}, "tenant_id": ""}, "tenant must have 1 to 500"),
        (EVENT | {"data": DATA | {"id": "a\0b"}}, "call_id must have 1 to 500"),
        (EVENT | {"id": "m" * 501}, "event_id must have 1 to 500"),
        (EVENT | {"data": DATA | {"revision": -1}}, "-1 is not a revision"),
        (EVENT | {"data": DATA | {"revision": 2**63}}, "is not a revision"),
        (EVENT | {"data": None}, "`$.data`"),
        (EVENT | {"tenant_id": None}, "`$.tenant_id`"),
        (b"{", "is not a delivered voice.call.completed"),
        (b'{"event": "\xff"}', "is not a delivered voice.call.completed"),
        ([], "is not a delivered voice.call.completed"),
        (None, "is not a delivered voice.call.completed"),
    ],
)
def test_event_without_a_final_state_is_refused(event: object, message: str) -> None:
    with pytest.raises(NotAFinalState) as refused:
        final_state(event)
    assert message in refused.value.detail
    assert refused.value.faults
