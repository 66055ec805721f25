"""Calls whose course is known, for journeys that look at one: what carrier, platform and tenant said."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import sha1
from hmac import digest
from typing import Any, Final
from urllib.parse import urlencode

# Numbers of the range that is kept free for fiction.
CALLER: Final = "+14155550123"
LINE: Final = "+14155550100"
# Some minutes ago, so that what is told of it comes in about when it would.
BEGAN: Final = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=42)

# A conversation with a tool call, handed over to a person.
HANDED_OVER: Final = "CA" + "1a" * 16
# Two tellers who do not agree how it ended.
DISPUTED: Final = "CA" + "2b" * 16
# Still talking.
OPEN: Final = "CA" + "3c" * 16
# One call by the carrier's id and by SIP's.
BRIDGED: Final = "CA" + "4d" * 16
SIP_CALL: Final = "bridge-7@sip.example.com"
# Its carrier's callbacks came in the wrong order.
OUT_OF_ORDER: Final = "CA" + "4d" * 16
ROUTE: Final = "support-us"
SESSION: Final = "session-2044"
ACCOUNT: Final = "AC" + "0" * 32
AUTH_TOKEN: Final = "0123456789abcdef0123456789abcdef"  # noqa: S105 (of the stage's own carrier)

TRANSCRIPT: Final = (
    ("agent", "Support, good morning. What can I do for you?", 9.0, 12.5),
    ("user", "My invoice has a charge that I do not know.", 13.0, 17.2),
    ("agent", "I see a charge of 12 euros for the second line. Shall I explain it?", 24.5, 30.0),
    ("user", "No, I would like to talk to a person.", 31.1, 34.0),
    ("agent", "Of course. I hand you over to the front desk.", 34.6, 38.0),
)
_SUMMARIES: Final = (
    "Customer confirmed the appointment on Thursday at nine.",
    "Moved the appointment to next week; a message with the new time was sent.",
    "Customer asked for another day and is called back in the afternoon.",
    "Delivery on Friday morning is fine; to be left with a neighbour.",
    "Customer had paid already; the reminder was withdrawn.",
)


def _at(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).isoformat()


def _event(number: int, call_sid: str, seconds: float, **stated: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    return {"id": f"{call_sid[:6]}-{number}", "call_sid": call_sid, "occurred_at": _at(seconds), **stated}


def events() -> list[dict[str, Any]]:
    """Return the tenant's own events."""
    about = {"direction": "inbound", "from_number": CALLER, "to_number": LINE, "route": ROUTE}
    return [
        _event(
            *(1, HANDED_OVER, 38),
            agent="vera",
            route=ROUTE,
            session_id=SESSION,
            escalated=True,
            escalation={"target": "front-desk", "initiated_by": "caller", "reason": "asked for a person"},
            transfer={"target": "front-desk", "outcome": "bridged"},
        ),
        _event(
            *(2, HANDED_OVER, 160),
            summary="Caller asked about a charge on the last invoice and wanted a person.",
            tags=["billing"],
            end_reason="remote-hung-up",
            metadata={"language": "en", "invoice": "2026-06"},
        ),
        _event(1, DISPUTED, 600, status="ringing", agent="vera", **about),
        _event(2, DISPUTED, 640, status="no-answer", **about),
        _event(3, DISPUTED, 641, status="completed", duration_seconds=31, **about),
        _event(1, OPEN, 700, status="in-progress", agent="nora", **about),
    ]


def with_parties(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event of the made-up traffic with what it leaves open: the numbers and a summary."""
    number = sum(event["call_sid"].encode())
    about = {"from_number": LINE, "to_number": f"+1415555{130 + number % 60:04}"}
    if "duration_seconds" in event:
        about["summary"] = _SUMMARIES[number % len(_SUMMARIES)]
    return event | about


def session() -> dict[str, Any]:
    """Return the transcript of HANDED_OVER and the actions of its agent."""
    return {
        "call_sid": HANDED_OVER,
        "transcript": [
            {"role": role, "text": text, "start_seconds": begin, "end_seconds": end}
            for role, text, begin, end in TRANSCRIPT
        ],
        "function_calls": [
            {
                "name": "find_invoice",
                "arguments": {"month": "2026-06", "caller": CALLER},
                "result": {"total": "61.00", "lines": 2},
                "error": None,
                "start_seconds": 17.6,
                "duration_seconds": 5.8,
            },
            {
                "name": "transfer_call",
                "arguments": {"to": "front-desk"},
                "result": None,
                "error": "the first line was busy",
                "start_seconds": 34.8,
                "duration_seconds": 1.2,
            },
        ],
        "evaluation": {"successful": False, "score": 0.4, "reason": "A person had to take over."},
    }


def callbacks() -> list[dict[str, str]]:
    """Return the carrier's callbacks in their order of arrival."""
    early = [(0, "ringing"), (8, "in-progress"), (150, "completed")]
    late = [(2_000, "ringing"), (2_090, "completed"), (2_011, "in-progress")]
    return [
        _callback(call_sid, seconds, status)
        for call_sid, course in ((HANDED_OVER, early), (OUT_OF_ORDER, late))
        for seconds, status in course
    ]


def bridged() -> dict[str, str]:
    """Return the carrier's callbacks of a call that a platform knows by its SIP Call-ID."""
    others = {"From": "+14155550177", "To": "+14155550178", "SipCallId": SIP_CALL}
    return _callback(BRIDGED, 2_000, "in-progress") | others


def _callback(call_sid: str, seconds: int, status: str) -> dict[str, str]:
    fields = {
        "CallSid": call_sid,
        "AccountSid": ACCOUNT,
        "CallStatus": status,
        "Direction": "inbound",
        "From": CALLER,
        "To": LINE,
        "Timestamp": format_datetime(BEGAN + timedelta(seconds=seconds)),
    }
    ended = {"CallDuration": "142" if call_sid == HANDED_OVER else "79", "SipResponseCode": "200"}
    return fields | (ended if status == "completed" else {})


def signed_form(url: str, fields: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """A form as Twilio sends it: its body, and the headers with its signature."""
    stated = url + "".join(name + value for name, value in sorted(fields.items()))
    signature = b64encode(digest(AUTH_TOKEN.encode(), stated.encode(), sha1)).decode()
    headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
    return urlencode(fields).encode(), headers
