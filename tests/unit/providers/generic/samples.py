"""A fictitious dialler: its mapping, and requests signed by a Standard Webhooks library."""

import json
from base64 import b64encode
from datetime import UTC, datetime

from standardwebhooks import Webhook

from tests.unit.providers.sampling import Headers, Records, Samples, Secrets, Sent

MAPPING = """
provider = "generic"
carrier = true
events = "calls"
time_zone = "Europe/Berlin"
volatile = ["attempt"]

[verify]
scheme = "hmac"
header = "webhook-signature"
encoding = "base64"
prefix = "v1,"
separator = " "
signed = "{header:webhook-id}.{timestamp}.{body}"
timestamp = "webhook-timestamp"
secret_encoding = "base64"
secret_prefix = "whsec_"

[fields]
call_sid = "ref"
id = "event"
occurred_at = { path = "at", read = "epoch_ms" }
status = { join = ["state", "why"] }
direction = "dir"
from_number = { path = "from", read = "bare_number" }
to_number = { path = ["to", "dialled"], read = "bare_number" }
started_at = { path = "begun", format = "%d.%m.%Y %H:%M:%S" }
duration_seconds = { path = "talk", read = "clock" }
agent = "/campaign.agent"
summary = "note"

[words.status]
"dialling/*" = "initiated"
"up/*" = "in-progress"
"over/ok" = "completed"
"over/engaged" = "busy"
"dtmf/*" = "ignore"

[words.direction]
out = "outbound"
in = "inbound"

[metadata]
campaign = "/campaign.name"
"""

START_MS = 1_787_386_800_000  # 2026-08-22T08:20:00Z
TALKED, BUSY = "d-1", "d-2"
SECRET, OTHER = ("whsec_" + b64encode(word * 4).decode() for word in (b"of-acme", b"of-else"))


def sign(sent: Sent, _url: str, secrets: Secrets, signed_at_us: int) -> Headers:
    moment = datetime.fromtimestamp(signed_at_us / 1_000_000, UTC)
    signature = Webhook(secrets["secret"]).sign("msg_1", moment, sent.body.decode())
    stamp = str(signed_at_us // 1_000_000)
    return {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": signature}


def event(ref: str, state: str, second: int, **more: object) -> dict[str, object]:
    parties = {"dir": "out", "from": "14155550100", "to": "", "dialled": "14155550123"}
    return {
        "event": f"{ref}-{state}",
        "ref": ref,
        "state": state,
        "at": START_MS + second * 1000,
        **parties,
        **more,
    }


def body(*events: object) -> Sent:
    return Sent(json.dumps({"calls": events, "campaign": {"name": "autumn", "agent": "ada"}}).encode())


EVENTS = (
    event(TALKED, "dialling", 0, begun="22.08.2026 10:20:00"),
    event(TALKED, "up", 9),
    event(TALKED, "over", 42, why="ok", talk="0:33", note="Wants a quote."),
    event(BUSY, "dialling", 3),
    event(BUSY, "over", 4, why="engaged"),
    event(BUSY, "dtmf", 2),
)
CALLS = {
    TALKED: {
        "status": "completed",
        "duration_seconds": 33,
        "direction": "outbound",
        "from_number": "+14155550100",
        "to_number": "+14155550123",
        "created_at": "2026-08-22T08:20:00.000000Z",
        "agent": "ada",
        "summary": "Wants a quote.",
        "metadata": {"campaign": "autumn"},
    },
    BUSY: {"status": "busy", "duration_seconds": 0},
}

SAMPLES = Samples(
    secrets={"mapping": MAPPING, "secret": SECRET},
    other_secrets={"mapping": MAPPING, "secret": OTHER},
    sign=sign,
    vendor="standardwebhooks",
    story=[body(*EVENTS[:2]), body(EVENTS[2]), body(*EVENTS[3:])],
    calls=CALLS,
    unknown=(body(event(TALKED, "parked", 5)), "parked"),
    unnamed=body({**EVENTS[0], "ref": None}),
    tolerance_s=300,
    records=Records(
        "".join(body(each).body.decode() + "\n" for each in EVENTS).encode(),
        CALLS,
    ),
)
