"""Twilio's callbacks, signed by its own SDK: calls, a dialled leg, Call resources in JSON, Event Streams."""

import json
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode

from tests.unit.providers.sampling import FORM, JSON, Headers, Records, Samples, Secrets, Sent
from tests.unit.providers.twilio.signing import repeated, sdk_signature
from tests.unit.providers.twilio.streams import event, progress, state, summary

ACCOUNT = "AC" + "5" * 32
SIP_EDGE = {"properties": {"sip_call_id": "a84b4c76e66710@pbx.example", "media_region": "us1"}}
TALK, BUSY, LEG, STREAMED = ("CA" + digit * 32 for digit in "1234")


def sign(sent: Sent, url: str, secrets: Secrets, _signed_at_us: int) -> Headers:
    pairs = parse_qsl(sent.body.decode(), keep_blank_values=True) if sent.content_type == FORM else []
    return {"x-twilio-signature": sdk_signature(url, repeated(pairs), token=secrets["auth_token"])}


def status(call_sid: str, word: str, second: int, sequence: int, **more: str) -> Sent:
    params = {
        "CallSid": call_sid,
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "CallStatus": word,
        "Direction": "outbound-api",
        "From": "+14155550100",
        "To": "+14155550123",
        "Timestamp": f"Sat, 22 Aug 2026 08:00:{second:02} +0000",
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(sequence),
        **more,
    }
    return Sent(urlencode(params).encode(), FORM)


def resource(**changes: object) -> dict[str, object]:
    return {
        "sid": TALK,
        "account_sid": ACCOUNT,
        "status": "completed",
        "direction": "outbound-api",
        "from": "+14155550100",
        "to": "+14155550123",
        "start_time": "Sat, 22 Aug 2026 08:00:00 +0000",
        "end_time": "Sat, 22 Aug 2026 08:00:59 +0000",
        "duration": "49",
        "price": "-0.013",
        "price_unit": "USD",
        **changes,
    }


def json_body(document: object) -> Sent:
    body = json.dumps(document).encode()
    return Sent(body, JSON, query=f"bodySHA256={sha256(body).hexdigest()}")


DIALLED = Sent(
    urlencode(
        {
            "CallSid": TALK,
            "AccountSid": ACCOUNT,
            "CallStatus": "in-progress",
            "DialCallSid": LEG,
            "DialCallStatus": "no-answer",
            "DialCallDuration": "",
        }
    ).encode(),
    FORM,
)

TALK_SUMMARY = summary(
    TALK, **state(connect_duration=49, end="2026-08-22T08:00:59Z"), carrier_edge=None, sip_edge=SIP_EDGE
)
TALKED = {
    "status": "completed",
    "duration_seconds": 49,
    "from_number": "+14155550100",
    "direction": "outbound",
}

SAMPLES = Samples(
    secrets={"auth_token": "the-token"},
    other_secrets={"auth_token": "another-token"},
    sign=sign,
    vendor="twilio.request_validator",
    story=[
        status(TALK, "initiated", 0, 0),
        status(TALK, "ringing", 2, 1),
        status(TALK, "in-progress", 10, 2),
        DIALLED,
        status(TALK, "completed", 59, 3, CallDuration="49", Duration="1", AnsweredBy="human"),
        status(BUSY, "initiated", 1, 0),
        status(BUSY, "busy", 4, 1, CallDuration="0", Duration="0", SipResponseCode="486"),
        json_body({"calls": [resource()]}),
        json_body([progress("EZ1", STREAMED, "initiated", 0), progress("EZ2", STREAMED, "completed", 1)]),
        # Older sinks write `data` as a text.
        json_body([event("EZ3", "partial", json.dumps(summary(STREAMED, **state(connect_duration=0))))]),
        json_body(
            [
                event("EZ4", "predicted-complete", summary(STREAMED, **state(connect_duration=29))),
                event("EZ5", "complete", summary(STREAMED)),
            ]
        ),
        json_body([event("EZ6", "complete", TALK_SUMMARY)]),
    ],
    calls={
        TALK: {
            **TALKED,
            "ring_seconds": 8,
            "answered_by": "human",
            "cost": {"amount": "0.013", "currency": "USD"},
        },
        BUSY: {
            "status": "busy",
            "duration_seconds": 0,
            "sip_code": 486,
            "ended_at": "2026-08-22T08:00:04.000000Z",
        },
        STREAMED: {
            "status": "completed",
            "direction": "outbound",
            "duration_seconds": 30,
            "answered_by": "human",
            "ended_at": "2026-08-22T08:00:40.000000Z",
            "end_reason": "remote-hung-up",
            "sip_code": 200,
            "tags": ["high_jitter", "silence"],
        },
        LEG: {"status": "no-answer", "parent_call_sid": TALK, "direction": "outbound"},
    },
    unknown=(status(TALK, "parked", 3, 2), "parked"),
    unnamed=status("", "ringing", 3, 2),
    records=Records(
        "\n".join(
            json.dumps(each) for each in (resource(), resource(sid=BUSY, status="busy", duration="0"))
        ).encode(),
        {TALK: TALKED, BUSY: {"status": "busy"}},
    ),
)
