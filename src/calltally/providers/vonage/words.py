"""Vonage's words as ours.

Source: Vonage's page "Voice API webhooks reference", event webhook.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.model import Direction, Status

NAME: Final = "vonage"

# `completed` comes after busy, failed, timeout and unanswered too, and takes nothing back.
STATUSES: Final[Mapping[str, Status]] = {
    "started": Status.INITIATED,
    "ringing": Status.RINGING,
    "answered": Status.IN_PROGRESS,
    "completed": Status.COMPLETED,
    "busy": Status.BUSY,
    "cancelled": Status.CANCELED,
    "unanswered": Status.NO_ANSWER,
    # The callee did not answer within the ringing time that was asked for.
    "timeout": Status.NO_ANSWER,
    "rejected": Status.FAILED,
    "failed": Status.FAILED,
}
# Statuses that say who answered, and events that say nothing of the call's state.
ANSWERED_BY: Final[Mapping[str, str]] = {"human": "human", "machine": "machine"}
ASIDE: Final = frozenset({*ANSWERED_BY, "record", "input", "transfer", "disconnected", "dtmf", "error"})
# Some events have no status, and name a conversation or a recording instead of a call.
KIND_BY_FIELD: Final[Mapping[str, str]] = {
    "recording_url": "record",
    "recording_uuid": "record",
    "conversation_uuid_to": "transfer",
    "dtmf": "input",
    "speech": "input",
    "reason": "error",
}
UNREAD: Final = ("record", "transfer", "input", "error", "rtc*", "conversation*", "member*", "audio*")
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    "outbound": Direction.OUTBOUND,
}
