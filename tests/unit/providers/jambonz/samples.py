"""Call status webhooks of jambonz, signed by its documentation: it has no Python package that signs."""

import hmac
import json
from typing import Any

from calltally.calls.times import SECOND_US
from tests.unit.providers.sampling import Headers, Records, Samples, Secrets, Sent

ACCOUNT = "ee9d7d49-b3e4-4fdb-9d66-661149f717e8"
TALK, BUSY, LEG = (f"{digit * 8}-8e86-4d62-ae3b-64fb574d91f6" for digit in "abc")


def sign(sent: Sent, _url: str, secrets: Secrets, signed_at_us: int) -> Headers:
    stamp = signed_at_us // SECOND_US
    message = f"{stamp}.".encode() + sent.body
    signature = hmac.new(secrets["webhook_secret"].encode(), message, "sha256").hexdigest()
    return {"jambonz-signature": f"t={stamp},v1={signature}"}


def status(word: str, sip: int, call: str = TALK, **more: object) -> Sent:
    body = {
        "call_sid": call,
        "direction": "inbound",
        "from": "+14155550123",
        "to": "+14155550100",
        "call_id": f"sip-of-{call}",
        "sip_status": sip,
        "sip_reason": "OK" if sip == 200 else "Trying",
        "call_status": word,
        "account_sid": ACCOUNT,
        "trace_id": "654c5323d6f907233a1069136b8a330e",
        "application_sid": "62b475c3-c7ea-4c77-ae59-3ddbd82e5f42",
        "fs_sip_address": "10.0.150.88:5070",
        **more,
    }
    return Sent(json.dumps(body).encode())


def record(**changes: object) -> dict[str, Any]:
    return {
        "account_sid": ACCOUNT,
        "answered": True,
        "answered_at": 1_787_385_603_000,
        "attempted_at": 1_787_385_600_000,
        "call_sid": TALK,
        "direction": "inbound",
        "duration": 45,
        "from": "14155550123",
        "host": "192.168.1.100",
        "remote_host": "3.55.24.34",
        "sip_callid": "685cd008-0a66-4974-b37a-bdd6d9a3c4aa@192.168.1.100",
        "sip_status": 200,
        "terminated_at": 1_787_385_645_000,
        "termination_reason": "caller hungup",
        "to": "18005550100",
        "trunk": "user",
        **changes,
    }


SAMPLES = Samples(
    secrets={"webhook_secret": "wh_secret_1"},
    other_secrets={"webhook_secret": "wh_secret_2"},
    sign=sign,
    no_vendor="its SDKs that verify are for Node",
    story=[
        status("trying", 100),
        status("early-media", 183),
        status("in-progress", 200),
        status("in-progress", 200, dial_call_sid=LEG, dial_call_status="completed", dial_sip_status=200),
        status("completed", 200, duration=42, call_termination_by="caller"),
        status("trying", 100, BUSY),
        status("busy", 486, BUSY, sip_reason="Busy Here"),
    ],
    calls={
        TALK: {
            "status": "completed",
            "duration_seconds": 42,
            "direction": "inbound",
            "sip_code": 200,
            "end_reason": "remote-hung-up",
        },
        BUSY: {"status": "busy", "duration_seconds": 0, "sip_code": 486, "end_reason": "busy"},
        LEG: {"status": "completed", "parent_call_sid": TALK, "direction": "outbound"},
    },
    unknown=(status("parked", 100), "parked"),
    unnamed=status("trying", 100, ""),
    tolerance_s=300,
    records=Records(
        "\n".join(
            json.dumps(each)
            for each in (
                record(),
                record(
                    call_sid=BUSY,
                    sip_callid=f"sip-of-{BUSY}",
                    answered=False,
                    answered_at=None,
                    sip_status=486,
                    duration=0,
                ),
            )
        ).encode(),
        {
            # From answer to end: the duration of the record starts at the attempt.
            TALK: {
                "status": "completed",
                "duration_seconds": 42,
                "answered_at": "2026-08-22T08:00:03.000000Z",
            },
            BUSY: {"status": "busy", "duration_seconds": 0},
        },
    ),
)
