"""The made-up calls themselves: who calls whom, when, how it ends, and who will tell of it."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

from calltally.calls.model import Status
from calltally.calls.times import SECOND_US
from calltally.providers.kamailio.words import NAME as KAMAILIO
from calltally.providers.retell.words import NAME as RETELL
from calltally.providers.telnyx.words import NAME as TELNYX
from calltally.providers.twilio.words import NAME as TWILIO
from calltally.providers.vapi.words import NAME as VAPI
from calltally.providers.vonage.words import NAME as VONAGE

# Of the range that is kept free for fiction.
SUPPORT_NUMBER: Final = "+14155550100"
BOOKING_NUMBER: Final = "+14155550101"
FRONT_DESK_NUMBER: Final = "+14155550102"

# Before what a call's status is, it was these.
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
# How many seconds before `now` the calls that are still open began.
_OPEN: Final = (
    (Status.IN_PROGRESS, 400),
    (Status.IN_PROGRESS, 190),
    (Status.RINGING, 40),
    (Status.IN_PROGRESS, 60),
)
_LEAST_ESCALATED_S: Final = 60
CALLS: Final = len(_ENDED) + len(_OPEN)
# Who carries a call, and on which platform the agent runs that talks in it. As many as have no factor in
# common with what else goes by the number, so that each pair has calls of every kind.
_TELLERS: Final = (
    *((TWILIO, VAPI), (KAMAILIO, None), (TWILIO, RETELL), (VONAGE, None), (TELNYX, None)),
    *((TWILIO, None), (VONAGE, VAPI), (KAMAILIO, None), (TWILIO, RETELL), (TELNYX, None), (TWILIO, VAPI)),
)


class SampleCall(NamedTuple):
    """One call; `status` is where it stands at last."""

    number: int
    status: Status
    started_us: int

    @property
    def carrier(self) -> str:
        """The provider that carries it, or the switch."""
        return _TELLERS[self.number % len(_TELLERS)][0]

    @property
    def platform(self) -> str | None:
        """The platform of its agent; None where the tenant tells of the conversation itself."""
        return _TELLERS[self.number % len(_TELLERS)][1]

    @property
    def sid(self) -> str:
        """Its id at whoever carries it, in that one's form."""
        digits = hex_of(f"call {self.number}")
        forms = {
            KAMAILIO: f"{self.number}-{digits[:8]}@192.0.2.10",
            TELNYX: f"v3:{digits}",
            VONAGE: str(UUID(digits)),
        }
        return forms.get(self.carrier, "CA" + digits)

    @property
    def is_inbound(self) -> bool:
        """Whether somebody calls the tenant."""
        return self.number % 3 == 0

    @property
    def is_escalated(self) -> bool:
        """Whether the caller asked for a person, and got one."""
        return self.status is Status.COMPLETED and self.number % 9 == 0 and self.talk_s > _LEAST_ESCALATED_S

    @property
    def parties(self) -> tuple[str, str]:
        """Who calls, and who is called."""
        own = SUPPORT_NUMBER if self.is_inbound else BOOKING_NUMBER
        other = f"+1415555{110 + self.number % 80:04}"
        return (other, own) if self.is_inbound else (own, other)

    @property
    def talk_s(self) -> int:
        """For how long it is talked in, if it is answered."""
        return 8 + self.number * 53 % 290

    def at_us(self, status: Status) -> int:
        """When it came to a status, microseconds UTC."""
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
        """When it came to where it stands."""
        return self.at_us(self.status)

    @property
    def told(self) -> list[Status]:
        """The statuses that are told of it; an inbound call is told from its ringing on."""
        statuses = [*BEFORE[self.status], self.status]
        return statuses[1:] if self.is_inbound and len(statuses) > 1 else statuses


def calls_of(now_us: int) -> Iterator[SampleCall]:
    """Those of the two days before `now_us`, the earliest first, and some that are open."""
    first_us, step_us = now_us - _SPAN_US, (_SPAN_US - 30 * _MINUTE_US) // len(_ENDED)
    for index, status in enumerate(_ENDED):
        yield SampleCall(index, status, first_us + index * step_us + index * 37 % 20 * _MINUTE_US)
    for index, (status, ago_s) in enumerate(_OPEN, start=len(_ENDED)):
        yield SampleCall(index, status, now_us - ago_s * SECOND_US)


def hex_of(name: str) -> str:
    """32 hexadecimal digits that look like chance, and are always the same."""
    return sha256(f"calltally demo {name}".encode()).hexdigest()[:32]
