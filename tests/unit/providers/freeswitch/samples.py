"""Records in the format of mod_json_cdr and mod_xml_cdr: a call with two legs, a busy and a canceled one."""

import json
from base64 import b64encode
from typing import Any
from urllib.parse import quote

from tests.unit.providers.sampling import FORM, Headers, Records, Samples, Secrets, Sent

START = 1_787_386_800  # 2026-08-22T08:20:00Z
A_LEG, B_LEG, BUSY, GIVEN_UP = (f"1c0d6d1e-8a57-4a0e-9c36-00000000000{number}" for number in range(1, 5))


def sign(_sent: Sent, _url: str, secrets: Secrets, _signed_at_us: int) -> Headers:
    return {"authorization": "Basic " + b64encode(f"switch:{secrets['secret']}".encode()).decode()}


def variables(uuid: str, **more: object) -> dict[str, str]:
    plain = {
        "uuid": uuid,
        "direction": "inbound",
        "start_epoch": START,
        "start_uepoch": START * 1_000_000 + 250_000,
        "progress_epoch": START + 2,
        "answer_epoch": 0,
        "answer_uepoch": 0,
        "end_epoch": START + 42,
        "end_uepoch": (START + 42) * 1_000_000,
        "duration": 42,
        "billsec": 0,
        "hangup_cause": "NORMAL_CLEARING",
        "hangup_cause_q850": 16,
        "read_codec": "PCMU",
        "rtp_audio_in_mos": "4.50",
        **more,
    }
    return {name: quote(str(value)) for name, value in plain.items()}


ANSWERED = {
    "answer_epoch": START + 9,
    "answer_uepoch": (START + 9) * 1_000_000,
    "billsec": 33,
    "billmsec": 33_000,
    "sip_hangup_disposition": "recv_bye",
}


def record(**values: str) -> dict[str, Any]:
    profile = {"caller_id_number": "+14155550123", "destination_number": "+14155550100", "context": "public"}
    return {
        "core-uuid": "5e7b8a30-0000-4000-8000-000000000000",
        "switchname": "edge-1",
        "channel_data": {"state": "CS_REPORTING", "direction": "inbound"},
        "variables": values,
        "callflow": [{"dialplan": "XML", "caller_profile": profile}],
    }


A_RECORD = record(**variables(A_LEG, **ANSWERED))
B_RECORD = record(**variables(B_LEG, direction="outbound", originating_leg_uuid=A_LEG, **ANSWERED))
BUSY_RECORD = record(
    **variables(BUSY, hangup_cause="USER_BUSY", hangup_cause_q850=17, proto_specific_hangup_cause="sip:486")
)
GIVEN_UP_RECORD = record(
    **variables(GIVEN_UP, hangup_cause="ORIGINATOR_CANCEL", hangup_cause_q850=31, sip_term_status=487)
)


def as_xml(values: dict[str, Any]) -> bytes:
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in values["variables"].items())
    profile = "".join(f"<{k}>{v}</{k}>" for k, v in values["callflow"][0]["caller_profile"].items())
    return (
        f'<?xml version="1.0"?>\n<cdr core-uuid="x" switchname="edge-1"><variables>{inside}</variables>'
        f'<callflow dialplan="XML"><caller_profile>{profile}</caller_profile></callflow></cdr>'
    ).encode()


def body(document: object) -> Sent:
    return Sent(json.dumps(document).encode())


CALLS: dict[str, dict[str, object]] = {
    A_LEG: {
        "status": "completed",
        "duration_seconds": 33,
        "ring_seconds": 7,
        "direction": "inbound",
        "from_number": "+14155550123",
        "hangup_cause": 16,
        "parent_call_sid": None,
        "end_reason": "remote-hung-up",
    },
    B_LEG: {
        "status": "completed",
        "direction": "outbound",
        "parent_call_sid": A_LEG,
        "end_reason": "remote-hung-up",
    },
    BUSY: {"status": "busy", "sip_code": 486, "answered_at": None, "duration_seconds": 0},
    GIVEN_UP: {"status": "canceled", "sip_code": 487},
}
ALL = (A_RECORD, B_RECORD, BUSY_RECORD, GIVEN_UP_RECORD)

SAMPLES = Samples(
    secrets={"secret": "of-the-switch"},
    other_secrets={"secret": "of-another"},
    sign=sign,
    no_vendor="it shows a secret, and signs nothing",
    story=[
        body(A_RECORD),
        body(B_RECORD),
        Sent(b"cdr=" + quote(json.dumps(BUSY_RECORD)).encode(), FORM),
        Sent(json.dumps(GIVEN_UP_RECORD).encode(), "application/json"),
    ],
    calls=CALLS,
    unknown=(body(record(**variables("x", hangup_cause="EATEN_BY_A_GRUE"))), "EATEN_BY_A_GRUE"),
    unnamed=body(record(hangup_cause="USER_BUSY", end_epoch=str(START))),
    signs_body=False,
    records=Records("".join(json.dumps(each) + "\n" for each in ALL).encode(), CALLS),
)
