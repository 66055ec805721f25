"""Retell's webhooks, signed by its own SDK: the three events of a call, and a busy call."""

import json
from typing import Any

from tests.single_modules import load_alone
from tests.unit.providers.sampling import Headers, Records, Samples, Secrets, Sent

symmetric = load_alone("retell", "lib.webhook_auth").symmetric
TALK, BUSY, MOVED, CARRIER = "call_talk", "call_busy", "call_moved", "CA" + "8" * 32
TRANSFERRED = {"disconnection_reason": "call_transfer", "transfer_destination": "+14155550199"}


def sign(sent: Sent, _url: str, secrets: Secrets, signed_at_us: int) -> Headers:
    signature: str = symmetric["sign"](sent.body.decode(), secrets["api_key"], signed_at_us // 1_000)
    return {"x-retell-signature": signature}


def call(call_id: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    return {
        "call_type": "phone_call",
        "call_id": call_id,
        "agent_id": "agent_7",
        "agent_version": 3,
        "call_status": "ended",
        "direction": "inbound",
        "from_number": "+14155550123",
        "to_number": "+14155550100",
        **({"telephony_identifier": {"twilio_call_sid": CARRIER}} if call_id == TALK else {}),
        **changes,
    }


def event(name: str, of: dict[str, Any]) -> Sent:
    return Sent(json.dumps({"event": name, "call": of}).encode())


STARTED = {"start_timestamp": 1_787_385_610_000}
DONE: dict[str, Any] = {
    **STARTED,
    "end_timestamp": 1_787_385_652_700,
    "duration_ms": 42_700,
    "disconnection_reason": "user_hangup",
    "recording_url": "https://storage.retell.example/1.wav",
    "scrubbed_recording_url": "https://storage.retell.example/2.wav",
    "metadata": {"order": 7},
    "retell_llm_dynamic_variables": {"name": "Ada"},
    "collected_dynamic_variables": {"party": "2"},
    "call_cost": {"combined_cost": 12.3},
    "transcript_with_tool_calls": [
        {
            "role": "agent",
            "content": "Good morning.",
            "words": [
                {"word": "Good", "start": 0.5, "end": 0.8},
                {"word": "morning.", "start": 0.9, "end": 1.4},
            ],
        },
        {"role": "user", "content": "At eight, please.", "words": []},
        {
            "role": "tool_call_invocation",
            "tool_call_id": "t-1",
            "name": "book",
            "arguments": '{"at": "20:00"}',
        },
        {"role": "tool_call_result", "tool_call_id": "t-1", "content": '{"booked": true}'},
    ],
}
ANALYSED = {
    **DONE,
    "call_analysis": {
        "call_summary": "Booked a table.",
        "call_successful": True,
        "user_sentiment": "Positive",
        "in_voicemail": False,
    },
}
TALKED = {
    "status": "completed",
    "duration_seconds": 42,
    "direction": "inbound",
    "from_number": "+14155550123",
    "summary": "Booked a table.",
    "end_reason": "remote-hung-up",
    "agent": "agent_7",
    "cost": {"amount": "0.123", "currency": "USD"},
    "metadata": {"order": 7, "dynamic_variables": {"name": "Ada", "party": "2"}},
}
SAMPLES = Samples(
    secrets={"api_key": "key_the"},
    other_secrets={"api_key": "key_another"},
    sign=sign,
    vendor="retell.lib.webhook_auth",
    story=[
        event("call_started", call(TALK, call_status="ongoing", **STARTED)),
        event("call_ended", call(TALK, **DONE)),
        event("call_analyzed", call(TALK, **ANALYSED)),
        event("call_ended", call(BUSY, call_status="not_connected", disconnection_reason="dial_busy")),
        event("call_ended", call(MOVED, **{**DONE, **TRANSFERRED})),
    ],
    calls={
        MOVED: {"end_reason": "transferred", "transfer": {"target": "+14155550199", "outcome": "bridged"}},
        BUSY: {"status": "busy", "duration_seconds": 0, "end_reason": "busy"},
    },
    unknown=(event("call_ended", call(BUSY, disconnection_reason="eaten_by_a_grue")), "eaten_by_a_grue"),
    unnamed=Sent(b'{"event": "call_ended", "call": {"call_status": "ended"}}'),
    tolerance_s=300,
    records=Records(
        json.dumps({"items": [call(TALK, **ANALYSED)], "has_more": False}).encode(), {TALK: TALKED}
    ),
)
