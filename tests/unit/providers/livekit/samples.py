"""LiveKit's webhooks with signed tokens: a telephone in a room, and an unanswered one."""

import json
from base64 import b64encode
from hashlib import sha256
from typing import Any

import jwt

from calltally.calls.times import SECOND_US
from tests.unit.providers.sampling import Headers, Samples, Secrets, Sent

TALK, AWAY, CARRIER = "SCL_talk", "SCL_away", "CA" + "4" * 32
VALID_S = 300


def sign(sent: Sent, _url: str, secrets: Secrets, signed_at_us: int) -> Headers:
    """Return a token with the claims of LiveKit's server. A test verifies it with LiveKit's SDK."""
    now_s = signed_at_us // SECOND_US
    claims = {"iss": "APIthe", "nbf": now_s - 5, "exp": now_s + VALID_S - 60}
    claims["sha256"] = b64encode(sha256(sent.body).digest()).decode()
    return {"authorization": jwt.encode(claims, secrets["api_secret"], algorithm="HS256")}


def event(name: str, at_s: int, call_id: str, number: str, **participant: Any) -> Sent:  # noqa: ANN401 (JSON)
    body = {
        "event": name,
        "id": f"EV_{name}_{call_id}",
        "createdAt": str(at_s),
        "room": {"sid": "RM_1", "name": "call-1"},
        "participant": {
            "sid": "PA_1",
            "identity": f"sip_{number}",
            "kind": "SIP",
            "joinedAt": "1787385600",
            "joinedAtMs": "1787385600250",
            "metadata": '{"order": 7}',
            "attributes": {
                "sip.callID": call_id,
                "sip.callStatus": "active",
                "sip.phoneNumber": number,
                "sip.trunkPhoneNumber": "+14155550100",
                "sip.ruleID": "SDR_1",
                "sip.callIDFull": f"{call_id}@sip.example",
                **({"sip.twilio.callSid": CARRIER} if call_id == TALK else {}),
            },
            **participant,
        },
    }
    return Sent(json.dumps(body).encode(), "application/webhook+json")


SAMPLES = Samples(
    secrets={"api_secret": "s" * 40, "api_key": "APIthe"},
    other_secrets={"api_secret": "o" * 40, "api_key": "APIthe"},
    sign=sign,
    vendor="livekit.api",
    story=[
        event("participant_joined", 1_787_385_610, TALK, "+14155550123"),
        event("participant_left", 1_787_385_652, TALK, "+14155550123", disconnectReason="CLIENT_INITIATED"),
        event("participant_left", 1_787_385_640, AWAY, "+14155550124", disconnectReason="USER_UNAVAILABLE"),
    ],
    calls={AWAY: {"status": "no-answer", "end_reason": "no-answer", "session_id": "RM_1"}},
    unknown=(
        event("participant_left", 1_787_385_660, AWAY, "+14155550124", disconnectReason="EATEN_BY_A_GRUE"),
        "EATEN_BY_A_GRUE",
    ),
    unnamed=Sent(b'{"event": "participant_left", "participant": {"kind": "SIP", "attributes": {}}}'),
    tolerance_s=VALID_S,
)
