"""Tables that map Vapi's words to Calltally's. Patterns group its more than 600 end reasons.

Sources: Vapi, "Call ended reasons", and the values of its API's `endedReason`.
"""

import re
from collections.abc import Mapping
from typing import Final

from calltally.calls.end_reasons import EndAttribution, EndReason
from calltally.calls.failure_causes import FaultSide
from calltally.calls.model import Direction, Status
from calltally.providers.platform_reports import EndReasonPattern, end_pattern

NAME: Final = "vapi"

OPEN_STATUSES: Final[Mapping[str, Status]] = {
    "scheduled": Status.QUEUED,
    "queued": Status.QUEUED,
    "ringing": Status.RINGING,
    "in-progress": Status.IN_PROGRESS,
    "forwarding": Status.IN_PROGRESS,
}
ENDED: Final = "ended"
# Words about the record of a call at Vapi, not about the call.
NO_STATES: Final = frozenset({"not-found", "deletion-failed"})
DIRECTIONS: Final[Mapping[str, Direction | None]] = {
    "inboundPhoneCall": Direction.INBOUND,
    "outboundPhoneCall": Direction.OUTBOUND,
    # A call in a browser has no direction.
    "webCall": None,
    "vapi.websocketCall": None,
}
# Messages that do not concern the record of a call.
IGNORED_EVENTS: Final = frozenset(
    {
        *("assistant-request", "assistant.started", "assistant.speechStarted", "call.deleted"),
        *("call.delete.failed", "call.endpointing.request", "chat.created", "chat.deleted"),
        *("conversation-update", "function-call", "handoff-destination-request", "hang"),
        *(
            "knowledge-base-request",
            "language-changed",
            "language-change-detected",
            "model-output",
            "phone-call-control",
        ),
        *("session.created", "session.deleted", "session.updated", "speech-update", "tool-calls"),
        *("transcript", "transcript[transcriptType='final']", "transfer-destination-request"),
        *("transfer-update", "user-interrupted", "voice-input", "voice-request"),
    }
)

# Documented messages that are not read, and future ones of the same families.
UNREAD_KINDS: Final = ("call.artifact.upload", "campaign.*", "call.*", "assistant.*", "chat.*", "session.*")

_PROVIDER: Final = EndAttribution(EndReason.PROVIDER_ERROR, FaultSide.PROVIDER)
_TENANT_ERROR: Final = EndAttribution(EndReason.AGENT_ERROR, FaultSide.TENANT)
_NETWORK: Final = EndAttribution(EndReason.NETWORK, FaultSide.NETWORK)
_LIMIT: Final = EndAttribution(EndReason.LIMIT_REACHED, FaultSide.TENANT)

# Failed transfers. The customer talked only with the assistant.
_FAILED_TRANSFERS: Final = (
    r"call\.forwarding\.(operator-busy|no-answer|.*(busy|fail|error|time|reject|declin|cancel))",
    r".*forward-operator-busy",
    r".*error-(warm-)?transfer-",
)
FAILED_TRANSFER: Final = re.compile(
    "|".join((*_FAILED_TRANSFERS, r"customer-ended-call-(before|during|after)-.*transfer")), re.ASCII
)
# Outcomes of transfers by `artifact.transfers[].status`.
TRANSFER_OUTCOMES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("connected", "completed"), "bridged"),
    **dict.fromkeys(("no-answer", "busy", "voicemail", "failed", "cancelled"), "failed"),
}
FAILED_TRANSFER_REASON: Final = _TENANT_ERROR

