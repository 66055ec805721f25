"""Twilio's words as ours. What the callbacks and the API share.

Sources: Twilio's "Call resource", "StatusCallback" and "TwiML <Dial>" pages.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.model import Direction, Status

NAME: Final = "twilio"

STATUSES: Final[Mapping[str, Status]] = {
    "queued": Status.QUEUED,
    "initiated": Status.INITIATED,
    "ringing": Status.RINGING,
    # The event *answered* arrives as in-progress; some tools forward the event's name instead.
    "answered": Status.IN_PROGRESS,
    "in-progress": Status.IN_PROGRESS,
    "completed": Status.COMPLETED,
    "busy": Status.BUSY,
    "failed": Status.FAILED,
    "no-answer": Status.NO_ANSWER,
    "canceled": Status.CANCELED,
}
# Named from the trunk's end: what *terminates* in the telephone network left the tenant.
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    "outbound-api": Direction.OUTBOUND,
    "outbound-dial": Direction.OUTBOUND,
    "trunking-originating": Direction.INBOUND,
    "trunking-terminating": Direction.OUTBOUND,
}
