"""Records of LiveKit's SIP participants: outbound calls, calls that were never active, and start times."""

import json
from itertools import permutations
from typing import Any

import pytest

from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.model import Call
from calltally.providers.livekit import normalise, words
from tests.unit.providers.livekit.samples import event
from tests.unit.providers.sampling import Sent, signed

SID = "SCL_out"
JOINED_S, LEFT_S = 1_787_385_600, 1_787_385_652
FINAL = {"USER_UNAVAILABLE": "no-answer", "USER_REJECTED": "busy", "CONNECTION_TIMEOUT": "no-answer"}
CANCELED = (
    *("CLIENT_INITIATED", "PARTICIPANT_REMOVED", "ROOM_DELETED", "ROOM_CLOSED", "DUPLICATE_IDENTITY"),
)


def outbound(name: str, at_s: int, state: str | None, **participant: Any) -> Sent:  # noqa: ANN401 (JSON)
    """Return an event of a call that no dispatch rule accepts."""
    body = json.loads(event(name, at_s, SID, "+14155550123", **participant).body)
    attributes = body["participant"]["attributes"]
    del attributes["sip.ruleID"]
    attributes["sip.callStatus"] = state
    return Sent(json.dumps(body).encode(), "application/webhook+json")


def record_of(*sent: Sent) -> Call:
    facts = [fact for each in sent for fact in normalise.facts_of(signed("livekit", each))]
    return fold("acme", Node(SID, is_carrier=False), facts).call


@pytest.mark.parametrize("state", ["dialing", "ringing", None])
@pytest.mark.parametrize("reason", words.DISCONNECT_REASONS)
def test_a_call_that_was_never_active_is_not_completed(reason: str, state: str | None) -> None:
    joined = outbound("participant_joined", JOINED_S, "dialing")
    left = outbound("participant_left", LEFT_S, state, disconnectReason=reason)
    expected = "canceled" if reason in CANCELED else FINAL.get(reason, "failed")
    for order in permutations([joined, left, left]):
        record = record_of(*order)
        assert (record.status, record.duration_seconds, record.answered_at) == (expected, 0, None)


@pytest.mark.parametrize("reason", sorted(set(words.DISCONNECT_REASONS) - set(words.FINAL_STATUSES)))
@pytest.mark.parametrize("state", ["active", "automation"])
def test_a_call_that_was_active_is_completed(reason: str, state: str) -> None:
    left = outbound("participant_left", LEFT_S, state, disconnectReason=reason)
    assert record_of(left).status == "completed"


def test_an_active_call_has_a_talk_with_any_last_state() -> None:
    joined = outbound("participant_joined", JOINED_S + 10, "active")
    left = outbound("participant_left", LEFT_S, "hangup", disconnectReason="ROOM_DELETED")
    for order in permutations([joined, left]):
        record = record_of(*order)
        assert (record.status, record.duration_seconds) == ("completed", 42)


def test_a_participant_can_only_end_an_answered_call() -> None:
    """No webhook reports the answer of an outbound call; this pair is written for answered calls alone."""
    left = outbound("participant_left", LEFT_S, "hangup", disconnectReason="CLIENT_INITIATED")
    assert record_of(left).status == "completed"
    removed = outbound("participant_left", LEFT_S, "hangup", disconnectReason="ROOM_DELETED")
    assert record_of(removed).status == "canceled"


def test_outbound_calls_have_a_direction_and_numbers() -> None:
    record = record_of(outbound("participant_joined", JOINED_S, "dialing"))
    assert (record.direction, record.status) == ("outbound", "initiated")
    assert (record.from_number, record.to_number) == ("+14155550100", "+14155550123")


@pytest.mark.parametrize("joined", [{"joinedAt": str(JOINED_S)}, {"joinedAtMs": str(JOINED_S * 1_000)}])
def test_calls_start_when_the_participant_joins(joined: dict[str, str]) -> None:
    left = outbound("participant_left", LEFT_S, "ringing", disconnectReason="USER_UNAVAILABLE", **joined)
    assert record_of(left).created_at.startswith("2026-08-22T08:00:00")


@pytest.mark.parametrize(
    ("metadata", "expected"), [('{"order": 7}', {"order": 7}), ("a text", None), ("[1]", None), ("", None)]
)
def test_metadata_are_a_json_object(metadata: str, expected: dict[str, int] | None) -> None:
    assert (
        record_of(outbound("participant_joined", JOINED_S, "dialing", metadata=metadata)).metadata == expected
    )


def test_unreadable_secondary_values_keep_the_final_state() -> None:
    body = json.loads(outbound("participant_left", LEFT_S, "active").body)
    body["participant"]["attributes"]["sip.phoneNumber"] = "\0"
    body["participant"]["disconnectReason"] = "x" * 300
    [fact] = normalise.facts_of(signed("livekit", Sent(json.dumps(body).encode())))
    assert fact.stated["status"] == "completed"
    assert sorted(fact.stated["unread_fields"]) == ["disconnectReason", "sip.phoneNumber"]
