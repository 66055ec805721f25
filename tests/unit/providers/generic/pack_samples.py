"""Samples of all mapping packs, and those of OpenAI's webhook, which Standard Webhooks' library signs."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from standardwebhooks import Webhook

from tests.unit.providers.generic import pack_contact_centres, pack_tables, pack_telephony
from tests.unit.providers.generic.pack_shape import START_S, PackSamples, at, dumped
from tests.unit.providers.sampling import NOW_US


def incoming(number: int, *headers: tuple[str, str]) -> bytes:
    listed = [{"name": name, "value": value} for name, value in headers]
    data = {"call_id": f"rtc_{number}", "sip_headers": listed}
    event = {"object": "event", "id": f"evt_{number}", "type": "realtime.call.incoming"}
    return dumped({**event, "created_at": START_S, "data": data})


OPENAI_SECRET: Final = "whsec_" + b64encode(b"a key of our own, 32 characters.").decode()
OPENAI_BODIES: Final = (
    incoming(
        1,
        ("From", '"Ada" <sip:+14155550123@carrier.example>;tag=1'),
        ("To", "<sip:+14155550100@carrier.example>"),
        ("Call-ID", "c1@carrier.example"),
        ("X-Twilio-CallSid", "CA0001"),
    ),
    incoming(2, ("From", "<sip:anonymous@anonymous.invalid>"), ("To", "<sip:proj_1@sip.example>")),
    dumped({"object": "event", "id": "evt_3", "type": "response.completed", "data": {"id": "resp_1"}}),
)
OPENAI_SIGNED_AT: Final = datetime.fromtimestamp(NOW_US / 1_000_000, UTC)
OPENAI_REALTIME_SIP = PackSamples(
    bodies=OPENAI_BODIES,
    calls={
        "rtc_1": {
            "status": "ringing",
            "direction": "inbound",
            "from_number": "+14155550123",
            "to_number": "+14155550100",
            "created_at": at("08:00:00"),
            "metadata": {"sip_call_id": "c1@carrier.example"},
        },
        "rtc_2": {"status": "ringing", "to_number": "<sip:proj_1@sip.example>"},
    },
    secret=OPENAI_SECRET,
    headers={
        "webhook-id": "wh_1",
        "webhook-timestamp": str(NOW_US // 1_000_000),
        "webhook-signature": Webhook(OPENAI_SECRET).sign("wh_1", OPENAI_SIGNED_AT, OPENAI_BODIES[0].decode()),
    },
    links=frozenset(("CA0001",)),
)


SAMPLES: Final[Mapping[str, PackSamples]] = {
    "3cx": PackSamples((pack_tables.THREE_CX,), pack_tables.THREE_CX_CALLS),
    "aircall": pack_telephony.AIRCALL,
    "amazon-connect": pack_contact_centres.AMAZON_CONNECT,
    "bandwidth": pack_telephony.BANDWIDTH,
    "cdr-stats": PackSamples((pack_tables.CDR_STATS,), pack_tables.CDR_STATS_CALLS),
    "fusionpbx": PackSamples((pack_tables.FUSIONPBX,), pack_tables.FUSIONPBX_CALLS),
    "genesys-cloud": pack_contact_centres.GENESYS_CLOUD,
    "openai-realtime-sip": OPENAI_REALTIME_SIP,
    "ringcentral": pack_telephony.RINGCENTRAL,
}
