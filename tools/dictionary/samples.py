"""Made-up bodies of the kinds that are stored. Every value is random: a dictionary keeps what it saw."""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

_STATUSES: Final = ("queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer")
_DIRECTIONS: Final = ("inbound", "outbound-api", "outbound-dial")
_ADDRESS_PARTS: Final = ("City", "State", "Zip", "Country")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EVENTS: Final = ("voice.call.started", "voice.call.completed", "voice.call.escalated")


def samples(random: Random, count: int) -> Iterator[bytes]:
    """`count` bodies, the kinds in turn."""
    kinds: tuple[Callable[[Random], bytes], ...] = (_twilio_callback, _own_event, _delivery, _twilio_resource)
    for number in range(count):
        yield kinds[number % len(kinds)](random)


def _hex(random: Random, digits: int) -> str:
    return f"{random.getrandbits(4 * digits):0{digits}x}"


def _number(random: Random) -> str:
    return f"+{random.randrange(10**10, 10**13)}"


def _uuid(random: Random) -> str:
    digits = _hex(random, 32)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _rfc2822(random: Random) -> str:
    day = f"{random.choice(_DAYS)}, {random.randrange(1, 29):02d} {random.choice(_MONTHS)}"
    return f"{day} {random.randrange(2020, 2035)} {_clock(random)} +0000"


def _rfc3339(random: Random) -> str:
    day = f"{random.randrange(2020, 2035)}-{random.randrange(1, 13):02d}-{random.randrange(1, 29):02d}"
    return f"{day}T{_clock(random)}.{random.randrange(10**6):06d}Z"


def _clock(random: Random) -> str:
    return f"{random.randrange(24):02d}:{random.randrange(60):02d}:{random.randrange(60):02d}"


def _twilio_callback(random: Random) -> bytes:
    status = random.choice(_STATUSES)
    caller, called = _number(random), _number(random)
    fields = {
        "CallSid": f"CA{_hex(random, 32)}",
        "AccountSid": f"AC{_hex(random, 32)}",
        "ApiVersion": "2010-04-01",
        "From": caller,
        "To": called,
        "Caller": caller,
        "Called": called,
        "CallStatus": status,
        "Direction": random.choice(_DIRECTIONS),
        "Timestamp": _rfc2822(random),
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(random.randrange(5)),
        **{f"{side}{part}": "" for side in ("From", "To", "Caller", "Called") for part in _ADDRESS_PARTS},
    }
    if status == "completed":
        fields |= {"Duration": str(random.randrange(9)), "CallDuration": str(random.randrange(600))}
        fields |= {"SipResponseCode": "200", "AnsweredBy": random.choice(("human", "machine_start"))}
    return urlencode(fields).encode()


def _own_event(random: Random) -> bytes:
    fields: dict[str, Any] = {
        "id": _uuid(random),
        "call_sid": f"CA{_hex(random, 32)}",
        "occurred_at": _rfc3339(random),
        "sequence": random.randrange(9),
        "status": random.choice(_STATUSES),
        "direction": "inbound",
        "from_number": _number(random),
        "to_number": _number(random),
        "route": "support",
        "agent": "agent",
    }
    if random.random() < 1 / 2:
        fields |= {"summary": "Customer confirmed", "escalated": True, "tags": [], "metadata": {}}
        fields |= {"escalation": {"target": "", "initiated_by": "agent", "reason": ""}}
        fields |= {"started_at": _rfc3339(random), "answered_at": _rfc3339(random)}
        fields |= {"ended_at": _rfc3339(random), "duration_seconds": random.randrange(600)}
    return _json(fields)


def _delivery(random: Random) -> bytes:
    data = {
        "stream_sid": None,
        "call_sid": f"CA{_hex(random, 32)}",
        "voice_session_id": None,
        "from_number": _number(random),
        "to_number": _number(random),
        "direction": random.choice(("inbound", "outbound")),
        "status": random.choice(_STATUSES),
        "duration_seconds": random.choice((None, 0, random.randrange(600))),
        "escalated": False,
        "function_call_count": None,
        "transcript_turn_count": None,
        "summary": None,
        "id": _uuid(random),
        "revision": random.randrange(10**7),
    }
    head = {"id": f"msg_{_uuid(random)}", "event": random.choice(_EVENTS), "created_at": _rfc3339(random)}
    return _json({**head, "tenant_id": _hex(random, 6), "api_version": "2026-11-01", "data": data})


def _twilio_resource(random: Random) -> bytes:
    times = {name: _rfc2822(random) for name in ("date_created", "date_updated", "start_time", "end_time")}
    account, call = f"AC{_hex(random, 32)}", f"CA{_hex(random, 32)}"
    nothing = ("answered_by", "caller_name", "forwarded_from", "group_sid", "parent_call_sid", "trunk_sid")
    return _json(
        {
            "account_sid": account,
            "api_version": "2010-04-01",
            "direction": "outbound-api",
            "duration": str(random.randrange(600)),
            "from": _number(random),
            "to": _number(random),
            "price": f"-0.0{random.randrange(9999):04d}",
            "price_unit": "USD",
            "queue_time": "0",
            "sid": call,
            "status": random.choice(_STATUSES),
            **times,
            **dict.fromkeys(nothing),
            "uri": f"/2010-04-01/Accounts/{account}/Calls/{call}.json",
        }
    )


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
