"""Tables that map Vonage's words to Calltally's.

Sources: Vonage's page "Voice API webhooks reference", event webhook, and the call details of its Java SDK.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.end_reasons import EndAttribution, EndReason
from calltally.calls.failure_causes import FaultSide
from calltally.calls.line_ends import LineEnd
from calltally.calls.model import Direction, Status

NAME: Final = "vonage"

# `completed` also follows busy, failed, timeout and unanswered, and does not replace them.
STATUSES: Final[Mapping[str, Status]] = {
    "started": Status.INITIATED,
    "ringing": Status.RINGING,
    "answered": Status.IN_PROGRESS,
    "completed": Status.COMPLETED,
    "busy": Status.BUSY,
    "cancelled": Status.CANCELED,
    "unanswered": Status.NO_ANSWER,
    # The callee did not answer within the requested ringing time.
    "timeout": Status.NO_ANSWER,
    "rejected": Status.FAILED,
    "failed": Status.FAILED,
}
# Statuses that name who answered, and events without a call state.
ANSWERED_BY: Final[Mapping[str, str]] = {"human": "human", "machine": "machine"}
NON_STATE_STATUSES: Final = frozenset(
    {*ANSWERED_BY, "record", "input", "transfer", "disconnected", "dtmf", "error"}
)
# Some events have no status, and name a conversation or a recording instead of a call.
KIND_BY_FIELD: Final[Mapping[str, str]] = {
    "recording_url": "record",
    "recording_uuid": "record",
    "conversation_uuid_to": "transfer",
    "dtmf": "input",
    "speech": "input",
    "reason": "error",
}
# The leg of a media stream: its conversation has the call's own legs.
WEBSOCKET: Final = "websocket"
UNREAD_KINDS: Final = (
    WEBSOCKET,
    "record",
    "transfer",
    "input",
    "error",
    "rtc*",
    "conversation*",
    "member*",
    "audio*",
)
# `disconnected_by`: the party of the leg, or Vonage for the application (the NCCO ended, or an API request).
LINE_ENDS: Final[Mapping[str, LineEnd | None]] = {
    "user": LineEnd.REMOTE,
    "platform": LineEnd.LOCAL,
    "unknown": None,
}
# `detail` of a call that did not connect.
END_REASONS: Final[Mapping[str, EndAttribution]] = {
    "cannot_route": EndAttribution(EndReason.NETWORK, FaultSide.NETWORK),
    "number_out_of_service": EndAttribution(EndReason.INVALID_NUMBER, FaultSide.CALLER),
    "invalid_number": EndAttribution(EndReason.INVALID_NUMBER, FaultSide.CALLER),
    "internal_error": EndAttribution(EndReason.PROVIDER_ERROR, FaultSide.PROVIDER),
    "carrier_timeout": EndAttribution(EndReason.NETWORK, FaultSide.NETWORK),
    # A carrier refused the call; the called party declined it.
    "restricted": EndAttribution(EndReason.REJECTED, FaultSide.NETWORK),
    "declined": EndAttribution(EndReason.REJECTED, FaultSide.CALLED),
    "unavailable": EndAttribution(EndReason.NO_ANSWER, FaultSide.CALLED),
    "timeout": EndAttribution(EndReason.NO_ANSWER, FaultSide.CALLED),
}
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    "outbound": Direction.OUTBOUND,
}
