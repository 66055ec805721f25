"""Retell's own: its end words, cents, and hand-overs."""

import json

import pytest

from calltally.calls.conversation import unpack_conversation
from calltally.calls.end_reasons import EndReason
from calltally.calls.events import Fact
from calltally.calls.identity import Node
from calltally.calls.lifecycle import fold
from calltally.providers.callback import Callback
from calltally.providers.platform_reports import match_end_reason
from calltally.providers.retell import normalise, words
from tests.unit.providers.retell.samples import ANALYSED, CARRIER, TALK, TALKED, call, event
from tests.unit.providers.sampling import NOW_US

# All that its SDK knows.
REASONS = (
    *("user_hangup", "agent_hangup", "user_requested_dnc", "user_requested_callback", "call_transfer"),
    *("voicemail_reached", "ivr_reached", "inactivity", "max_duration_reached", "concurrency_limit_reached"),
    *("no_concurrency_fallback", "no_valid_payment", "credit_exhausted", "budget_reached", "scam_detected"),
    *("dial_busy", "dial_failed", "dial_no_answer", "invalid_destination", "sip_routing_error"),
    *("telephony_provider_permission_denied", "telephony_provider_unavailable", "marked_as_spam"),
    *("network_blocked", "user_declined", "error_llm_websocket_open", "error_llm_websocket_runtime"),
    *("error_llm_websocket_lost_connection", "error_llm_websocket_corrupt_payload", "error_asr"),
    *("error_no_audio_received", "error_retell", "error_unknown", "error_user_not_joined"),
    *(
        "registered_call_timeout",
        "transfer_bridged",
        "transfer_cancelled",
        "manual_stopped",
        "call_take_over",
    ),
)


def told(body: bytes) -> list[Fact]:
    return normalise.facts_of(Callback("POST", "https://calls.example/", {}, body, NOW_US))


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_of_its_sdk_is_of_a_family(reason: str) -> None:
    why = match_end_reason(reason, words.END_REASON_PATTERNS)
    assert reason == "transfer_cancelled" or (why is not None and why.reason is not EndReason.UNKNOWN)


def test_an_analysed_call_is_whole() -> None:
    [fact] = told(event("call_analyzed", call(TALK, **ANALYSED)).body)
    assert fact.links == (Node(CARRIER, is_carrier=True),)
    record = fold("acme", Node(TALK, is_carrier=False), [fact]).call
    assert {name: getattr(record, name) for name in TALKED} == TALKED
    conversation = unpack_conversation(fact.conversation)
    assert [(turn.role, turn.end_seconds) for turn in conversation.transcript or ()] == [
        ("agent", 1.4),
        ("user", None),
    ]
    [tool] = conversation.function_calls or []
    assert (tool.name, tool.arguments, tool.result) == ("book", {"at": "20:00"}, {"booked": True})


def test_a_hand_over_is_told_of_as_it_goes() -> None:
    for name, outcome in words.TRANSFER_OUTCOMES.items():
        body = {"event": name, "call": {"call_id": TALK}, "transfer_destination": {"number": "+14155550199"}}
        [fact] = told(json.dumps(body).encode())
        assert fact.said["transfer"] == {"target": "+14155550199", "outcome": outcome}


def test_what_is_of_no_record_tells_nothing() -> None:
    assert told(event("transcript_updated", call(TALK)).body) == []
