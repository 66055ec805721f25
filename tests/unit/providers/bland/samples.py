"""Bland's webhooks after an answered and an unanswered call. Bland has no SDK that signs."""

import hmac
import json
from typing import Any

from tests.unit.providers.sampling import Headers, Records, Samples, Secrets, Sent

TALK, AWAY, MOVED = ("5b6c7d8e-0000-4000-8000-00000000000" + digit for digit in "123")


def sign(sent: Sent, _url: str, secrets: Secrets, _signed_at_us: int) -> Headers:
    return {
        "x-webhook-signature": hmac.new(secrets["webhook_secret"].encode(), sent.body, "sha256").hexdigest()
    }


def call(call_id: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    return {
        "call_id": call_id,
        "c_id": call_id,
        "from": "+14155550100",
        "to": "+14155550123",
        "inbound": False,
        "status": "completed",
        "completed": True,
        "created_at": "2026-08-22T08:00:00.000Z",
        "started_at": "2026-08-22T08:00:10.000Z",
        "end_at": "2026-08-22T08:00:52.000Z",
        "call_length": 0.7,
        "corrected_duration": "42",
        "answered_by": "human",
        "call_ended_by": "USER",
        "price": 0.063,
        "summary": "Booked a table.",
        "recording_url": "https://storage.bland.example/1.mp3",
        "pathway_id": "pathway-7",
        "metadata": {"order": 7},
        "variables": {"name": "Ada"},
        "error_message": None,
        "transcripts": [
            {"id": 1, "user": "assistant", "text": "Good morning."},
            {"id": 2, "user": "user", "text": "At eight, please."},
            {"id": 3, "user": "agent-action", "text": "Ended call"},
        ],
        **changes,
    }


def sent(of: dict[str, Any]) -> Sent:
    return Sent(json.dumps(of).encode())


MISSED = call(
    AWAY,
    status="no-answer",
    answered_by="no-answer",
    call_ended_by=None,
    corrected_duration="0",
    transcripts=[],
)
TALKED = {
    "status": "completed",
    "duration_seconds": 42,
    "direction": "outbound",
    "summary": "Booked a table.",
    "end_reason": "remote-hung-up",
    "cost": {"amount": "0.063", "currency": "USD"},
    "agent": "pathway-7",
}
SAMPLES = Samples(
    secrets={"webhook_secret": "the-secret"},
    other_secrets={"webhook_secret": "another-secret"},
    sign=sign,
    no_vendor="it has no SDK that verifies",
    story=[sent(call(TALK)), sent(MISSED), sent(call(MOVED, status=None, transferred_to="+14155550199"))],
    calls={
        MOVED: {"status": "completed", "transfer": {"target": "+14155550199", "outcome": "bridged"}},
        TALK: TALKED,
        AWAY: {"status": "no-answer", "duration_seconds": 0, "end_reason": "no-answer"},
    },
    unknown=(sent(call(TALK, status="eaten-by-a-grue")), "eaten-by-a-grue"),
    unnamed=sent(call("", c_id="")),
    records=Records(json.dumps({"calls": [call(TALK)], "count": 1}).encode(), {TALK: TALKED}),
)
