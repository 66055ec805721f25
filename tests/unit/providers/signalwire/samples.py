"""SignalWire's callbacks: Twilio's SDK signs forms by the same rule; JSON has SignalWire's own rule."""

import hmac
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tests.unit.providers.sampling import FORM, Headers, Records, Samples, Secrets, Sent
from tests.unit.providers.twilio.signing import repeated, sdk_signature

PROJECT = "b08dacad-6d6c-4ba2-b425-2f8bd7f57dcd"
TALK, NO_ANSWER = (f"{digit * 8}-ec5f-4a6d-b9ab-39b0a3dba3d9" for digit in "ab")


def sign(sent: Sent, url: str, secrets: Secrets, _signed_at_us: int) -> Headers:
    key = secrets["signing_key"]
    if sent.content_type == FORM:
        pairs = parse_qsl(sent.body.decode(), keep_blank_values=True)
        return {"x-signalwire-signature": sdk_signature(url, repeated(pairs), token=key)}
    message = url.encode() + sent.body
    return {"x-signalwire-sha256-signature": hmac.new(key.encode(), message, "sha256").hexdigest()}


def status(word: str, second: int, call: str = TALK, **more: str) -> Sent:
    params = {
        "CallSid": call,
        "AccountSid": PROJECT,
        "ApiVersion": "2010-04-01",
        "Direction": "outbound-api",
        "From": "+14155550100",
        "To": "+14155550123",
        "CallStatus": word,
        "Timestamp": f"Sat, 22 Aug 2026 08:00:{second:02} +0000",
        "CallbackSource": "call-progress-events",
        **more,
    }
    return Sent(urlencode(params).encode(), FORM)


def resource(**changes: object) -> dict[str, Any]:
    return {
        "account_sid": PROJECT,
        "answered_by": None,
        "api_version": "2010-04-01",
        "date_created": "Sat, 22 Aug 2026 08:00:00 +0000",
        "date_updated": "Sat, 22 Aug 2026 08:00:59 +0000",
        "direction": "outbound-api",
        "duration": 49,
        "end_time": "Sat, 22 Aug 2026 08:00:59 +0000",
        "from": "+14155550100",
        "parent_call_sid": None,
        "price": 0.00865,
        "price_unit": "USD",
        "sid": TALK,
        "start_time": "Sat, 22 Aug 2026 08:00:00 +0000",
        "status": "completed",
        "to": "+14155550123",
        "uri": f"/api/laml/2010-04-01/Accounts/{PROJECT}/Calls/{TALK}",
        **changes,
    }


TALKED = {"status": "completed", "duration_seconds": 49, "direction": "outbound"}

SAMPLES = Samples(
    secrets={"signing_key": "PSK_the-key"},
    other_secrets={"signing_key": "PSK_another"},
    sign=sign,
    vendor="twilio.request_validator",
    story=[
        status("initiated", 0),
        status("ringing", 2),
        status("answered", 10),
        status("completed", 59, CallDuration="49"),
        status("ringing", 3, NO_ANSWER),
        status("no-answer", 33, NO_ANSWER, CallDuration="0", SipResultCode="480"),
        Sent(json.dumps(resource()).encode()),
    ],
    calls={
        TALK: {**TALKED, "ring_seconds": 8, "cost": {"amount": "0.00865", "currency": "USD"}},
        NO_ANSWER: {"status": "no-answer", "duration_seconds": 0, "ring_seconds": 30},
    },
    unknown=(status("parked", 3), "parked"),
    unnamed=status("ringing", 3, ""),
    records=Records(
        json.dumps({"calls": [resource(), resource(sid=NO_ANSWER, status="no-answer", duration=0)]}).encode(),
        {TALK: TALKED, NO_ANSWER: {"status": "no-answer"}},
    ),
)
