"""Vapi's words as ours. It has more than 600 reasons of ending, so they are read by families.

Sources: Vapi, "Call ended reasons", and the values of its API's `endedReason`.
"""

import re
from collections.abc import Mapping
from typing import Final

from calltally.calls.end_reasons import EndReason, Why
from calltally.calls.failure_causes import Side
from calltally.calls.model import Direction, Status
from calltally.providers.conversations import Family, family

NAME: Final = "vapi"

OPEN_STATUSES: Final[Mapping[str, Status]] = {
    "scheduled": Status.QUEUED,
    "queued": Status.QUEUED,
    "ringing": Status.RINGING,
    "in-progress": Status.IN_PROGRESS,
    "forwarding": Status.IN_PROGRESS,
}
ENDED: Final = "ended"
DIRECTIONS: Final[Mapping[str, Direction | None]] = {
    "inboundPhoneCall": Direction.INBOUND,
    "outboundPhoneCall": Direction.OUTBOUND,
    # Of a call in a browser nobody was called.
    "webCall": None,
    "vapi.websocketCall": None,
}
# Messages that say nothing of a call's record.
PASSED_OVER: Final = frozenset(
    {
        *("assistant-request", "assistant.started", "assistant.speechStarted", "call.deleted"),
        *("call.delete.failed", "call.endpointing.request", "chat.created", "chat.deleted"),
        *("conversation-update", "function-call", "handoff-destination-request", "hang"),
        *("knowledge-base-request", "language-change-detected", "model-output", "phone-call-control"),
        *("session.created", "session.deleted", "session.updated", "speech-update", "tool-calls"),
        *("transcript", "transcript[transcriptType='final']", "transfer-destination-request"),
        *("transfer-update", "user-interrupted", "voice-input", "voice-request"),
    }
)

# Messages that Vapi documents and nobody reads here, and whatever comes to their families.
UNREAD: Final = ("call.artifact.upload", "campaign.*", "call.*", "assistant.*", "chat.*", "session.*")

_PROVIDER: Final = Why(EndReason.PROVIDER_ERROR, Side.PROVIDER)
_OWN_FAULT: Final = Why(EndReason.AGENT_ERROR, Side.TENANT)
_NETWORK: Final = Why(EndReason.NETWORK, Side.NETWORK)
_LIMIT: Final = Why(EndReason.LIMIT_REACHED, Side.TENANT)

# A hand-over that came to nothing. The customer heard the assistant, and nobody else.
_FAILED_HAND_OVERS: Final = (
    r"call\.forwarding\.(operator-busy|no-answer|.*(busy|fail|error|time|reject|declin|cancel))",
    r".*forward-operator-busy",
    r".*error-(warm-)?transfer-",
)
FAILED_HAND_OVER: Final = re.compile(
    "|".join((*_FAILED_HAND_OVERS, r"customer-ended-call-(before|during|after)-.*transfer")), re.ASCII
)
# What `artifact.transfers[].status` says of a hand-over.
TRANSFER_OUTCOMES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("connected", "completed"), "bridged"),
    **dict.fromkeys(("no-answer", "busy", "voicemail", "failed", "cancelled"), "failed"),
}
HAND_OVER_FAILED: Final = _OWN_FAULT

