"""Sample calls: their routes, parties, times and ends; and the messages of their sources."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from calltally.calls.model import Direction, Status
from calltally.calls.times import SECOND_US
from calltally.providers.retell.words import NAME as RETELL
from calltally.providers.telnyx.words import NAME as TELNYX
from calltally.providers.twilio.words import NAME as TWILIO
from calltally.providers.vapi.words import NAME as VAPI
from calltally.providers.vonage.words import NAME as VONAGE

# A number of the range that is reserved for fiction, as are all numbers here.
FRONT_DESK_NUMBER: Final = "+14155550109"

# The statuses before each final status.
BEFORE: Final[Mapping[Status, tuple[Status, ...]]] = {
    Status.COMPLETED: (Status.INITIATED, Status.RINGING, Status.IN_PROGRESS),
    Status.BUSY: (Status.INITIATED, Status.RINGING),
    Status.NO_ANSWER: (Status.INITIATED, Status.RINGING),
    Status.CANCELED: (Status.INITIATED, Status.RINGING),
    Status.FAILED: (Status.INITIATED,),
}
SIP_CODES: Final[Mapping[Status, str]] = {
    Status.COMPLETED: "200",
    Status.BUSY: "486",
    Status.NO_ANSWER: "487",
    Status.CANCELED: "487",
    Status.FAILED: "503",
}
# Seconds from the start of a call to its ringing, or to its failure.
_RINGS_AFTER_S: Final = 2


class EndShares(NamedTuple):
    """Number of calls in a hundred with each end."""

    completed: int
    no_answer: int
    busy: int
    failed: int
    canceled: int


class SampleRoute(NamedTuple):
    """Route with the sources of its calls: a carrier, and the platform of its agent if there is one."""

    name: str
    number: str
    agent: str
    carrier: str
    platform: str | None
    direction: Direction
    share: int
    ends: EndShares

    @property
    def is_inbound(self) -> bool:
        return self.direction is Direction.INBOUND


_IN, _OUT = Direction.INBOUND, Direction.OUTBOUND
ROUTES: Final = (
    SampleRoute("support", "+14155550100", "vera", TWILIO, VAPI, _IN, 27, EndShares(90, 3, 2, 2, 3)),
    SampleRoute("bookings", "+14155550101", "nora", TWILIO, RETELL, _IN, 27, EndShares(86, 7, 2, 2, 3)),
    SampleRoute("reminders", "+14155550102", "otto-1", TELNYX, None, _OUT, 21, EndShares(54, 30, 8, 5, 3)),
    SampleRoute("deliveries", "+14155550103", "vera", VONAGE, VAPI, _OUT, 25, EndShares(68, 18, 7, 4, 3)),
)


class SampleCall(NamedTuple):
    """Sample call. `ring_s` is the time until the answer or the end, `talk_s` that of the conversation.

    Everything else about it derives from `number`. A disputed call has two sources that contradict each
    other.
    """

    route: SampleRoute
    number: int
    started_us: int
    status: Status
    ring_s: int
    talk_s: int
    is_escalated: bool = False
    is_disputed: bool = False

    @property
    def sid(self) -> str:
        digits = hex_of(f"{self.started_us} {self.number}")
        forms = {TELNYX: f"v3:{digits}", VONAGE: str(UUID(digits))}
        return forms.get(self.route.carrier, "CA" + digits)

    @property
    def parties(self) -> tuple[str, str]:
        own, other = self.route.number, f"+1415555{110 + self.number % 90:04}"
        return (other, own) if self.route.is_inbound else (own, other)

    def at_us(self, status: Status) -> int:
        """Return the time at which the call reached a status, microseconds UTC."""
        answered_s = _RINGS_AFTER_S + self.ring_s
        after_s = {
            Status.INITIATED: 0,
            Status.RINGING: _RINGS_AFTER_S,
            Status.FAILED: _RINGS_AFTER_S,
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
        return statuses[1:] if self.route.is_inbound else statuses

    def cut_short(self, now_us: int) -> "SampleCall":
        """Return the call as if both sides had hung up now."""
        talk_us = now_us - self.at_us(Status.IN_PROGRESS)
        if self.status is Status.COMPLETED and talk_us >= 0:
            return self._replace(talk_s=talk_us // SECOND_US, is_escalated=False)
        rang_s = (now_us - self.started_us) // SECOND_US - _RINGS_AFTER_S
        return self._replace(status=Status.CANCELED, ring_s=max(0, rang_s))


class SampleMessage(NamedTuple):
    """Message about a call at its time, before it is signed: a form, or a JSON object.

    Without a provider it is an event of the tenant's own.
    """

    provider: str
    at_us: int
    content: Mapping[str, Any]
    is_form: bool = False

    @property
    def content_type(self) -> str:
        return "application/x-www-form-urlencoded" if self.is_form else "application/json"

    def encoded(self) -> bytes:
        return urlencode(self.content).encode() if self.is_form else msgspec.json.encode(self.content)


def hex_of(name: str) -> str:
    """Return 32 hexadecimal digits that look random and depend on the name only."""
    return sha256(f"calltally demo {name}".encode()).hexdigest()[:32]
