"""FreeSWITCH's words as ours. Source.

Its pages on mod_json_cdr, mod_xml_cdr, hangup causes and channel variables.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.model import Direction, Status

NAME: Final = "freeswitch"

# FusionPBX calls what stays inside `local`, which is neither.
DIRECTIONS: Final[Mapping[str, Direction | None]] = {
    "inbound": Direction.INBOUND,
    "outbound": Direction.OUTBOUND,
    "local": None,
}
# Why a call ended that nobody answered. Every other cause is a failure.
UNANSWERED: Final[Mapping[str, Status]] = {
    "USER_BUSY": Status.BUSY,
    "NO_ANSWER": Status.NO_ANSWER,
    "NO_USER_RESPONSE": Status.NO_ANSWER,
    "ALLOTTED_TIMEOUT": Status.NO_ANSWER,
    "PROGRESS_TIMEOUT": Status.NO_ANSWER,
    "RECOVERY_ON_TIMER_EXPIRE": Status.NO_ANSWER,
    "SUBSCRIBER_ABSENT": Status.NO_ANSWER,
    "ORIGINATOR_CANCEL": Status.CANCELED,
    "LOSE_RACE": Status.CANCELED,
    "PICKED_OFF": Status.CANCELED,
}
# What normal clearing means where nobody answered, by who hung up.
CLEARED: Final[Mapping[str, Status]] = {
    "recv_cancel": Status.CANCELED,
    "send_cancel": Status.NO_ANSWER,
}
NORMAL_CLEARING: Final = "NORMAL_CLEARING"


def status_of(cause: str, disposition: str, *, answered: bool) -> Status:
    """The final state of a call, by its hangup cause and `sip_hangup_disposition`."""
    if answered:
        return Status.COMPLETED
    if cause == NORMAL_CLEARING:
        return CLEARED.get(disposition, Status.NO_ANSWER)
    return UNANSWERED.get(cause, Status.FAILED)
