"""Plivo's callbacks, signed by its own SDK."""

import json
from typing import Any
from urllib.parse import parse_qs, urlencode

from plivo.utils.signature_v3 import construct_get_url, construct_post_url, get_signature_v3

from tests.unit.providers.sampling import FORM, Headers, Records, Samples, Secrets, Sent

ACCOUNT = "MA" + "B" * 18
TALK, BUSY, BY_GET = (f"{digit * 8}-cea3-4458-bbdb-0bfc314ee7cd" for digit in "abc")
NONCE = "05429567804466091622"


def sign(sent: Sent, url: str, secrets: Secrets, _signed_at_us: int) -> Headers:
    if sent.method == "GET":
        text = construct_get_url(url, {}).decode()
    else:
        text = construct_post_url(url, parse_qs(sent.body.decode(), keep_blank_values=True)).decode()
    signature = get_signature_v3(secrets["auth_token"], text, NONCE).decode()
    return {"x-plivo-signature-v3": signature, "x-plivo-signature-v3-nonce": NONCE}


def params(status: str, event: str, call: str = TALK, **more: str) -> dict[str, str]:
    return {
        "ALegRequestUUID": call,
        "ALegUUID": call,
        "BillRate": "0.0085",
        "CallStatus": status,
        "CallUUID": call,
        "Direction": "outbound",
        "Event": event,
        "From": "14155550100",
        "ParentAuthID": ACCOUNT,
        "RequestUUID": call,
        "SessionStart": "2026-08-22 08:00:00.238707",
        "To": "14155550123",
        **more,
    }


def posted(*params_of_call: str, query: str = "", **more: str) -> Sent:
    return Sent(urlencode(params(*params_of_call, **more)).encode(), FORM, query=query)


def by_get(*params_of_call: str, **more: str) -> Sent:
    """Return the same callback by GET."""
    return Sent(method="GET", content_type="", query=urlencode(params(*params_of_call, **more)))


ENDED = {
    "AnswerTime": "2026-08-22 08:00:05",
    "StartTime": "2026-08-22 08:00:00",
    "EndTime": "2026-08-22 08:00:42",
    "Duration": "42",
    "BillDuration": "60",
    "HangupCause": "NORMAL_CLEARING",
    "HangupCauseCode": "4000",
    "HangupCauseName": "Normal Hangup",
    "HangupSource": "Caller",
    "TotalCost": "0.00850",
}


def record(**changes: object) -> dict[str, Any]:
    return {
        "answer_time": "2026-08-22 13:30:05+05:30",
        "api_id": "95727cf4-3eeb-11e7-8edf-02ed609bd62b",
        "bill_duration": 37,
        "billed_duration": 60,
        "call_direction": "outbound",
        "call_duration": 37,
        "call_uuid": TALK,
        "end_time": "2026-08-22 13:30:42+05:30",
        "from_number": "+14155550100",
        "hangup_cause_code": 4000,
        "hangup_cause_name": "Normal Hangup",
        "hangup_source": "Caller",
        "initiation_time": "2026-08-22 13:30:00+05:30",
        "parent_call_uuid": None,
        "resource_uri": f"/v1/Account/{ACCOUNT}/Call/{TALK}/",
        "to_number": "14155550123",
        "total_amount": "0.00850",
        "total_rate": "0.00850",
        **changes,
    }


SAMPLES = Samples(
    secrets={"auth_token": "the-token"},
    other_secrets={"auth_token": "another-token"},
    sign=sign,
    vendor="plivo.utils.signature_v3",
    story=[
        posted("ringing", "Ring"),
        posted("in-progress", "StartApp", query="line=sales&line=help"),
        posted("in-progress", "MachineDetection", Machine="false"),
        posted("completed", "Hangup", **ENDED),
        posted("ringing", "Ring", BUSY),
        posted(
            *("busy", "Hangup", BUSY),
            EndTime="2026-08-22 08:00:04",
            Duration="0",
            BillDuration="0",
            HangupCause="USER_BUSY",
            HangupCauseCode="3010",
        ),
        by_get("ringing", "Ring", BY_GET),
        by_get("completed", "Hangup", BY_GET, Duration="9", EndTime="2026-08-22 08:00:30"),
    ],
    calls={
        TALK: {
            "status": "completed",
            # From answer to end: Duration includes the ringing.
            "duration_seconds": 37,
            "from_number": "+14155550100",
            "answered_by": "human",
            "end_reason": "local-hung-up",
            "provider_account": ACCOUNT,
            "created_at": "2026-08-22T08:00:00.000000Z",
            "cost": {"amount": "0.00850", "currency": "USD"},
        },
        BUSY: {"status": "busy", "duration_seconds": 0, "error_code": "3010"},
        BY_GET: {"status": "completed", "duration_seconds": 9},
    },
    unknown=(posted("parked", "Ring"), "parked"),
    unnamed=posted("ringing", "Ring", ""),
    records=Records(
        json.dumps(
            {
                "meta": {"limit": 20, "next": None, "offset": 0, "previous": None, "total_count": 2},
                "objects": [
                    record(),
                    record(call_uuid=BUSY, answer_time=None, bill_duration=0, hangup_cause_code=3010),
                ],
            }
        ).encode(),
        {
            TALK: {
                "status": "completed",
                "duration_seconds": 37,
                "answered_at": "2026-08-22T08:00:05.000000Z",
                "to_number": "+14155550123",
            },
            BUSY: {"status": "busy", "duration_seconds": 0},
        },
    ),
)
