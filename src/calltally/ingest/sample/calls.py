"""Sample calls: their parties, times, ends and sources; and the kinds of messages about them."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from calltally.calls.model import Status
from calltally.calls.times import SECOND_US
from calltally.providers.kamailio.words import NAME as KAMAILIO
from calltally.providers.retell.words import NAME as RETELL
from calltally.providers.telnyx.words import NAME as TELNYX
from calltally.providers.twilio.words import NAME as TWILIO
from calltally.providers.vapi.words import NAME as VAPI
from calltally.providers.vonage.words import NAME as VONAGE

# Numbers of the range that is reserved for fiction.
SUPPORT_NUMBER: Final = "+14155550100"
BOOKING_NUMBER: Final = "+14155550101"
FRONT_DESK_NUMBER: Final = "+14155550102"

# The statuses before each status.
BEFORE: Final[Mapping[Status, tuple[Status, ...]]] = {
    Status.COMPLETED: (Status.INITIATED, Status.RINGING, Status.IN_PROGRESS),
    Status.BUSY: (Status.INITIATED, Status.RINGING),
    Status.NO_ANSWER: (Status.INITIATED, Status.RINGING),
    Status.CANCELED: (Status.INITIATED, Status.RINGING),
    Status.FAILED: (Status.INITIATED,),
    Status.IN_PROGRESS: (Status.INITIATED, Status.RINGING),
    Status.RINGING: (Status.INITIATED,),
}
SIP_CODES: Final[Mapping[Status, str]] = {
    Status.COMPLETED: "200",
    Status.BUSY: "486",
    Status.NO_ANSWER: "487",
    Status.CANCELED: "487",
    Status.FAILED: "503",
}

_SPAN_US: Final = 48 * 3600 * SECOND_US
_MINUTE_US: Final = 60 * SECOND_US
_ENDED: Final = (
    *(Status.COMPLETED, Status.COMPLETED, Status.NO_ANSWER, Status.COMPLETED, Status.BUSY),
    *(Status.COMPLETED, Status.COMPLETED, Status.FAILED, Status.COMPLETED, Status.NO_ANSWER),
    *(Status.COMPLETED, Status.CANCELED, Status.COMPLETED, Status.BUSY),
) * 4
# Open calls: their status, and the seconds since their start.
_OPEN: Final = (
    (Status.IN_PROGRESS, 400),
    (Status.IN_PROGRESS, 190),
    (Status.RINGING, 40),
    (Status.IN_PROGRESS, 60),
)
_LEAST_ESCALATED_S: Final = 60
CALLS: Final = len(_ENDED) + len(_OPEN)
# The carrier of a call, and the platform of its agent. The length has no common factor with the other cycles
# over the call number, so that each pair has calls of every kind.
_SOURCES: Final = (
    *((TWILIO, VAPI), (KAMAILIO, None), (TWILIO, RETELL), (VONAGE, None), (TELNYX, None)),
    *((TWILIO, None), (VONAGE, VAPI), (KAMAILIO, None), (TWILIO, RETELL), (TELNYX, None), (TWILIO, VAPI)),
)


class SampleCall(NamedTuple):
    """Sample call; `status` is its last status."""

    number: int
    status: Status
    started_us: int

    @property
    def carrier(self) -> str:
        return _SOURCES[self.number % len(_SOURCES)][0]

    @property
    def platform(self) -> str | None:
        """The platform of the agent; None if the tenant's own events describe the conversation."""
        return _SOURCES[self.number % len(_SOURCES)][1]

    @property
    def sid(self) -> str:
        digits = hex_of(f"call {self.number}")
        forms = {
            KAMAILIO: f"{self.number}-{digits[:8]}@192.0.2.10",
            TELNYX: f"v3:{digits}",
            VONAGE: str(UUID(digits)),
        }
        return forms.get(self.carrier, "CA" + digits)

    @property
    def is_inbound(self) -> bool:
        """True if somebody calls the tenant."""
        return self.number % 3 == 0

    @property
    def is_escalated(self) -> bool:
        """True if the caller requested a person and reached one."""
        return self.status is Status.COMPLETED and self.number % 9 == 0 and self.talk_s > _LEAST_ESCALATED_S

    @property
    def parties(self) -> tuple[str, str]:
        own = SUPPORT_NUMBER if self.is_inbound else BOOKING_NUMBER
        other = f"+1415555{110 + self.number % 80:04}"
        return (other, own) if self.is_inbound else (own, other)

    @property
    def talk_s(self) -> int:
        """Seconds of conversation, if the call is answered."""
        return 8 + self.number * 53 % 290

    def at_us(self, status: Status) -> int:
        """Return the time at which the call reached a status, microseconds UTC."""
        rang_s = 2 if Status.RINGING in BEFORE[self.status] or self.status is Status.RINGING else 1
        answered_s = rang_s + 3 + self.number * 7 % 20
        after_s = {
            Status.INITIATED: 0,
            Status.RINGING: rang_s,
            Status.FAILED: rang_s,
            Status.COMPLETED: answered_s + self.talk_s,
        }
        return self.started_us + after_s.get(status, answered_s) * SECOND_US

    @property
    def ended_us(self) -> int:
        return self.at_us(self.status)

    @property
    def reported_statuses(self) -> list[Status]:
        """The statuses that are reported; an inbound call is reported from its ringing on."""
        statuses = [*BEFORE[self.status], self.status]
        return statuses[1:] if self.is_inbound and len(statuses) > 1 else statuses


def calls_of(now_us: int) -> Iterator[SampleCall]:
    """Yield the calls of the two days before `now_us`, earliest first, and then some open ones."""
    first_us, step_us = now_us - _SPAN_US, (_SPAN_US - 30 * _MINUTE_US) // len(_ENDED)
    for index, status in enumerate(_ENDED):
        yield SampleCall(index, status, first_us + index * step_us + index * 37 % 20 * _MINUTE_US)
    for index, (status, ago_s) in enumerate(_OPEN, start=len(_ENDED)):
        yield SampleCall(index, status, now_us - ago_s * SECOND_US)


def hex_of(name: str) -> str:
    """Return 32 hexadecimal digits that look random and depend on the name only."""
    return sha256(f"calltally demo {name}".encode()).hexdigest()[:32]


class ProviderCallback(NamedTuple):
    """Provider request before it is signed; its body is a form or a JSON object."""

    provider: str
    content: Mapping[str, Any]
    is_form: bool = False

    @property
    def content_type(self) -> str:
        return "application/x-www-form-urlencoded" if self.is_form else "application/json"

    def encoded(self) -> bytes:
        return urlencode(self.content).encode() if self.is_form else msgspec.json.encode(self.content)


class OwnEventBatch(NamedTuple):
    """Batch for `POST /api/v1/events`."""

    events: list[dict[str, Any]]


SampleMessage: TypeAlias = ProviderCallback | OwnEventBatch
