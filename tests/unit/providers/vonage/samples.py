"""Vonage's event webhooks with tokens of PyJWT, which Vonage's package vonage-jwt uses to verify."""

import json
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import jwt

from calltally.calls.times import SECOND_US
from tests.unit.providers.sampling import Headers, Records, Samples, Secrets, Sent

TALK, UNANSWERED, GET_CALL = (f"{digit * 8}-2962-41e7-baf4-90f63e25e439" for digit in "abc")


def token(secret: str, signed_at_us: int, **claims: object) -> str:
    claims_or_none = {
        "iss": "Vonage",
        "iat": signed_at_us // SECOND_US,
        "jti": "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5",
        "api_key": "a1b2c3d",
        "application_id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
        **claims,
    }
    return jwt.encode({name: value for name, value in claims_or_none.items() if value is not None}, secret)


def sign(sent: Sent, _url: str, secrets: Secrets, signed_at_us: int) -> Headers:
    hashed = sha256(sent.body or sent.query.encode()).hexdigest()
    return {
        "authorization": f"Bearer {token(secrets['signature_secret'], signed_at_us, payload_hash=hashed)}"
    }


def event(status: str, second: float, uuid: str = TALK, **more: object) -> dict[str, Any]:
    return {
        "from": "14155550100",
        "to": "14155550123",
        "uuid": uuid,
        "conversation_uuid": f"CON-{uuid}",
        "status": status,
        "direction": "outbound",
        "timestamp": f"2026-08-22T08:00:{second:06.3f}Z",
        **more,
    }


def posted(status: str, second: float, uuid: str = TALK, **more: object) -> Sent:
    return Sent(json.dumps({**event(status, second, uuid), **more}).encode())


def by_get(status: str, second: float, **more: object) -> Sent:
    """Return the same event by GET, for another call."""
    query = urlencode({**event(status, second, GET_CALL), **more})
    return Sent(method="GET", content_type="", query=query)


def machine(result: str, second: float) -> Sent:
    content = event(result, second)
    return Sent(json.dumps({**content, "call_uuid": content.pop("uuid")}).encode())


ENDED = {
    "start_time": "2026-08-22T08:00:05.000Z",
    "end_time": "2026-08-22T08:00:42.000Z",
    "duration": "37",
    "rate": "0.00450000",
    "price": "0.00277500",
    "network": "23420",
}


def record(**changes: object) -> dict[str, Any]:
    return {
        "_links": {"self": {"href": f"/v1/calls/{TALK}"}},
        "uuid": TALK,
        "conversation_uuid": f"CON-{TALK}",
        "direction": "outbound",
        "from": {"type": "phone", "number": "14155550100"},
        "to": {"type": "phone", "number": "14155550123"},
        "status": "completed",
        **ENDED,
        **changes,
    }


SAMPLES = Samples(
    secrets={"signature_secret": "a-secret-of-more-than-32-characters"},
    other_secrets={"signature_secret": "another-secret-of-over-32-characters"},
    sign=sign,
    vendor="vonage_jwt.verify_jwt",
    story=[
        posted("started", 0),
        posted("ringing", 1.5),
        posted("answered", 5),
        machine("human", 6),
        posted("completed", 42.7, **ENDED, disconnected_by="platform"),
        posted("started", 0, UNANSWERED),
        posted("ringing", 2, UNANSWERED),
        posted("timeout", 30, UNANSWERED),
        posted("completed", 30.1, UNANSWERED, duration="0", start_time=None, end_time=None, price="0"),
        by_get("started", 3, direction="inbound"),
        by_get("completed", 50, direction="inbound", duration="12"),
    ],
    calls={
        TALK: {
            "status": "completed",
            "duration_seconds": 37,
            "end_reason": "local-hung-up",
            "from_number": "+14155550100",
            "answered_by": "human",
            "ring_seconds": 3,
            "cost": {"amount": "0.00277500", "currency": "EUR"},
        },
        UNANSWERED: {"status": "no-answer", "duration_seconds": 0, "ring_seconds": 28, "conflicts": 0},
        GET_CALL: {"status": "completed", "duration_seconds": 12, "direction": "inbound"},
    },
    unknown=(posted("parked", 3), "parked"),
    unnamed=Sent(json.dumps({**event("answered", 5), "uuid": None}).encode()),
    tolerance_s=300,
    records=Records(
        json.dumps(
            {
                "_embedded": {"calls": [record(), record(uuid=UNANSWERED, status="busy", duration="0")]},
                "count": 2,
                "page_size": 100,
                "record_index": 0,
            }
        ).encode(),
        {
            TALK: {"status": "completed", "duration_seconds": 37, "to_number": "+14155550123"},
            UNANSWERED: {"status": "busy", "duration_seconds": 0},
        },
    ),
)
