"""Tables that map Twilio's words to Calltally's, for callbacks, the API and Event Streams.

Sources: Twilio's "Call resource", "StatusCallback" and "TwiML <Dial>" pages; for Event Streams "Event types",
"Call Insights Event Stream" and "Details: Call Summary", and the enumerations of its SDK. Call summaries
write underscores.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.line_ends import LineEnd
from calltally.calls.model import Direction, Status

NAME: Final = "twilio"
# From the view of the trunk: a call that *terminates* in the telephone network leaves the tenant.
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    "outbound-api": Direction.OUTBOUND,
    "outbound-dial": Direction.OUTBOUND,
    "trunking-originating": Direction.INBOUND,
    "trunking-terminating": Direction.OUTBOUND,
}

PARTIAL: Final = 1
COMPLETE: Final = 3
_INSIGHTS: Final = "com.twilio.voice.insights"
SUMMARY_STAGES: Final[Mapping[str, int]] = {
    f"{_INSIGHTS}.call-summary.partial": PARTIAL,
    f"{_INSIGHTS}.call-summary.predicted-complete": 2,
    f"{_INSIGHTS}.call-summary.complete": COMPLETE,
}
# Each contains the parameters of the callback. The second is the deprecated name.
CALLBACK_PREFIXES: Final = (
    "com.twilio.voice.status-callback.",
    "com.twilio.voice.webhook.status-callback.",
)
# Documented kinds that are counted by name. The record has no field for them, or a callback states it too.
UNREAD_EVENTS: Final = (
    f"{_INSIGHTS}.call-event.*",
    f"{_INSIGHTS}.call-metrics.*",
    f"{_INSIGHTS}.conference-*",
    "com.twilio.voice.api-request.*",
    "com.twilio.voice.twiml.*",
    "com.twilio.messaging.*",
    "com.twilio.taskrouter.*",
    "com.twilio.eventstreams.*",
)
SUMMARY_STATES: Final[Mapping[str, Status]] = {
    "ringing": Status.RINGING,
    "answered": Status.IN_PROGRESS,
    "completed": Status.COMPLETED,
    "busy": Status.BUSY,
    "fail": Status.FAILED,
    "noanswer": Status.NO_ANSWER,
    "canceled": Status.CANCELED,
    # Twilio does not define it: the call was created and never placed.
    "undialed": Status.FAILED,
}
SUMMARY_DIRECTIONS: Final[Mapping[str, Direction]] = {
    **{word.replace("-", "_"): direction for word, direction in DIRECTIONS.items()},
    **DIRECTIONS,
}
LINE_ENDS: Final[Mapping[str, LineEnd | None]] = {
    "caller": LineEnd.CALLER,
    "callee": LineEnd.CALLED,
    "unknown": None,
    "unknown_disconnected_by": None,
}
