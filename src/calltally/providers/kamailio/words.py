"""Kamailio's words as ours. Source: the events of its dialog module, and the SIP answers of RFC 3261."""

from collections.abc import Mapping
from typing import Final

from calltally.calls.model import Direction, Status

NAME: Final = "kamailio"

# Names that the configuration of examples/live-sip gives to the event routes; `ringing` is a 180 or 183.
EVENTS: Final[Mapping[str, Status]] = {
    "started": Status.INITIATED,
    "ringing": Status.RINGING,
    "answered": Status.IN_PROGRESS,
    "ended": Status.COMPLETED,
    "failed": Status.FAILED,
}
# A call goes through its states in this order; times of whole seconds do not tell which came first.
ORDER: Final = {name: number for number, name in enumerate(EVENTS, start=1)}
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    "outbound": Direction.OUTBOUND,
}
# How a call ended that nobody answered, by the final answer: RFC 3261 section 21.
_BUSY: Final = (486, 600)
_NO_ANSWER: Final = (480,)
# Nobody said anything in time: no answer if it rang, else the callee was not there.
TIMED_OUT: Final = 408
_CANCELED: Final = (487,)
UNANSWERED: Final[Mapping[int, Status]] = {
    **dict.fromkeys(_BUSY, Status.BUSY),
    **dict.fromkeys(_NO_ANSWER, Status.NO_ANSWER),
    **dict.fromkeys(_CANCELED, Status.CANCELED),
}
