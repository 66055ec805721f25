"""ElevenLabs' webhooks in the scheme that its SDK verifies: a conversation, and a busy call."""

import hmac
import json
from typing import Any

from calltally.calls.times import SECOND_US
from tests.unit.providers.sampling import Headers, Records, Samples, Secrets, Sent

TALK, BUSY, AWAY, CARRIER = "conv_talk", "conv_busy", "conv_away", "CA" + "6" * 32


def sign(sent: Sent, _url: str, secrets: Secrets, signed_at_us: int) -> Headers:
    """Sign by hand: ElevenLabs' SDK only verifies, and a test verifies this signature with it."""
    stamp = str(signed_at_us // SECOND_US)
    signed = hmac.new(secrets["webhook_secret"].encode(), f"{stamp}.".encode() + sent.body, "sha256")
    return {"elevenlabs-signature": f"t={stamp},v0={signed.hexdigest()}"}


def event(kind: str, at_s: int, data: dict[str, Any]) -> Sent:
    return Sent(json.dumps({"type": kind, "event_timestamp": at_s, "data": data}).encode())


CONVERSATION: dict[str, Any] = {
    "agent_id": "agent_7",
    "conversation_id": TALK,
    "status": "done",
    "user_id": "u-7",
    "conversation_initiation_client_data": {"dynamic_variables": {"order": "7"}},
    "transcript": [
        {"role": "agent", "message": "Good morning.", "time_in_call_secs": 0},
        {
            "role": "agent",
            "message": None,
            "time_in_call_secs": 6,
            "tool_calls": [{"request_id": "r-1", "tool_name": "book", "params_as_json": '{"at": "20:00"}'}],
            "tool_results": [
                {
                    "request_id": "r-1",
                    "tool_name": "book",
                    "result_value": '{"booked": true}',
                    "is_error": False,
                    "tool_latency_secs": 0.4,
                }
            ],
        },
        {"role": "user", "message": "At eight, please.", "time_in_call_secs": 3},
    ],
    "metadata": {
        "start_time_unix_secs": 1_787_385_605,
        "accepted_time_unix_secs": 1_787_385_610,
        "call_duration_secs": 42,
        "cost": 296,
        "cost_fiat": 0.125,
        "text_only": False,
        "conversation_initiation_source": "twilio",
        "termination_reason": "Call ended by remote party",
        "phone_call": {
            "type": "twilio",
            "direction": "inbound",
            "agent_number": "+14155550100",
            "external_number": "+14155550123",
            "call_sid": CARRIER,
            "stream_sid": "MZ" + "6" * 32,
            "call_result": "answered",
        },
    },
    "analysis": {
        "call_successful": "success",
        "transcript_summary": "Booked a table.",
        "evaluation_criteria_results": {"polite": {"result": "success", "rationale": "It was."}},
        "data_collection_results": {},
    },
}
FAILED = {
    "agent_id": "agent_7",
    "conversation_id": BUSY,
    "failure_reason": "busy",
    "metadata": {
        "type": "twilio",
        "body": {
            "From": "+14155550100",
            "To": "+14155550123",
            "Direction": "outbound-api",
            "CallStatus": "busy",
            "SipResponseCode": "486",
        },
    },
}
# A failure of a SIP trunk.
UNREACHED = {
    "agent_id": "agent_7",
    "conversation_id": AWAY,
    "failure_reason": "no-answer",
    "metadata": {
        "type": "sip",
        "body": {
            "call_sid": "SCL_unreached",
            "from_number": "+14155550100",
            "to_number": "+14155550124",
            "sip_status_code": 480,
            "twirp_code": "unavailable",
        },
    },
}
TALKED = {
    "status": "completed",
    "duration_seconds": 42,
    "direction": "inbound",
    "from_number": "+14155550123",
    "summary": "Booked a table.",
    "end_reason": "remote-hung-up",
    "answered_at": "2026-08-22T08:00:10.000000Z",
}
SAMPLES = Samples(
    secrets={"webhook_secret": "wsec_the"},
    other_secrets={"webhook_secret": "wsec_another"},
    sign=sign,
    vendor="elevenlabs.client",
    story=[
        event("post_call_transcription", 1_787_385_660, CONVERSATION),
        event("call_initiation_failure", 1_787_385_700, FAILED),
        event("call_initiation_failure", 1_787_385_710, UNREACHED),
    ],
    calls={
        BUSY: {"status": "busy", "sip_code": 486, "end_reason": "busy", "to_number": "+14155550123"},
    },
    unknown=(
        event("call_initiation_failure", 1_787_385_700, {**FAILED, "failure_reason": "eaten-by-a-grue"}),
        "eaten-by-a-grue",
    ),
    unnamed=Sent(b'{"type": "post_call_transcription", "event_timestamp": 1787385660, "data": {}}'),
    tolerance_s=1_800,
    records=Records(
        json.dumps({"conversations": [CONVERSATION], "has_more": False}).encode(), {TALK: TALKED}
    ),
)
