"""What is read from an event, and what is refused."""

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
def test_every_form_of_an_event_says_the_same(event: object) -> None:
    assert final_state(event) == STATE


def test_a_server_of_the_bare_contract_names_the_call_by_its_sid() -> None:
    event = EVENT | {"data": {"call_sid": "CA1", "status": "busy"}}
    state = final_state(event)
    assert (state.call_id, state.call_sid, state.revision) == ("CA1", "CA1", None)


@pytest.mark.parametrize("created_at", [None, "", "yesterday", "2026-10-01T00:00:00"])
def test_a_time_that_cannot_be_read_is_not_known(created_at: str | None) -> None:
    assert final_state(EVENT | {"created_at": created_at}).told_us is None


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (EVENT | {"event": "voice.call.started"}, "'voice.call.started' tells no final state"),
        (EVENT | {"data": DATA | {"status": "ringing"}}, "'ringing' is not a final state"),
        (EVENT | {"data": DATA | {"id": ""}, "tenant_id": ""}, "tenant must have 1 to 500"),
        (EVENT | {"data": DATA | {"id": "a\0b"}}, "call_id must have 1 to 500"),
        (EVENT | {"id": "m" * 501}, "event_id must have 1 to 500"),
        (EVENT | {"data": DATA | {"revision": -1}}, "-1 is not a revision"),
        (EVENT | {"data": DATA | {"revision": 2**63}}, "is not a revision"),
        (EVENT | {"data": None}, "`$.data`"),
        (EVENT | {"tenant_id": None}, "`$.tenant_id`"),
        (b"{", "is no voice.call.completed as it is delivered"),
        (b'{"event": "\xff"}', "is no voice.call.completed as it is delivered"),
        ([], "is no voice.call.completed as it is delivered"),
        (None, "is no voice.call.completed as it is delivered"),
    ],
)
def test_what_tells_no_final_state_is_refused_by_name(event: object, words: str) -> None:
    with pytest.raises(NotAFinalState) as refused:
        final_state(event)
    assert words in refused.value.detail
    assert refused.value.faults
