"""Vapi's messages: states and report of an answered call, of a busy, a transferred and a browser's one."""

import hmac
import json
from typing import Any

from tests.unit.providers.sampling import Headers, Records, Samples, Secrets, Sent

TALK, BUSY, WEB, MOVED = ("0a1b2c3d-0000-4000-8000-00000000000" + digit for digit in "1234")
ORG, ASSISTANT, CARRIER = "org-1", "assistant-7", "CA" + "7" * 32


def sign(sent: Sent, _url: str, secrets: Secrets, _signed_at_us: int) -> Headers:
    """Sign like Vapi's HMAC credential; Vapi has no SDK that signs."""
    return {"x-vapi-signature": hmac.new(secrets["secret"].encode(), sent.body, "sha256").hexdigest()}


def call(call_id: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    return {
        "id": call_id,
        "orgId": ORG,
        "type": "outboundPhoneCall",
        "status": "ended",
        "assistantId": ASSISTANT,
        "phoneCallProvider": "twilio",
        "customer": {"number": "+14155550123"},
        **changes,
    }


def message(kind: str, at_ms: int, of: dict[str, Any], **fields: Any) -> Sent:  # noqa: ANN401 (JSON)
    content = {
        "type": kind,
        "timestamp": at_ms,
        "call": of,
        "phoneNumber": {"number": "+14155550100"},
        **fields,
    }
    return Sent(json.dumps({"message": content}).encode())


ARTIFACT = {
    "recordingUrl": "https://storage.vapi.example/1.wav",
    "recording": {
        "stereoUrl": "https://storage.vapi.example/2.wav",
        "mono": {"combinedUrl": "https://storage.vapi.example/3.wav"},
    },
    "transcript": "AI: Good morning.\nUser: At eight, please.",
    "messages": [
        {"role": "system", "message": "Be kind.", "secondsFromStart": 0},
        {"role": "bot", "message": "Good morning.", "secondsFromStart": 1.0, "duration": 900},
        {"role": "user", "message": "At eight, please.", "secondsFromStart": 3.5, "duration": 1200},
        {
            "role": "tool_calls",
            "secondsFromStart": 5.0,
            "toolCalls": [{"id": "t-1", "function": {"name": "book", "arguments": '{"at": "20:00"}'}}],
        },
        {
            "role": "tool_call_result",
            "toolCallId": "t-1",
            "result": '{"booked": true}',
            "secondsFromStart": 5.5,
        },
    ],
}
DONE = {
    "endedReason": "customer-ended-call",
    "startedAt": "2026-08-22T08:00:10.000Z",
    "endedAt": "2026-08-22T08:00:52.700Z",
    "durationSeconds": 42.7,
    "cost": 0.09,
    "analysis": {"summary": "Booked a table.", "successEvaluation": "true", "structuredData": {"party": 2}},
    "artifact": ARTIFACT,
}
CREATED = "2026-08-22T08:00:00.000Z"
REPORTED = call(TALK, phoneCallProviderId=CARRIER, createdAt=CREATED)
REPORT = message("end-of-call-report", 1_787_385_660_000, REPORTED, **DONE)
# A scheduled call that a squad answers, and that it transfers to nobody.
FORWARDED = call(
    MOVED,
    assistantId=None,
    squadId="squad-7",
    createdAt="2026-08-15T08:00:00.000Z",
    assistantOverrides={"metadata": {"order": 7}, "variableValues": {"name": "Ada"}},
    schedulePlan={"earliestAt": CREATED},
)
TRANSFERS = [
    {"status": "busy", "destination": {"type": "number", "number": "+14155550198"}},
    {"status": "no-answer", "destination": {"type": "sip", "sipUri": "sip:desk@example.com"}},
]
TALKED = {
    "status": "completed",
    "duration_seconds": 42,
    "direction": "outbound",
    "from_number": "+14155550100",
    "to_number": "+14155550123",
    "summary": "Booked a table.",
    "end_reason": "remote-hung-up",
    "agent": ASSISTANT,
    "cost": {"amount": "0.09", "currency": "USD"},
    "session_id": TALK,
}
SAMPLES = Samples(
    secrets={"secret": "the-secret"},
    other_secrets={"secret": "another-secret"},
    sign=sign,
    no_vendor="its SDKs neither sign nor verify",
    story=[
        message("status-update", 1_787_385_600_000, call(TALK), status="queued"),
        message("status-update", 1_787_385_602_000, call(TALK), status="ringing"),
        message("status-update", 1_787_385_610_000, call(TALK), status="in-progress"),
        REPORT,
        message("status-update", 1_787_385_604_000, call(BUSY), status="ended", endedReason="customer-busy"),
        message(
            "end-of-call-report",
            1_787_385_700_000,
            call(WEB, type="webCall", phoneCallProvider=None, customer=None),
            **{**DONE, "endedReason": "silence-timed-out"},
        ),
        message(
            "end-of-call-report",
            1_787_385_700_000,
            FORWARDED,
            **{**DONE, "endedReason": "assistant-forwarded-call", "artifact": {"transfers": TRANSFERS}},
            destination={"type": "number", "number": "+14155550198"},
        ),
    ],
    calls={
        MOVED: {
            "status": "completed",
            "end_reason": "agent-error",
            "transfer": {"target": "sip:desk@example.com", "outcome": "failed"},
            "agent": "squad-7",
            "created_at": "2026-08-22T08:00:10.000000Z",
        },
        BUSY: {"status": "busy", "duration_seconds": 0, "end_reason": "busy"},
        WEB: {"status": "completed", "direction": None, "end_reason": "silence"},
    },
    unknown=(
        message("end-of-call-report", 1_787_385_700_000, call(WEB), endedReason="eaten-by-a-grue"),
        "eaten-by-a-grue",
    ),
    unnamed=Sent(json.dumps({"message": {"type": "end-of-call-report", "call": {}}}).encode()),
    records=Records(
        json.dumps(
            [{**call(TALK), **DONE, "createdAt": CREATED, "phoneNumber": {"number": "+14155550100"}}]
        ).encode(),
        {TALK: TALKED},
    ),
)
