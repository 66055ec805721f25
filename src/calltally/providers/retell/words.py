"""Tables that map Retell's words to Calltally's.

Sources: Retell, "Webhook overview" and "Debug call disconnection".
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.end_reasons import EndAttribution, EndReason
from calltally.calls.failure_causes import FaultSide
from calltally.calls.model import Direction, Status
from calltally.providers.platform_reports import EndReasonPattern, end_pattern

NAME: Final = "retell"

OPEN_STATUSES: Final[Mapping[str, Status]] = {
    "registered": Status.INITIATED,
    "ongoing": Status.IN_PROGRESS,
}
# The disconnection reason describes the end.
CONNECTED: Final = "ended"
NOT_CONNECTED: Final = "not_connected"
ENDED: Final = frozenset({CONNECTED, NOT_CONNECTED, "error"})
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    "outbound": Direction.OUTBOUND,
}
CALL_EVENTS: Final = frozenset({"call_started", "call_ended", "call_analyzed"})
# Outcomes of transfers. `transfer_ended` concerns the call after the agent has left.
TRANSFER_OUTCOMES: Final[Mapping[str, str]] = {
    "transfer_started": "requested",
    "transfer_bridged": "bridged",
    "transfer_cancelled": "failed",
}
CANCELED_TRANSFER: Final = "transfer_cancelled"
VOICEMAIL: Final = "voicemail_reached"
IGNORED_EVENTS: Final = frozenset({"transcript_updated", "transfer_ended"})

END_REASON_PATTERNS: Final[tuple[EndReasonPattern, ...]] = (
    end_pattern(EndAttribution(EndReason.REMOTE_HUNG_UP), r"user_(hangup|requested_)"),
    end_pattern(
        EndAttribution(EndReason.LOCAL_HUNG_UP), r"agent_hangup$", r"manual_stopped$", r"ivr_reached$"
    ),
    end_pattern(
        EndAttribution(EndReason.TRANSFERRED), r"call_transfer", r"transfer_bridged$", r"call_take_over$"
    ),
    end_pattern(EndAttribution(EndReason.VOICEMAIL), r"voicemail_reached$"),
    end_pattern(EndAttribution(EndReason.SILENCE), r"inactivity$"),
    end_pattern(EndAttribution(EndReason.BUSY), r"dial_busy$"),
    end_pattern(EndAttribution(EndReason.NO_ANSWER), r"dial_no_answer$"),
    end_pattern(
        EndAttribution(EndReason.REJECTED, FaultSide.CALLED),
        r"user_declined$",
        r"marked_as_spam$",
        r"scam_detected$",
    ),
    end_pattern(EndAttribution(EndReason.INVALID_NUMBER, FaultSide.CALLER), r"invalid_destination$"),
    end_pattern(EndAttribution(EndReason.TIMEOUT), r"registered_call_timeout$", r"error_user_not_joined$"),
    end_pattern(
        EndAttribution(EndReason.LIMIT_REACHED, FaultSide.TENANT),
        r"(max_duration|concurrency_limit|budget)_reached$",
        r"no_(concurrency_fallback|valid_payment)$",
        r"credit_",
    ),
    end_pattern(
        EndAttribution(EndReason.NETWORK, FaultSide.NETWORK),
        r"sip_routing_error$",
        r"network_",
        r"dial_failed$",
    ),
    end_pattern(
        EndAttribution(EndReason.PROVIDER_ERROR, FaultSide.TENANT), r"telephony_provider_permission_"
    ),
    end_pattern(
        EndAttribution(EndReason.PROVIDER_ERROR, FaultSide.PROVIDER),
        r"telephony_provider_",
        r"error_(retell|asr|unknown|no_audio)",
    ),
    end_pattern(
        EndAttribution(EndReason.AGENT_ERROR, FaultSide.TENANT),
        r"error_llm_",
        r"error_",
        r"transfer_cancelled$",
    ),
)
# Reasons that prove an unanswered call. With any other reason a started call is `completed`.
UNANSWERED: Final[Mapping[str, Status]] = {
    "dial_busy": Status.BUSY,
    "dial_no_answer": Status.NO_ANSWER,
    **dict.fromkeys(
        (
            *("dial_failed", "invalid_destination", "telephony_provider_permission_denied"),
            *("telephony_provider_unavailable", "sip_routing_error", "marked_as_spam", "network_blocked"),
            *("user_declined", "registered_call_timeout", "error_user_not_joined", "scam_detected"),
            *("concurrency_limit_reached", "no_concurrency_fallback", "no_valid_payment"),
        ),
        Status.FAILED,
    ),
}
