"""Tables that map Kamailio's words to Calltally's.

Sources: the events of its dialog module, and the SIP responses of RFC 3261.
"""

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
# A call passes its states in this order. Times in whole seconds do not give the order.
ORDER: Final = {name: number for number, name in enumerate(EVENTS, start=1)}
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    "outbound": Direction.OUTBOUND,
}
# Final states of unanswered calls by final response: RFC 3261 section 21.
_BUSY: Final = (486, 600)
_NO_ANSWER: Final = (480,)
# The callee did not respond in time: no answer after ringing, else unreachable.
REQUEST_TIMEOUT: Final = 408
_CANCELED: Final = (487,)
UNANSWERED: Final[Mapping[int, Status]] = {
    **dict.fromkeys(_BUSY, Status.BUSY),
    **dict.fromkeys(_NO_ANSWER, Status.NO_ANSWER),
    **dict.fromkeys(_CANCELED, Status.CANCELED),
}
