"""Tables that map FreeSWITCH's words to Calltally's.

Sources: FreeSWITCH's pages on mod_json_cdr, mod_xml_cdr, hangup causes and channel variables.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.events import StatedFields
from calltally.calls.line_ends import LineEnd
from calltally.calls.model import Direction, Status

NAME: Final = "freeswitch"

# FusionPBX writes `local` for internal calls, which are neither inbound nor outbound.
DIRECTIONS: Final[Mapping[str, Direction | None]] = {
    "inbound": Direction.INBOUND,
    "outbound": Direction.OUTBOUND,
    "local": None,
}
# Final states of unanswered calls by cause. Every other cause is a failure.
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
# Final states of unanswered calls with normal clearing, by the side that hung up.
NORMAL_CLEARING_STATUSES: Final[Mapping[str, Status]] = {
    "recv_cancel": Status.CANCELED,
    "send_cancel": Status.NO_ANSWER,
}
NORMAL_CLEARING: Final = "NORMAL_CLEARING"

# The party at the far end of a channel: an inbound channel leads to the caller. FusionPBX names the leg.
_FAR_ENDS: Final[Mapping[str, LineEnd]] = {
    "a": LineEnd.CALLER,
    "b": LineEnd.CALLED,
    "inbound": LineEnd.CALLER,
    "outbound": LineEnd.CALLED,
}
_OTHER_END: Final = {LineEnd.CALLER: LineEnd.CALLED, LineEnd.CALLED: LineEnd.CALLER}


def line_end_of(disposition: str, channel: str) -> LineEnd | None:
    """Return the party that sent the BYE; `channel` is the leg (a, b) or the direction of the channel.

    A received BYE is the channel's far end. A sent BYE passes on the other party's, or is the switch's own.
    """
    far_end = _FAR_ENDS.get(channel)
    if far_end is None or disposition not in ("recv_bye", "send_bye"):
        return None
    return far_end if disposition == "recv_bye" else _OTHER_END[far_end]


# Outcomes by the disposition of a leg that left by a transfer: the result of a blind one is not reported.
_TRANSFERS: Final[Mapping[str, str]] = {"BLIND_TRANSFER": "requested", "ATTENDED_TRANSFER": "bridged"}
_MAX_TARGET_CHARS: Final = 128


def hand_over(plain: Mapping[str, str]) -> StatedFields:
    """Return the transfer of a leg, and the machine that answered it: the switch's mailbox."""
    statement: StatedFields = {}
    if plain.get("last_app") == "voicemail" or plain.get("voicemail_message") == "true":
        statement["answered_by"] = "machine"
    dispositions = (plain.get(name, "") for name in ("endpoint_disposition", "hangup_cause"))
    outcome = next((_TRANSFERS[each] for each in dispositions if each in _TRANSFERS), None)
    if outcome is not None:
        target = plain.get("sip_refer_to", "")[:_MAX_TARGET_CHARS]
        statement["transfer"] = {"target": target or None, "outcome": outcome}
    return statement


def status_of(cause: str, disposition: str, *, answered: bool) -> Status:
    """Return the final state of a call by its hangup cause and `sip_hangup_disposition`."""
    if answered:
        return Status.COMPLETED
    if cause == NORMAL_CLEARING:
        return NORMAL_CLEARING_STATUSES.get(disposition, Status.NO_ANSWER)
    return UNANSWERED.get(cause, Status.FAILED)
