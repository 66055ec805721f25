"""Tables from Plivo's words to ours.

Sources: Plivo's pages "XML request", "Ring, answer and hangup URL", "What do the call statuses mean" and
"Hangup causes".
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.line_ends import LineEnd
from calltally.calls.model import Direction, Status

NAME: Final = "plivo"

STATUSES: Final[Mapping[str, Status]] = {
    "queued": Status.QUEUED,
    "initiated": Status.INITIATED,
    "ringing": Status.RINGING,
    "early-media": Status.RINGING,
    "in-progress": Status.IN_PROGRESS,
    "answered": Status.IN_PROGRESS,
    "completed": Status.COMPLETED,
    "busy": Status.BUSY,
    "no-answer": Status.NO_ANSWER,
    "cancel": Status.CANCELED,
    "canceled": Status.CANCELED,
    # A carrier did not connect the call in time: no telephone rang.
    "timeout": Status.FAILED,
    "failed": Status.FAILED,
}
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    "outbound": Direction.OUTBOUND,
    "outbound-api": Direction.OUTBOUND,
    "outbound-dial": Direction.OUTBOUND,
}
# Requests about other objects than calls, by the field that they have instead of a call id.
KIND_BY_FIELD: Final[Mapping[str, str]] = {
    "ConferenceUUID": "conference",
    "ConferenceName": "conference",
    "RecordingID": "recording",
    "MessageUUID": "message",
    "MPCUUID": "multiparty",
}
UNREAD_KINDS: Final = tuple(dict.fromkeys(KIND_BY_FIELD.values()))
# `Machine` is true if a machine answered.
ANSWERED_BY: Final[Mapping[str, str]] = {"true": "machine", "false": "human"}
# `HangupSource` of callbacks and of the list. Plivo itself, a carrier and an error are no party.
LINE_ENDS: Final[Mapping[str, LineEnd | None]] = {
    "Caller": LineEnd.CALLER,
    "Callee": LineEnd.CALLED,
    "Call recipient": LineEnd.CALLED,
    "API Request": LineEnd.LOCAL,
    "Answer XML": LineEnd.LOCAL,
    "Plivo": None,
    "Carrier": None,
    "Error": None,
    "Unknown": None,
}

# Final states of unanswered calls. All other codes mean `failed`.
HANGUP_CODES: Final[Mapping[str, Status]] = {
    "1000": Status.CANCELED,
    "3000": Status.NO_ANSWER,
    "3010": Status.BUSY,
}
