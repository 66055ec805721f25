"""SignalWire's words as ours.

Sources: SignalWire's pages "Calls" and "Status callback" of its Compatibility API.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.model import Direction, Status

NAME: Final = "signalwire"

STATUSES: Final[Mapping[str, Status]] = {
    "queued": Status.QUEUED,
    "initiated": Status.INITIATED,
    "ringing": Status.RINGING,
    "answered": Status.IN_PROGRESS,
    "in-progress": Status.IN_PROGRESS,
    "completed": Status.COMPLETED,
    "busy": Status.BUSY,
    "failed": Status.FAILED,
    "no-answer": Status.NO_ANSWER,
    "canceled": Status.CANCELED,
}
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    "outbound": Direction.OUTBOUND,
    "outbound-api": Direction.OUTBOUND,
    "outbound-dial": Direction.OUTBOUND,
}
