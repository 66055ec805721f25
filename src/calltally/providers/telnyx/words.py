"""Tables that map Telnyx's words to Calltally's.

Sources: Telnyx's pages "Call Control: events", "TeXML: status callbacks" and "Detail records", and the
types of its SDK.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.line_ends import LineEnd
from calltally.calls.model import Direction, Status

NAME: Final = "telnyx"

# Call states of events. All other events have none.
EVENTS: Final[Mapping[str, Status]] = {
    "call.initiated": Status.INITIATED,
    "call.answered": Status.IN_PROGRESS,
}
HANGUP: Final = "call.hangup"
# Another leg was connected: by a transfer, a dial or a bridge. Both legs get the event.
BRIDGED: Final = "call.bridged"

# Prefixes of the events of other products.
IGNORED_PREFIXES: Final = (
    "message.",
    "fax.",
    "number",
    "porting_",
    "verify.",
    "10dlc.",
    "toll_free_",
    "sim_card",
)
# Events that are not read, and call events that may name no call.
UNREAD_KINDS: Final = ("call.*", "conference.*", "streaming.*", "queue.*", "recording.*", "transcription*")

# Final states of unanswered calls. An answered call is `completed` with any cause.
HANGUP_CAUSES: Final[Mapping[str, Status]] = {
    "normal_clearing": Status.COMPLETED,
    "time_limit": Status.COMPLETED,
    "user_busy": Status.BUSY,
    "no_answer": Status.NO_ANSWER,
    "timeout": Status.NO_ANSWER,
    "originator_cancel": Status.CANCELED,
    "call_rejected": Status.FAILED,
    "not_found": Status.FAILED,
    "unspecified": Status.FAILED,
}
Q850_CAUSES: Final[Mapping[str, int]] = {
    "normal_clearing": 16,
    "user_busy": 17,
    "no_answer": 19,
    "call_rejected": 21,
}
# From the view of the tenant's connection.
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "incoming": Direction.INBOUND,
    "outgoing": Direction.OUTBOUND,
    "inbound": Direction.INBOUND,
    "outbound": Direction.OUTBOUND,
    "outbound-api": Direction.OUTBOUND,
    "outbound-dial": Direction.OUTBOUND,
}
ANSWERED_BY: Final[Mapping[str, str]] = {
    "human": "human",
    "human_residence": "human",
    "human_business": "human",
    "machine": "machine",
    # TeXML has Twilio's words for the result of a detection that waits for the end of the greeting.
    "machine_start": "machine",
    "machine_end_beep": "machine",
    "machine_end_silence": "machine",
    "machine_end_other": "machine",
    "unknown": "unknown",
    "fax_detected": "fax",
    "fax": "fax",
    "silence": "unknown",
    "not_sure": "unknown",
}
# `hangup_source`, in events, TeXML and records.
LINE_ENDS: Final[Mapping[str, LineEnd | None]] = {
    "caller": LineEnd.CALLER,
    "callee": LineEnd.CALLED,
    "unknown": None,
}
MACHINE_EVENTS: Final = frozenset({"call.machine.detection.ended", "call.machine.premium.detection.ended"})