# The first match counts. The end of a word names the owner of the key, quota or request.
END_REASON_PATTERNS: Final[tuple[EndReasonPattern, ...]] = (
    end_pattern(EndAttribution(EndReason.BUSY), r"customer-busy$"),
    end_pattern(
        EndAttribution(EndReason.NO_ANSWER),
        r"customer-did-not-answer$",
        r"call\.ringing\.hook-executed-transfer-failed$",
    ),
    end_pattern(
        EndAttribution(EndReason.REMOTE_HUNG_UP),
        r"customer-ended-call",
        r"customer-did-not-give-microphone",
        r".*(twilio|sip)-completed-call",
        r"vonage-completed",
        r".*caller-hungup",
    ),
    end_pattern(
        EndAttribution(EndReason.LOCAL_HUNG_UP),
        r"assistant-ended-call",
        r"assistant-said-",
        r"manually-canceled$",
    ),
    end_pattern(
        EndAttribution(EndReason.LOCAL_HUNG_UP),
        r".*hook-executed-(say|hangup)",
        r"assistant-ended",
        r"call-deleted",
        r"scheduled-call-deleted$",
    ),
    end_pattern(FAILED_TRANSFER_REASON, *_FAILED_TRANSFERS),
    end_pattern(
        EndAttribution(EndReason.TRANSFERRED),
        r"assistant-forwarded-call$",
        r"call\.forwarding\.",
        r"assistant-request-returned-forwarding",
        r".*(forwarded|executed-transfer)",
        r".*warm-transfer",
    ),
    end_pattern(EndAttribution(EndReason.VOICEMAIL), r"voicemail"),
    end_pattern(
        EndAttribution(EndReason.SILENCE), r"silence-timed-out", r".*silence-timeout", r".*no-speech"
    ),
    # The tenant runs these components itself.
    end_pattern(_TENANT_ERROR, r".*(pipeline-error|providerfault)-custom-.*(5[0-9]{2}-|-failed)"),
    # For faults of Vapi and of its suppliers, the quota or key does not matter: they are Vapi's.
    end_pattern(
        _PROVIDER,
        *(r".*vapifault", r".*vapi-error", r"pipeline-error-(eleven-labs-)?vapi-"),
        r".*providerfault-(?!outbound-sip|transport)",
    ),
    end_pattern(
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
    end_pattern(
        EndAttribution(EndReason.INVALID_NUMBER, FaultSide.CALLER),
        r".*invalid-(phone-)?number",
        r".*number-not-found",
        r".*invalid-destination",
        r".*(unallocated-number|misdialed)",
    ),
    end_pattern(
        EndAttribution(EndReason.REJECTED, FaultSide.CALLED),
        r".*call-rejected",
        r".*rejected-by",
        r".*declined",
        r".*spam",
        r"vonage-rejected",
    ),
    end_pattern(EndAttribution(EndReason.TIMEOUT), r"(assistant-join-timed-out|.*timed-out|.*timeout)"),
    end_pattern(
        _PROVIDER,
        r".*worker-",
        r".*db-error",
        r".*no-server-available",
        r".*unknown-error",
    ),
    end_pattern(
        _NETWORK,
        r".*did-not-receive-customer-audio",
        r"vonage-",
        r"twilio-",
        r"phone-call-provider-closed-",
        r".*(sip|transport|telephony|webrtc)[a-z-]*-(failed|error|disconnected|dropped)",
        r".*(transport|telephony|webrtc)[a-z-]*-(never|not)-connected",
    ),
    end_pattern(_NETWORK, r"call\.[a-z-]+\.error-(.*-)?sip-", r".*sip-(inbound|outbound|telephony)"),
    # Outages of suppliers. A wrong key or an empty account of the tenant has a code of its own.
    end_pattern(
        _PROVIDER,
        r".*-5[0-9]{2}-",
        r".*-5xx",
        r".*server-error",
        r".*overloaded",
        r".*(econnreset|socket-hang-up|system-busy|unexpected-error|request-canceled)",
        r"pipeline-error-.*(llm|voice|transcriber|video)-failed",
        r"call\.start\.error-get-transport",
    ),
    end_pattern(
        _TENANT_ERROR,
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
    end_pattern(
        _TENANT_ERROR,
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
# Final states of calls without a start time, by end reason.
FINAL_BY_REASON: Final[Mapping[EndReason, Status]] = {
    EndReason.BUSY: Status.BUSY,
    EndReason.NO_ANSWER: Status.NO_ANSWER,
    **dict.fromkeys(
        (
            *(EndReason.REMOTE_HUNG_UP, EndReason.LOCAL_HUNG_UP, EndReason.TRANSFERRED),
            *(EndReason.VOICEMAIL, EndReason.SILENCE, EndReason.LIMIT_REACHED),
        ),
        Status.COMPLETED,
    ),
}
# Reasons of unanswered calls, even if Vapi writes a start time.
UNANSWERED: Final = frozenset(
    {EndReason.BUSY, EndReason.NO_ANSWER, EndReason.INVALID_NUMBER, EndReason.REJECTED}
)
# Words of calls that never connect, even if Vapi writes a start time. The first match counts.
NEVER_CONNECTED: Final[tuple[tuple[re.Pattern[str], Status], ...]] = tuple(
    (re.compile(pattern, re.ASCII), status)
    for pattern, status in (
        (r"call\.ringing\..*caller-hungup", Status.CANCELED),
        (r"call\.ringing\.hook-executed-", Status.NO_ANSWER),
        (r"(scheduled-call-deleted|manually-canceled)$", Status.CANCELED),
        (r"customer-did-not-give-microphone", Status.CANCELED),
        # The server's answer forwards the call before an assistant answers it.
        (r"assistant-request-returned-forwarding", Status.NO_ANSWER),
        (r".*outbound-sip-(408|480)", Status.NO_ANSWER),
        (r".*outbound-sip-(486|600)", Status.BUSY),
        (r".*outbound-sip-487", Status.CANCELED),
        (r"call[.-]start[.-]|call\.ringing\.|.*outbound-sip-|assistant-(not|request)-", Status.FAILED),
        (r".*(failed-to-connect|never-connected|no-call-received)", Status.FAILED),
        (r".*(worker-not-available|call-not-active)", Status.FAILED),
    )
)
SUCCESS: Final[Mapping[str, bool]] = {"true": True, "pass": True, "false": False, "fail": False}