# In this order: the first that fits. What a word ends in tells whose key, quota or request it was.
FAMILIES: Final[tuple[Family, ...]] = (
    family(Why(EndReason.BUSY), r"customer-busy$"),
    family(
        Why(EndReason.NO_ANSWER),
        r"customer-did-not-answer$",
        r"call\.ringing\.hook-executed-transfer-failed$",
    ),
    family(
        Why(EndReason.CALLER_HUNG_UP),
        r"customer-ended-call",
        r"customer-did-not-give-microphone",
        r".*(twilio|sip)-completed-call",
        r"vonage-completed",
        r".*caller-hungup",
    ),
    family(Why(EndReason.AGENT_HUNG_UP), r"assistant-ended-call", r"assistant-said-", r"manually-canceled$"),
    family(
        Why(EndReason.AGENT_HUNG_UP),
        r".*hook-executed-(say|hangup)",
        r"assistant-ended",
        r"call-deleted",
        r"scheduled-call-deleted$",
    ),
    family(HAND_OVER_FAILED, *_FAILED_HAND_OVERS),
    family(
        Why(EndReason.TRANSFERRED),
        r"assistant-forwarded-call$",
        r"call\.forwarding\.",
        r".*(forwarded|executed-transfer)",
        r".*warm-transfer",
    ),
    family(Why(EndReason.VOICEMAIL), r"voicemail"),
    family(Why(EndReason.SILENCE), r"silence-timed-out", r".*silence-timeout", r".*no-speech"),
    # Of what Vapi calls its own fault it does not matter which quota or key of its own it was.
    family(_PROVIDER, r".*vapifault", r".*vapi-error"),
    family(
        _LIMIT,
        r"exceeded-max-duration",
        r".*exceeded-quota",
        r".*out-of-credits",
        r".*quota-exceeded",
        r".*over-concurrency",
        r".*concurrency-limit",
        r".*subscription-",
        r".*wallet",
        r".*billing",
        r".*frozen",
        r".*rate-limit",
        r".*(daily-limit|limit-exceeded|concurrent-requests)",
        r".*(out-of-characters|insufficent-funds|requested-payment)",
    ),
    family(
        Why(EndReason.INVALID_NUMBER, Side.CALLER),
        r".*invalid-(phone-)?number",
        r".*number-not-found",
        r".*invalid-destination",
        r".*(unallocated-number|misdialed)",
    ),
    family(
        Why(EndReason.REJECTED, Side.CALLED),
        r".*call-rejected",
        r".*rejected-by",
        r".*declined",
        r".*spam",
        r"vonage-rejected",
    ),
    family(Why(EndReason.TIMEOUT), r"(assistant-join-timed-out|.*timed-out|.*timeout)"),
    family(
        _PROVIDER,
        r".*worker-",
        r".*db-error",
        r".*no-server-available",
        r".*unknown-error",
    ),
    family(
        _NETWORK,
        r".*did-not-receive-customer-audio",
        r"vonage-",
        r"twilio-",
        r"phone-call-provider-closed-",
        r".*(sip|transport|telephony|webrtc)[a-z-]*-(failed|error|disconnected|dropped)",
        r".*(transport|telephony|webrtc)[a-z-]*-(never|not)-connected",
    ),
    family(_NETWORK, r"call\.[a-z-]+\.error-(.*-)?sip-", r".*sip-(inbound|outbound|telephony)"),
    family(
        _OWN_FAULT,
        r".*-40[0-9]",
        r".*-4xx",
        r".*bad-request",
        r".*unauthorized",
        r".*forbidden",
        r".*access-denied",
        r".*(invalid-(key|api-key))",
        r".*key-invalid",
        r".*not-found",
        r".*not-valid",
        r".*invalid",
        r".*validation",
    ),
    family(
        _PROVIDER,
        r".*providerfault",
        r".*-5[0-9]{2}-",
        r".*-5xx",
        r".*server-error",
        r".*overloaded",
        r".*(econnreset|socket-hang-up|system-busy)",
    ),
    family(
        _OWN_FAULT,
        r"pipeline-",
        r"assistant-",
        r"call-start-error",
        r"call\.start\.error",
        r"call\.in-progress\.error",
        r"license-",
        r"phone-call-provider-bypass-",
        r".*error",
    ),
)
# How a call ended that nobody says was answered, by why.
FINAL_BY_REASON: Final[Mapping[EndReason, Status]] = {
    EndReason.BUSY: Status.BUSY,
    EndReason.NO_ANSWER: Status.NO_ANSWER,
    **dict.fromkeys(
        (
            *(EndReason.CALLER_HUNG_UP, EndReason.AGENT_HUNG_UP, EndReason.TRANSFERRED),
            *(EndReason.VOICEMAIL, EndReason.SILENCE, EndReason.LIMIT_REACHED),
        ),
        Status.COMPLETED,
    ),
}
# Ends that came before anybody answered, even where Vapi writes a start.
UNANSWERED: Final = frozenset(
    {EndReason.BUSY, EndReason.NO_ANSWER, EndReason.INVALID_NUMBER, EndReason.REJECTED}
)
# Words of calls that never came to be, though Vapi writes a start for some: the first that fits.
NEVER_CONNECTED: Final[tuple[tuple[re.Pattern[str], Status], ...]] = tuple(
    (re.compile(pattern, re.ASCII), status)
    for pattern, status in (
        (r"call\.ringing\..*caller-hungup", Status.CANCELED),
        (r"call\.ringing\.hook-executed-", Status.NO_ANSWER),
        (r"(scheduled-call-deleted|manually-canceled)$", Status.CANCELED),
        (r".*outbound-sip-(408|480)", Status.NO_ANSWER),
        (r".*outbound-sip-(486|600)", Status.BUSY),
        (r".*outbound-sip-487", Status.CANCELED),
        (r"call[.-]start[.-]|call\.ringing\.|.*outbound-sip-", Status.FAILED),
        (r".*(failed-to-connect|never-connected|no-call-received)", Status.FAILED),
    )
)
SUCCESS: Final[Mapping[str, bool]] = {"true": True, "pass": True, "false": False, "fail": False}
