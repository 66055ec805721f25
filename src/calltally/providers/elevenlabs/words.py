"""ElevenLabs' words as ours. Sources: ElevenLabs, "Post-call webhooks", and the types of its SDK."""

from collections.abc import Mapping
from typing import Final

from calltally.calls.end_reasons import EndReason, Why
from calltally.calls.failure_causes import Side
from calltally.calls.model import Direction, Status
from calltally.providers.conversations import Family, family

NAME: Final = "elevenlabs"

STATUSES: Final[Mapping[str, Status]] = {
    "initiated": Status.INITIATED,
    "in-progress": Status.IN_PROGRESS,
    # The words are being worked on: the call is over.
    "processing": Status.COMPLETED,
    "done": Status.COMPLETED,
    "failed": Status.FAILED,
}
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    "outbound": Direction.OUTBOUND,
}
FAILURES: Final[Mapping[str, Status]] = {
    "busy": Status.BUSY,
    "no-answer": Status.NO_ANSWER,
    "unknown": Status.FAILED,
}
PASSED_OVER: Final = frozenset({"post_call_audio", "voice_removal_notice", "voice_removal_notice_withdrawn"})
# Events of voices and of texts, which are of no call: kept, and counted by these names.
UNREAD: Final = ("voice_*", "speech_to_text_*", "workspace_*")
SUCCESS: Final[Mapping[str, bool]] = {"success": True, "failure": False}

# Sentences, not codes.
FAMILIES: Final[tuple[Family, ...]] = (
    family(
        Why(EndReason.CALLER_HUNG_UP),
        r".*remote party",
        r".*(client (disconnect|ended))",
        r".*(user (ended|hung|disconnect))",
        r".*caller",
    ),
    family(Why(EndReason.TRANSFERRED), r".*(transfer)"),
    family(Why(EndReason.VOICEMAIL), r".*voicemail"),
    family(
        Why(EndReason.AGENT_HUNG_UP), r".*end_call", r".*(agent (ended|hung))", r".*ended by (the )?agent"
    ),
    family(
        Why(EndReason.LIMIT_REACHED, Side.TENANT),
        r".*(max(imum)? (conversation |call )?(duration|length))",
        r".*quota",
        r".*limit",
        r".*credits?",
    ),
    family(Why(EndReason.SILENCE), r".*(silence|inactiv|no (user )?input)"),
    family(Why(EndReason.TIMEOUT), r".*(timed? ?out)"),
    family(Why(EndReason.NETWORK, Side.NETWORK), r".*(websocket|connection|network)"),
    family(
        Why(EndReason.AGENT_ERROR, Side.TENANT),
        r".*custom.?llm",
        r".*tool",
        r".*webhook",
        r".*authori[sz]ation",
        r".*guardrail",
    ),
    family(Why(EndReason.PROVIDER_ERROR, Side.PROVIDER), r".*(error|fail)"),
    family(Why(EndReason.BUSY), r"busy$"),
    family(Why(EndReason.NO_ANSWER), r"no-answer$"),
)
