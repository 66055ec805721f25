"""Tables that map Bland's words to Calltally's.

Source: Bland, "Call details" and "Post call webhooks".
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.end_reasons import EndAttribution, EndReason
from calltally.calls.model import Status
from calltally.providers.platform_reports import EndReasonPattern, end_pattern

NAME: Final = "bland"

STATUSES: Final[Mapping[str, Status]] = {
    **dict.fromkeys(("queued", "new", "allocated", "pre_queue", "pre-queue"), Status.QUEUED),
    **dict.fromkeys(("started", "dialing", "initiated"), Status.INITIATED),
    "ringing": Status.RINGING,
    **dict.fromkeys(("in-progress", "in_progress", "active"), Status.IN_PROGRESS),
    **dict.fromkeys(("completed", "complete", "complete_error"), Status.COMPLETED),
    **dict.fromkeys(("failed", "call_error", "queue_error", "pre_queue_error"), Status.FAILED),
    "busy": Status.BUSY,
    **dict.fromkeys(("no-answer", "no_answer"), Status.NO_ANSWER),
    **dict.fromkeys(("canceled", "cancelled"), Status.CANCELED),
}
# The side that ended the call.
END_REASON_PATTERNS: Final[tuple[EndReasonPattern, ...]] = (
    end_pattern(EndAttribution(EndReason.REMOTE_HUNG_UP), r"user$"),
    end_pattern(EndAttribution(EndReason.LOCAL_HUNG_UP), r"(assistant|agent|ai)$"),
    end_pattern(EndAttribution(EndReason.VOICEMAIL), r"voicemail$"),
)
ROLES: Final[Mapping[str, str]] = {"user": "user", "assistant": "agent", "robot": "agent", "agent": "agent"}
# Categories of messages during a call, which may name no call.
UNREAD_KINDS: Final = ("queue", "call", "latency", "webhook", "tool", "dynamic_data")
VOICEMAIL: Final = "voicemail"
# `answered_by` of a call that nobody answered, although its status is `completed`.
UNANSWERED: Final = "no-answer"
