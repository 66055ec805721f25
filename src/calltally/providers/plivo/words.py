"""Tables that map Plivo's words to Calltally's.

Sources: Plivo's pages "XML request", "Ring, answer and hangup URL", "What do the call statuses mean" and
"Hangup causes".
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.end_reasons import EndAttribution, EndReason
from calltally.calls.events import StatedFields
from calltally.calls.failure_causes import FaultSide
from calltally.calls.line_ends import LineEnd
from calltally.calls.model import Direction, Status
from calltally.providers.carrier_facts import end_fields

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

# The end of a `<Dial>`, in the request to its action.
DIAL_OUTCOMES: Final[Mapping[str, str]] = {
    "completed": "bridged",
    **dict.fromkeys(("busy", "failed", "timeout", "no-answer", "cancel"), "failed"),
}

# Final states of unanswered calls by hangup code. All other codes mean `failed`.
HANGUP_CODES: Final[Mapping[str, Status]] = {
    "1000": Status.CANCELED,
    "3000": Status.NO_ANSWER,
    "3010": Status.BUSY,
    "3100": Status.BUSY,
    "6010": Status.NO_ANSWER,
    # Another leg of the same dial answered first.
    "9000": Status.CANCELED,
}
_INVALID: Final = EndAttribution(EndReason.INVALID_NUMBER, FaultSide.CALLER)
_REJECTED: Final = EndAttribution(EndReason.REJECTED, FaultSide.CALLED)
_REFUSED: Final = EndAttribution(EndReason.REJECTED, FaultSide.NETWORK)
_BARRED: Final = EndAttribution(EndReason.REJECTED, FaultSide.TENANT)
_NO_ANSWER: Final = EndAttribution(EndReason.NO_ANSWER, FaultSide.CALLED)
_BUSY: Final = EndAttribution(EndReason.BUSY, FaultSide.CALLED)
_LIMIT: Final = EndAttribution(EndReason.LIMIT_REACHED, FaultSide.TENANT)
_NETWORK: Final = EndAttribution(EndReason.NETWORK, FaultSide.NETWORK)
_PLIVO: Final = EndAttribution(EndReason.PROVIDER_ERROR, FaultSide.PROVIDER)
_APPLICATION: Final = EndAttribution(EndReason.AGENT_ERROR, FaultSide.TENANT)
_LOCAL: Final = EndAttribution(EndReason.LOCAL_HUNG_UP)
# Reasons by hangup code; 0, 1000, 4000 and 9000 give none. Display names have changed over time.
END_REASONS: Final[Mapping[str, EndAttribution]] = {
    **dict.fromkeys(("1010", "1020", "6000"), _LIMIT),
    **dict.fromkeys(("2000", "2010", "3050", "3120"), _INVALID),
    # The endpoint is not registered.
    **dict.fromkeys(("2020", "3000", "6010"), _NO_ANSWER),
    # Permissions of the account, a loop of its own numbers, and its caller id.
    **dict.fromkeys(("2030", "2040", "2050", "2060", "2070", "3030", "3140"), _BARRED),
    **dict.fromkeys(("3010", "3100"), _BUSY),
    **dict.fromkeys(("3020", "3040", "3110"), _REJECTED),
    "3130": _REFUSED,
    **dict.fromkeys(("3070", "3080", "3090", "6020"), _NETWORK),
    **dict.fromkeys(("5000", "5010", "5020"), _PLIVO),
    # The answer URL was not reached, or returned invalid XML.
    **dict.fromkeys(("7011", "7012", "7013", "7014", "7022", "7023", "7024"), _APPLICATION),
    **dict.fromkeys(("7032", "7033", "7034", "8011", "8012", "8013", "8014"), _APPLICATION),
    # The XML ended, or the application ended the conference.
    **dict.fromkeys(("4010", "4020", "4030", "9110"), _LOCAL),
    "9100": EndAttribution(EndReason.VOICEMAIL),
}


def end_of(code: str | None, cause: str | None, name: str | None) -> StatedFields:
    """Return the end fields of a hangup: the reason by its code, and its word: the cause, else the name."""
    word = cause or name
    why = END_REASONS.get(code or "")
    if why is None:
        return {} if word is None else {"end_reason": word}
    return end_fields(word or why.reason.value, {word or why.reason.value: why})
