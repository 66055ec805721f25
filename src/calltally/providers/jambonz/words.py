"""jambonz's words as ours.

Source: jambonz's pages "Call status webhook" and "Recent calls".
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.model import Direction, Status

NAME: Final = "jambonz"

STATUSES: Final[Mapping[str, Status]] = {
    "queued": Status.QUEUED,
    "trying": Status.INITIATED,
    "ringing": Status.RINGING,
    "early-media": Status.RINGING,
    "in-progress": Status.IN_PROGRESS,
    "completed": Status.COMPLETED,
    "busy": Status.BUSY,
    "no-answer": Status.NO_ANSWER,
    "failed": Status.FAILED,
}
# Requests about something else than a call, by a field of theirs.
UNREAD: Final = ("conference_sid", "queue_sid", "message_sid")
# Its requests carry no time, and a call goes through these once: their place orders them.
SEQUENCE_OF: Final[Mapping[str, int]] = {
    status: place for place, status in enumerate(dict.fromkeys(STATUSES.values()))
}
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    "outbound": Direction.OUTBOUND,
}
# How a call ended that nobody answered, by its SIP response (RFC 3261); all others failed.
SIP_STATUSES: Final[Mapping[int, Status]] = {
    408: Status.NO_ANSWER,
    480: Status.NO_ANSWER,
    486: Status.BUSY,
    487: Status.CANCELED,
    600: Status.BUSY,
}
