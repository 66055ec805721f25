"""Peculiarities of Retell: end words, costs in cents, and transfers."""

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

# All reasons in Retell's SDK.
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


def parsed(body: bytes) -> list[Fact]:
    return normalise.facts_of(Callback("POST", "https://calls.example/", {}, body, NOW_US))


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_of_the_sdk_matches_a_pattern(reason: str) -> None:
    why = match_end_reason(reason, words.END_REASON_PATTERNS)
    assert why is not None
    assert why.reason is not EndReason.UNKNOWN


def test_analysed_calls_are_read_completely() -> None:
    [fact] = parsed(event("call_analyzed", call(TALK, **ANALYSED)).body)
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


def test_transfer_events_give_their_outcomes() -> None:
    for name, outcome in words.TRANSFER_OUTCOMES.items():
        body = {"event": name, "call": {"call_id": TALK}, "transfer_destination": {"number": "+14155550199"}}
        [fact] = parsed(json.dumps(body).encode())
        assert fact.stated["transfer"] == {"target": "+14155550199", "outcome": outcome}


def test_ignored_events_give_no_facts() -> None:
    assert parsed(event("transcript_updated", call(TALK)).body) == []
