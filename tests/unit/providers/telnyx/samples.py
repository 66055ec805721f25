"""Telnyx's events and TeXML callbacks. PyNaCl signs them with Ed25519, as Telnyx's SDK does to verify."""

import json
from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

from nacl.signing import SigningKey

from calltally.calls.times import SECOND_US
from tests.unit.providers.sampling import FORM, Headers, Records, Samples, Secrets, Sent

KEY, OTHER = SigningKey(b"k" * 32), SigningKey(b"o" * 32)
TALK, BUSY, TEXML = "v3:talk-0a1b2c", "v3:busy-0a1b2c", "v3:texml-0a1b2c"
# Private keys by their stored public keys.
SIGNERS = {b64encode(bytes(key.verify_key)).decode(): key for key in (KEY, OTHER)}


def public(key: SigningKey) -> str:
    return b64encode(bytes(key.verify_key)).decode()


def sign(sent: Sent, _url: str, secrets: Secrets, signed_at_us: int) -> Headers:
    stamp = str(signed_at_us // SECOND_US)
    signature = SIGNERS[secrets["public_key"]].sign(f"{stamp}|".encode() + sent.body).signature
    return {"telnyx-timestamp": stamp, "telnyx-signature-ed25519": b64encode(signature).decode()}


def event(kind: str, call: str, second: float, **payload: object) -> Sent:
    body = {
        "data": {
            "record_type": "event",
            "event_type": kind,
            "id": f"{call}-{kind}-{second}",
            "occurred_at": f"2026-08-22T08:00:{second:09.6f}Z",
            "payload": {
                "call_control_id": call,
                "call_leg_id": f"leg-of-{call[3:]}",
                "call_session_id": f"session-of-{call[3:]}",
                "client_state": None,
                "connection_id": "1494404757140276705",
                "from": "+14155550100",
                "to": "+14155550123",
                "start_time": "2026-08-22T08:00:00.000000Z",
                **payload,
            },
        },
        "meta": {"attempt": 1, "delivered_to": "https://calls.example/hook"},
    }
    return Sent(json.dumps(body).encode())


def hangup(call: str, second: float, cause: str, sip: str, source: str = "callee") -> Sent:
    return event(
        "call.hangup",
        call,
        second,
        state="hangup",
        hangup_cause=cause,
        hangup_source=source,
        sip_hangup_cause=sip,
        call_quality_stats={"inbound": {"mos": "4.50", "packet_count": "2100"}, "outbound": {}},
        tags=[],
    )


def texml(status: str, **more: str) -> Sent:
    params = {
        "AccountSid": "f5586561-8ff0-4291-a51b-c7dfe4139ff9",
        "CallSid": TEXML,
        "CallSidLegacy": TEXML,
        "CallLegId": "leg-of-texml",
        "CallStatus": status,
        "CallbackSource": "call-progress-events",
        "From": "+14155550100",
        "To": "+14155550123",
        **more,
    }
    return Sent(urlencode(params).encode(), FORM)


def record(**changes: object) -> dict[str, Any]:
    return {
        "record_type": "call-control",
        "call_control_id": TALK,
        "telnyx_leg_id": "leg-of-talk-0a1b2c",
        "cli": "+14155550100",
        "cld": "+14155550123",
        "direction": "outbound",
        "started_at": "2026-08-22T08:00:00Z",
        "answered_at": "2026-08-22T08:00:05Z",
        "finished_at": "2026-08-22T08:00:42Z",
        "call_sec": 37,
        "billed_sec": 60,
        "cost": "0.002",
        "currency": "USD",
        **changes,
    }


SAMPLES = Samples(
    secrets={"public_key": public(KEY)},
    other_secrets={"public_key": public(OTHER)},
    sign=sign,
    vendor="telnyx",
    story=[
        event("call.initiated", TALK, 0, direction="outgoing", state="bridging"),
        event("call.answered", TALK, 5.25, state="answered"),
        event("call.machine.premium.detection.ended", TALK, 8, result="human_residence"),
        event("call.speak.started", TALK, 9),
        hangup(TALK, 42.75, "normal_clearing", "200", "caller"),
        event(
            "call.cost",
            TALK,
            44,
            total_cost="0.0040",
            billed_duration_secs=60,
            cost_parts=[{"call_part": "sip-trunking", "cost": "0.0040", "currency": "USD"}],
            status="success",
        ),
        event("call.initiated", BUSY, 1, direction="outgoing", state="bridging"),
        hangup(BUSY, 3, "user_busy", "486"),
        texml("ringing", SequenceNumber="1", Timestamp="2026-08-22 08:00:02.731479Z"),
        texml(
            "completed",
            SequenceNumber="3",
            Timestamp="2026-08-22T08:00:59Z",
            CallDuration="49",
            AnsweredTime="2026-08-22T08:00:10Z",
            EndTime="2026-08-22T08:00:59Z",
            HangupCause="normal_clearing",
            HangupSource="caller",
        ),
    ],
    calls={
        TALK: {
            "status": "completed",
            # From answer to hangup: the event has no duration.
            "duration_seconds": 37,
            "answered_at": "2026-08-22T08:00:05.250000Z",
            "answered_by": "human",
            "direction": "outbound",
            "end_reason": "local-hung-up",
            "cost": {"amount": "0.0040", "currency": "USD"},
        },
        BUSY: {"status": "busy", "duration_seconds": 0, "sip_code": 486, "hangup_cause": 17},
        TEXML: {"status": "completed", "duration_seconds": 49, "ring_seconds": 7},
    },
    unknown=(texml("parked"), "parked"),
    unnamed=event("call.answered", TALK, 5, call_control_id=None, call_leg_id=None),
    tolerance_s=300,
    records=Records(
        json.dumps(
            {
                "data": [
                    record(),
                    record(
                        call_control_id=BUSY,
                        telnyx_leg_id="leg-of-busy-0a1b2c",
                        answered_at=None,
                        call_sec=0,
                        hangup_cause="user_busy",
                    ),
                ],
                "meta": {"page_number": 1, "page_size": 50, "total_pages": 1, "total_results": 2},
            },
            indent=1,
        ).encode(),
        {
            TALK: {"status": "completed", "duration_seconds": 37, "from_number": "+14155550100"},
            BUSY: {"status": "busy", "duration_seconds": 0, "end_reason": "busy"},
        },
    ),
)
