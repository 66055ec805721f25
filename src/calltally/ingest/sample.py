"""A sample of traffic for the demonstration: what Twilio, a switch and a tenant would send over two days.

Deterministic for a given `now`, so that a sample that was cut short can be played again and adds
only what is missing.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from email.utils import format_datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeAlias

from calltally.calls.model import Status
from calltally.calls.times import EPOCH, SECOND_US, utc_text

# Of the range that is kept free for fiction.
SUPPORT_NUMBER: Final = "+14155550100"
BOOKING_NUMBER: Final = "+14155550101"

_SPAN_US: Final = 48 * 3600 * SECOND_US
_MINUTE_US: Final = 60 * SECOND_US
_ENDED: Final = (
    *(Status.COMPLETED, Status.COMPLETED, Status.NO_ANSWER, Status.COMPLETED, Status.BUSY),
    *(Status.COMPLETED, Status.COMPLETED, Status.FAILED, Status.COMPLETED, Status.NO_ANSWER),
    *(Status.COMPLETED, Status.CANCELED, Status.COMPLETED, Status.BUSY),
) * 4
# How many seconds before `now` the calls that are still open began.
_OPEN: Final = (
    (Status.IN_PROGRESS, 400),
    (Status.IN_PROGRESS, 190),
    (Status.RINGING, 40),
    (Status.IN_PROGRESS, 60),
)
CALLS: Final = len(_ENDED) + len(_OPEN)

_BEFORE: Final[Mapping[Status, tuple[Status, ...]]] = {
    Status.COMPLETED: (Status.INITIATED, Status.RINGING, Status.IN_PROGRESS),
    Status.BUSY: (Status.INITIATED, Status.RINGING),
    Status.NO_ANSWER: (Status.INITIATED, Status.RINGING),
    Status.CANCELED: (Status.INITIATED, Status.RINGING),
    Status.FAILED: (Status.INITIATED,),
    Status.IN_PROGRESS: (Status.INITIATED, Status.RINGING),
    Status.RINGING: (Status.INITIATED,),
}
_SIP_CODES: Final[Mapping[Status, str]] = {
    Status.COMPLETED: "200",
    Status.BUSY: "486",
    Status.NO_ANSWER: "487",
    Status.CANCELED: "487",
    Status.FAILED: "503",
}
# One call in so many comes over the switch.
_OF_SWITCH: Final = 6
_SWITCH_EVENTS: Final[Mapping[Status, str]] = {
    Status.INITIATED: "started",
    Status.RINGING: "ringing",
    Status.IN_PROGRESS: "answered",
    Status.COMPLETED: "ended",
}
_TOPICS: Final = (
    ("appointment", "Caller moved an appointment to Thursday morning."),
    ("billing", "Caller asked about a charge on the last invoice; it was explained."),
    ("delivery", "Caller wanted to know when an order arrives; given the date."),
    ("appointment", "Customer confirmed appointment time."),
    ("returns", "Caller asked how to send an item back; label sent by e-mail."),
)


class TwilioCallback(NamedTuple):
    """One status callback, to be signed and posted as a form."""

    fields: dict[str, str]


class OwnEvents(NamedTuple):
    """One batch for `POST /api/v1/events`."""

    events: list[dict[str, Any]]


class SwitchEvent(NamedTuple):
    """One event of Kamailio's, to be posted as JSON."""

    event: dict[str, str]


Message: TypeAlias = TwilioCallback | SwitchEvent | OwnEvents


class _Call(NamedTuple):
    number: int
    status: Status
    started_us: int

    @property
    def is_of_switch(self) -> bool:
        return self.number % _OF_SWITCH == 1

    @property
    def sid(self) -> str:
        if self.is_of_switch:
            return f"{self.number}-{_hex(f'call {self.number}')[:8]}@192.0.2.10"
        return "CA" + _hex(f"call {self.number}")

    @property
    def is_inbound(self) -> bool:
        return self.number % 3 == 0

    @property
    def ring_s(self) -> int:
        return 3 + self.number * 7 % 20

    @property
    def talk_s(self) -> int:
        return 8 + self.number * 53 % 290

    @property
    def ended_us(self) -> int:
        return self.started_us + _offset_s(self, self.status) * SECOND_US


def sample(now_us: int) -> list[Message]:
    """The messages in the order to send them: late, early, repeated, and out of their own order too."""
    calls = list(_calls(now_us))
    events = [event for call in calls if call.status == Status.COMPLETED for event in _events(call)]
    # A report after the call may overtake the carrier's word, so half of them come first.
    callbacks = [callback for call in calls for callback in _callbacks(call)]
    return [OwnEvents(events[::2]), *callbacks, OwnEvents(events[1::2])]


def last_event(messages: list[Message]) -> tuple[str, str]:
    """The SID and id of the event that is sent last: where it is recorded, the sample was played whole."""
    last = [message for message in messages if isinstance(message, OwnEvents)][-1].events[-1]
    return last["call_sid"], last["id"]


