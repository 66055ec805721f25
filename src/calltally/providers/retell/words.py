"""Retell's words as ours. Sources: Retell, "Webhook overview" and "Debug call disconnection"."""

from collections.abc import Mapping
from typing import Final

from calltally.calls.end_reasons import EndReason, Why
from calltally.calls.failure_causes import Side
from calltally.calls.model import Direction, Status
from calltally.providers.conversations import Family, family

NAME: Final = "retell"

OPEN_STATUSES: Final[Mapping[str, Status]] = {
    "registered": Status.INITIATED,
    "ongoing": Status.IN_PROGRESS,
}
# How it ended, its reason tells.
ENDED: Final = frozenset({"ended", "not_connected", "error"})
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    "outbound": Direction.OUTBOUND,
}
CALL_EVENTS: Final = frozenset({"call_started", "call_ended", "call_analyzed"})
# What became of a hand-over; `transfer_ended` is about the call that went on without the agent.
TRANSFERS: Final[Mapping[str, str]] = {
    "transfer_started": "requested",
    "transfer_bridged": "bridged",
    "transfer_cancelled": "failed",
}
PASSED_OVER: Final = frozenset({"transcript_updated", "transfer_ended"})

FAMILIES: Final[tuple[Family, ...]] = (
    family(Why(EndReason.CALLER_HUNG_UP), r"user_(hangup|requested_)"),
    family(Why(EndReason.AGENT_HUNG_UP), r"agent_hangup$", r"manual_stopped$", r"ivr_reached$"),
    family(Why(EndReason.TRANSFERRED), r"call_transfer", r"transfer_bridged$", r"call_take_over$"),
    family(Why(EndReason.VOICEMAIL), r"voicemail_reached$"),
    family(Why(EndReason.SILENCE), r"inactivity$"),
    family(Why(EndReason.BUSY), r"dial_busy$"),
    family(Why(EndReason.NO_ANSWER), r"dial_no_answer$"),
    family(Why(EndReason.REJECTED, Side.CALLED), r"user_declined$", r"marked_as_spam$", r"scam_detected$"),
    family(Why(EndReason.INVALID_NUMBER, Side.CALLER), r"invalid_destination$"),
    family(Why(EndReason.TIMEOUT), r"registered_call_timeout$", r"error_user_not_joined$"),
    family(
        Why(EndReason.LIMIT_REACHED, Side.TENANT),
        r"(max_duration|concurrency_limit|budget)_reached$",
        r"no_(concurrency_fallback|valid_payment)$",
        r"credit_",
    ),
    family(Why(EndReason.NETWORK, Side.NETWORK), r"sip_routing_error$", r"network_", r"dial_failed$"),
    family(Why(EndReason.PROVIDER_ERROR, Side.TENANT), r"telephony_provider_permission_"),
    family(
        Why(EndReason.PROVIDER_ERROR, Side.PROVIDER),
        r"telephony_provider_",
        r"error_(retell|asr|unknown|no_audio)",
    ),
    family(Why(EndReason.AGENT_ERROR, Side.TENANT), r"error_llm_", r"error_"),
)
# What proves that nobody answered; every other end of a call that began is `completed`.
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
