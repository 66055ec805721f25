"""Events of three calls, as the configuration of examples/live-sip posts them."""

import json

from tests.unit.providers.sampling import Headers, Records, Samples, Secrets, Sent

START = 1_787_386_800  # 2026-08-22T08:20:00Z
TALKED, BUSY, OPEN, RANG, GONE = (f"{number}-7@192.0.2.1" for number in range(1, 6))


def sign(_sent: Sent, _url: str, secrets: Secrets, _signed_at_us: int) -> Headers:
    return {"authorization": f"Bearer {secrets['secret']}"}


def event(name: str, call_id: str, second: int, **more: str) -> dict[str, str]:
    parties = {"from": "+14155550100", "to": "+14155550123", "direction": "inbound"}
    return {"event": name, "call_id": call_id, **parties, "ts": str(START + second), **more}


EVENTS = [
    event("started", TALKED, 0),
    event("ringing", TALKED, 2),
    event("answered", TALKED, 9, code="200"),
    event("ended", TALKED, 42, invited_at=str(START), ended_at=str(START + 42)),
    event("started", BUSY, 3),
    event("failed", BUSY, 4, code="486"),
    event("started", RANG, 3),
    event("ringing", RANG, 3),
    event("failed", RANG, 9, code="408", ringing_at=str(START + 3)),
    event("started", GONE, 3),
    event("failed", GONE, 6, code="408"),
    event("started", OPEN, 5),
    event("answered", OPEN, 8),
]
CALLS: dict[str, dict[str, object]] = {
    TALKED: {
        "status": "completed",
        "duration_seconds": 33,
        "ring_seconds": 7,
        "direction": "inbound",
        "answered_at": "2026-08-22T08:20:09.000000Z",
    },
    BUSY: {"status": "busy", "duration_seconds": 0, "sip_code": 486},
    OPEN: {"status": "in-progress", "ended_at": None},
    RANG: {"status": "no-answer", "sip_code": 408, "ring_seconds": 6},
    GONE: {"status": "failed", "sip_code": 408},
}


def body(document: object) -> Sent:
    return Sent(json.dumps(document).encode())


SAMPLES = Samples(
    secrets={"secret": "of-the-proxy"},
    other_secrets={"secret": "of-another"},
    sign=sign,
    no_vendor="it shows a secret, and signs nothing",
    story=[body(each) for each in EVENTS],
    calls=CALLS,
    unknown=(body(event("parked", TALKED, 7)), "parked"),
    unnamed=body({"event": "answered", "ts": str(START)}),
    signs_body=False,
    records=Records("".join(json.dumps(each) + "\n" for each in EVENTS).encode(), CALLS),
)