def _calls(now_us: int) -> Iterator[_Call]:
    first_us, step_us = now_us - _SPAN_US, (_SPAN_US - 30 * _MINUTE_US) // len(_ENDED)
    for index, status in enumerate(_ENDED):
        yield _Call(index, status, first_us + index * step_us + index * 37 % 20 * _MINUTE_US)
    for index, (status, ago_s) in enumerate(_OPEN, start=len(_ENDED)):
        yield _Call(index, status, now_us - ago_s * SECOND_US)


def _callbacks(call: _Call) -> list[TwilioCallback | SwitchEvent]:
    statuses = [*_BEFORE[call.status], call.status]
    # Twilio tells of an inbound call from its ringing on.
    told = statuses[1:] if call.is_inbound and len(statuses) > 1 else statuses
    sent = [_told(call, status, sequence) for sequence, status in enumerate(told)]
    if call.number % 5 == 0:
        sent.reverse()
    return [*sent, sent[-1]] if call.number % 4 == 1 else sent


def _told(call: _Call, status: Status, sequence: int) -> TwilioCallback | SwitchEvent:
    if call.is_of_switch:
        return SwitchEvent(_event(call, status))
    return TwilioCallback(_fields(call, status, sequence))


def _parties(call: _Call) -> tuple[str, str]:
    own = SUPPORT_NUMBER if call.is_inbound else BOOKING_NUMBER
    other = f"+1415555{110 + call.number % 80:04}"
    return (other, own) if call.is_inbound else (own, other)


def _event(call: _Call, status: Status) -> dict[str, str]:
    """What examples/live-sip has Kamailio post. 408 is no answer where it rang."""
    caller, called = _parties(call)
    at_s = (call.started_us + _offset_s(call, status) * SECOND_US) // SECOND_US
    event = {
        "event": _SWITCH_EVENTS.get(status, "failed"),
        "call_id": call.sid,
        "direction": "inbound" if call.is_inbound else "outbound",
        "from": caller,
        "to": called,
        "ts": str(at_s),
    }
    if event["event"] != "failed":
        return event
    code = "408" if status == Status.NO_ANSWER else _SIP_CODES[status]
    return {**event, "code": code, "ringing_at": str(call.started_us // SECOND_US + 2)}


def _fields(call: _Call, status: Status, sequence: int) -> dict[str, str]:
    caller, called = _parties(call)
    at_us = call.started_us + _offset_s(call, status) * SECOND_US
    fields = {
        "CallSid": call.sid,
        "AccountSid": "AC" + _hex("account"),
        "ApiVersion": "2010-04-01",
        "CallStatus": status.value,
        "Direction": "inbound" if call.is_inbound else "outbound-api",
        "From": caller,
        "To": called,
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(sequence),
        "Timestamp": format_datetime(EPOCH + timedelta(microseconds=at_us)),
    }
    return fields | _outcome_fields(call, status)


def _outcome_fields(call: _Call, status: Status) -> dict[str, str]:
    if status not in _SIP_CODES:
        return {}
    talk_s = call.talk_s if status == Status.COMPLETED else 0
    ended = {
        "CallDuration": str(talk_s),
        "Duration": str(-(-talk_s // 60)),
        "SipResponseCode": _SIP_CODES[status],
    }
    return ended | ({"AnsweredBy": "human"} if talk_s and not call.is_inbound else {})


def _offset_s(call: _Call, status: Status) -> int:
    """Seconds from the call's start to that status."""
    rang_s = 2 if Status.RINGING in _BEFORE[call.status] or call.status == Status.RINGING else 1
    return {
        Status.INITIATED: 0,
        Status.RINGING: rang_s,
        Status.FAILED: rang_s,
        Status.COMPLETED: rang_s + call.ring_s + call.talk_s,
    }.get(status, rang_s + call.ring_s)


def _events(call: _Call) -> Iterator[dict[str, Any]]:
    topic, summary = _TOPICS[call.number % len(_TOPICS)]
    about = {"call_sid": call.sid, "session_id": f"session-{call.number}"}
    if call.number % 9 == 0:
        yield {
            **about,
            "id": f"demo-{call.number}-escalation",
            "occurred_at": utc_text(call.ended_us - 2 * SECOND_US),
            "escalated": True,
            "escalation": {"target": "front-desk", "initiated_by": "caller", "reason": "asked for a person"},
            "transfer": {"target": "front-desk", "outcome": "bridged"},
        }
    yield {
        **about,
        "id": f"demo-{call.number}-summary",
        "occurred_at": utc_text(call.ended_us + 5 * SECOND_US),
        "summary": summary,
        "tags": [topic, "inbound-line" if call.is_inbound else "reminder"],
        "metadata": {"language": "en", "turns": 4 + call.number % 9},
    }


def _hex(name: str) -> str:
    return sha256(f"calltally demo {name}".encode()).hexdigest()[:32]
