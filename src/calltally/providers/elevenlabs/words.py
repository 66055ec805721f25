"""Tables that map ElevenLabs' words to Calltally's.

Sources: ElevenLabs, "Post-call webhooks", and the types of its SDK.
"""

import re
from collections.abc import Mapping
from typing import Final

from calltally.calls.end_reasons import EndAttribution, EndReason
from calltally.calls.failure_causes import FaultSide
from calltally.calls.model import Direction, Status
from calltally.providers.platform_reports import EndReasonPattern, end_pattern

NAME: Final = "elevenlabs"

STATUSES: Final[Mapping[str, Status]] = {
    "initiated": Status.INITIATED,
    "in-progress": Status.IN_PROGRESS,
    # The transcript is being processed: the call is over.
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
# The carrier's result of a conversation. A platform's `done` counts only the conversation.
RESULT_NAMES: Final = ("metadata.phone_call.call_result", "metadata.whatsapp.call_result")
UNANSWERED_RESULTS: Final[Mapping[str, Status]] = {
    "busy": Status.BUSY,
    "no_answer": Status.NO_ANSWER,
    "failed": Status.FAILED,
}
MACHINE_RESULTS: Final = frozenset({"voicemail"})
ANSWERED_RESULTS: Final = frozenset({"answered", "voicemail"})
# Twilio's directions in a failure.
CARRIER_DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    **dict.fromkeys(("outbound", "outbound-api", "outbound-dial"), Direction.OUTBOUND),
}
# Sources of written conversations.
TEXT_SOURCES: Final = frozenset(
    {
        *("twilio_sms", "zendesk_integration", "slack_integration", "telegram_integration"),
        *("intercom_integration", "freshdesk_integration", "salesforce_integration"),
    }
)
# Media of a turn (`source_medium`) that only a call has; the others are text, image and file.
SPOKEN_MEDIA: Final = frozenset({"audio", "dtmf"})
IGNORED_EVENTS: Final = frozenset(
    {"post_call_audio", "voice_removal_notice", "voice_removal_notice_withdrawn"}
)
# Beginning of the event with the audio of a conversation, which may have many megabytes.
AUDIO_EVENT: Final = re.compile(rb'\s*\{\s*"type"\s*:\s*"post_call_audio"')
# Events of voices and texts, which do not concern calls: stored, and counted by these names.
UNREAD_KINDS: Final = ("voice_*", "speech_to_text_*", "workspace_*")
SUCCESS: Final[Mapping[str, bool]] = {"success": True, "failure": False}

# The end words are sentences, not codes.
END_REASON_PATTERNS: Final[tuple[EndReasonPattern, ...]] = (
    end_pattern(
        EndAttribution(EndReason.REMOTE_HUNG_UP),
        r".*remote party",
        r".*(client (disconnect|ended))",
        r".*(user (ended|hung|disconnect))",
        r".*caller",
    ),
    end_pattern(EndAttribution(EndReason.TRANSFERRED), r".*(transfer)"),
    end_pattern(EndAttribution(EndReason.VOICEMAIL), r".*voicemail"),
    end_pattern(
        EndAttribution(EndReason.LOCAL_HUNG_UP),
        r".*end_call",
        r".*(agent (ended|hung))",
        r".*ended by (the )?agent",
    ),
    end_pattern(
        EndAttribution(EndReason.LIMIT_REACHED, FaultSide.TENANT),
        r".*(max(imum)? (conversation |call )?(duration|length))",
        r".*quota",
        r".*limit",
        r".*credits?",
    ),
    end_pattern(EndAttribution(EndReason.SILENCE), r".*(silence|inactiv|no (user )?input)"),
    end_pattern(EndAttribution(EndReason.TIMEOUT), r".*(timed? ?out)"),
    end_pattern(EndAttribution(EndReason.NETWORK, FaultSide.NETWORK), r".*(websocket|connection|network)"),
    end_pattern(
        EndAttribution(EndReason.AGENT_ERROR, FaultSide.TENANT),
        r".*custom.?llm",
        r".*tool",
        r".*webhook",
        r".*authori[sz]ation",
        r".*guardrail",
    ),
    end_pattern(EndAttribution(EndReason.PROVIDER_ERROR, FaultSide.PROVIDER), r".*(error|fail)"),
    end_pattern(EndAttribution(EndReason.BUSY), r"busy$"),
    end_pattern(EndAttribution(EndReason.NO_ANSWER), r"no-answer$"),
)
