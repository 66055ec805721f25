"""Tables that map jambonz's words to Calltally's.

Source: jambonz's pages "Call status webhook" and "Recent calls".
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.line_ends import LineEnd
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
# Requests about other objects than calls, by one of their fields.
UNREAD_KINDS: Final = ("conference_sid", "queue_sid", "message_sid")
# Requests have no time. A call passes each status once, so their order is the sequence.
STATUS_SEQUENCE: Final[Mapping[str, int]] = {
    status: number for number, status in enumerate(dict.fromkeys(STATUSES.values()))
}
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    "outbound": Direction.OUTBOUND,
}
# `call_termination_by` of a webhook: `caller` is the far end, whichever side placed the call.
LINE_ENDS: Final[Mapping[str, LineEnd]] = {"caller": LineEnd.REMOTE, "jambonz": LineEnd.LOCAL}
# `termination_reason` of a recent call: both parties by their part in the call. It has other words, too.
RECORD_LINE_ENDS: Final[Mapping[str, LineEnd]] = {
    "caller hungup": LineEnd.CALLER,
    "called party hungup": LineEnd.CALLED,
}
# Final states of unanswered calls by SIP response (RFC 3261). All others mean `failed`.
SIP_STATUSES: Final[Mapping[int, Status]] = {
    408: Status.NO_ANSWER,
    480: Status.NO_ANSWER,
    486: Status.BUSY,
    487: Status.CANCELED,
    600: Status.BUSY,
}
# Outcomes of a `dial` by the state of its leg; an open leg has none yet.
DIAL_OUTCOMES: Final[Mapping[str, str]] = {
    "completed": "bridged",
    "busy": "failed",
    "no-answer": "failed",
    "failed": "failed",
}
_FIRST_FAILURE: Final = 300


def refer_outcome(final: int | None, accepted: int | None) -> str:
    """Return the outcome of a REFER by the last reported response of the new call, and by its own."""
    if final is not None:
        return "failed" if final >= _FIRST_FAILURE else "bridged"
    return "failed" if accepted is not None and accepted >= _FIRST_FAILURE else "requested"
