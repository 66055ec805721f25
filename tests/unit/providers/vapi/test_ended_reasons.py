"""All end reasons of Vapi; groups of hundreds are generated from their components.

Source: the enumeration of the server SDK. Each must match a pattern, with the side that Vapi names.
"""

from collections.abc import Iterator

import pytest

from calltally.calls.end_reasons import EndReason
from calltally.providers.platform_reports import match_end_reason
from calltally.providers.vapi.words import END_REASON_PATTERNS

PIPELINE, VAPI_PROVIDERS, MODELS_OWN = (
    "pipeline-error-",
    "call.in-progress.error-vapifault-",
    "call.in-progress.error-providerfault-",
)
MODELS = (
    *(
        "openai",
        "azure-openai",
        "google",
        "xai",
        "baseten",
        "mistral",
        "minimax",
        "inflection-ai",
        "deep-seek",
    ),
    *("groq", "cerebras", "anthropic", "anthropic-bedrock", "anthropic-vertex", "together-ai", "anyscale"),
    *("openrouter", "perplexity-ai", "deepinfra", "runpod", "custom-llm", "vapi"),
)
# Responses of model providers, to the tenant's own key or to Vapi's.
REFUSED = ("400-bad-request-validation-failed", "401-unauthorized", "403-model-access-denied")
QUOTA = "429-exceeded-quota"
DOWN = ("500-server-error", "503-server-overloaded-error")
VOICES = (
    *("openai", "cartesia", "deepgram", "eleven-labs", "playht", "lmnt", "azure", "rime-ai", "smallest-ai"),
    *("vapi", "neuphonic", "hume", "sesame", "inworld", "minimax", "wellsaid", "xai", "microsoft"),
)
TRANSCRIBERS = (
    *("vapi", "deepgram", "gladia", "speechmatics", "assembly-ai", "talkscriber", "azure-speech"),
    *("eleven-labs", "google", "openai", "soniox", "xai", "cartesia", "custom"),
)
OF_A_KEY = (
    *("openai-401-incorrect-api-key", "openai-401-account-not-in-organization"),
    *("deepgram-returning-400-no-such-model-language-tier-combination", "deepgram-returning-404-not-found"),
    *("deepgram-returning-401-invalid-credentials", "deepgram-returning-403-model-access-denied"),
    *("assembly-ai-returning-400-paid-only-feature", "assembly-ai-returning-401-invalid-credentials"),
    *("soniox-transcriber-auth-failed", "soniox-transcriber-invalid-config", "xai-transcriber-auth-failed"),
    *("xai-transcriber-invalid-config", "playht-invalid-voice", "playht-invalid-emotion"),
    *("playht-voice-must-be-a-valid-voice-manifest-uri", "playht-401-unauthorized"),
    *("playht-403-forbidden-api-access-not-available", "eleven-labs-voice-not-found"),
    *("eleven-labs-unauthorized-access", "eleven-labs-unauthorized-to-access-model"),
    *("eleven-labs-professional-voices-only-for-creator-plus", "eleven-labs-invalid-api-key"),
    *("eleven-labs-blocked-free-plan-and-requested-upgrade", "eleven-labs-voice-not-fine-tuned"),
    *(
        "eleven-labs-blocked-using-instant-voice-clone-and-requested-upgrade",
        "eleven-labs-invalid-voice-samples",
    ),
    *("eleven-labs-voice-disabled-by-owner", "eleven-labs-blocked-account-in-probation"),
    *("eleven-labs-blocked-content-against-their-policy", "eleven-labs-missing-samples-for-voice-clone"),
    *("eleven-labs-voice-not-fine-tuned-and-cannot-be-used", "eleven-labs-voice-not-allowed-for-free-users"),
    "eleven-labs-blocked-voice-potentially-against-terms-of-service-and-awaiting-verification",
)
OF_A_LIMIT = (
    *("openai-429-rate-limit-reached", "soniox-transcriber-rate-limited", "xai-transcriber-rate-limited"),
    *("assembly-ai-returning-400-insufficent-funds", "cartesia-requested-payment", "playht-out-of-credits"),
    *("playht-403-forbidden-out-of-characters", "playht-429-exceeded-quota", "eleven-labs-quota-exceeded"),
    *("eleven-labs-blocked-concurrent-requests-and-requested-upgrade",),
    *("eleven-labs-max-character-limit-exceeded",),
)
VAPI_ERRORS = (
    *("cartesia-socket-hang-up", "cartesia-500-server-error", "cartesia-502-server-error"),
    *("cartesia-522-server-error", "eleven-labs-500-server-error", "eleven-labs-503-server-error"),
    *(
        "eleven-labs-system-busy-and-requested-upgrade",
        "playht-502-gateway-error",
        "playht-504-gateway-error",
    ),
    *("deepgram-returning-502-network-error", "deepgram-returning-502-bad-gateway-ehostunreach"),
    *("deepgram-returning-econnreset", "soniox-transcriber-server-error", "xai-transcriber-server-error"),
)
PROVIDER, TENANT = ("provider-error", "provider"), ("agent-error", "tenant")
LIMIT = ("limit-reached", "tenant")


def made() -> Iterator[tuple[str, str, str]]:
    """Yield each generated word, its reason and the side of its fault."""
    for model in MODELS:
        yield from ((PIPELINE + f"{model}-{answer}", *TENANT) for answer in REFUSED)
        yield PIPELINE + f"{model}-{QUOTA}", *LIMIT
        yield from ((PIPELINE + f"{model}-{answer}", *PROVIDER) for answer in DOWN)
        yield PIPELINE + f"{model}-llm-failed", *TENANT
        yield from ((VAPI_PROVIDERS + f"{model}-{answer}", *PROVIDER) for answer in (*REFUSED, QUOTA))
        yield from ((MODELS_OWN + f"{model}-{answer}", *PROVIDER) for answer in (*DOWN, "llm-failed"))
    components = [(f"{name}-voice-failed") for name in VOICES] + [
        f"{name}-transcriber-failed" for name in TRANSCRIBERS
    ]
    for part in components:
        yield PIPELINE + part, *TENANT
        yield VAPI_PROVIDERS + part, *PROVIDER
    for words, why in ((OF_A_KEY, TENANT), (OF_A_LIMIT, LIMIT), (VAPI_ERRORS, PROVIDER)):
        for word in words:
            yield PIPELINE + word, *why
            yield VAPI_PROVIDERS + word, *PROVIDER


OTHERS = {
    ("caller-hung-up", None): (
        *("customer-ended-call", "customer-ended-call-before-warm-transfer", "vonage-completed"),
        *("customer-ended-call-after-warm-transfer-attempt", "customer-ended-call-during-transfer"),
        *("customer-did-not-give-microphone-permission", "call.in-progress.twilio-completed-call"),
        *(
            "call.in-progress.sip-completed-call",
            "call.ringing.sip-inbound-caller-hungup-before-call-connect",
        ),
    ),
    ("agent-hung-up", None): (
        *(
            "assistant-ended-call",
            "assistant-said-end-call-phrase",
            "assistant-ended-call-with-hangup-task",
        ),
        *("assistant-ended-call-after-message-spoken", "manually-canceled", "scheduled-call-deleted"),
        *("call-deleted", "call.ringing.hook-executed-say", "call.ending.hook-executed-say"),
    ),
    ("transferred", None): (
        *("assistant-forwarded-call", "call.ringing.hook-executed-transfer"),
        "call.ending.hook-executed-transfer",
    ),
    ("busy", None): ("customer-busy",),
    ("no-answer", None): ("customer-did-not-answer",),
    ("voicemail", None): ("voicemail",),
    ("silence", None): ("silence-timed-out",),
    ("timeout", None): (
        *("assistant-join-timed-out", "pipeline-error-playht-request-timed-out"),
        "call.in-progress.error-providerfault-outbound-sip-408-request-timeout",
    ),
    ("limit-reached", "tenant"): (
        *("exceeded-max-duration", "call.start.error-vapi-number-outbound-daily-limit"),
        *(
            f"call.start.error-subscription-{what}"
            for what in (
                *("wallet-does-not-exist", "frozen", "insufficient-credits", "upgrade-failed"),
                "concurrency-limit-reached",
            )
        ),
    ),
    ("invalid-number", "caller"): ("sip-outbound-unallocated-number", "twilio-reported-customer-misdialed"),
    ("rejected", "called"): ("vonage-rejected",),
    ("network", "network"): (
        *("vonage-disconnected", "vonage-failed-to-connect-call", "twilio-failed-to-connect-call"),
        *("phone-call-provider-closed-websocket", "sip-outbound-carrier-released-call"),
        *("call.in-progress.error-providerfault-transport-never-connected",),
        *("call.in-progress.error-assistant-did-not-receive-customer-audio",),
        *("call.in-progress.error-sip-inbound-call-failed-to-connect",),
        *("call.in-progress.error-sip-outbound-call-failed-to-connect",),
        *("call.ringing.error-sip-inbound-call-failed-to-connect",),
        *(
            f"call.in-progress.error-providerfault-outbound-sip-{answer}"
            for answer in (
                *("403-forbidden", "407-proxy-authentication-required", "480-temporarily-unavailable"),
                "503-service-unavailable",
            )
        ),
    ),
    ("provider-error", "provider"): (
        *(
            "worker-shutdown",
            "call.start.error-vapifault-get-org",
            "call.start.error-vapifault-get-subscription",
        ),
        *("call.start.error-vapifault-database-error", "pipeline-error-tavus-video-failed-500-server-error"),
        *(
            f"call.in-progress.error-vapifault-{what}"
            for what in (
                *("worker-not-available", "transport-never-connected", "worker-died", "tavus-video-failed"),
                *("transport-connected-but-call-not-active", "chat-pipeline-failed-to-start"),
                *("call-started-but-connection-to-transport-missing", "playht-request-timed-out"),
            )
        ),
    ),
    ("agent-error", "tenant"): (
        *("call.forwarding.operator-busy", "call.forwarding.no-answer"),
        *(
            f"call.in-progress.error-warm-transfer-{how}"
            for how in ("max-duration", "assistant-cancelled", "silence-timeout", "microphone-timeout")
        ),
        *("call-start-error-neither-assistant-nor-server-set", "assistant-not-valid", "assistant-not-found"),
        *(f"assistant-request-{what}" for what in ("failed", "returned-error", "returned-no-assistant")),
        *("assistant-request-returned-unspeakable-error", "assistant-request-returned-invalid-assistant"),
        *("assistant-request-returned-forwarding-phone-number", "pipeline-error-custom-voice-failed"),
        *(
            f"call.start.error-{what}"
            for what in (
                *("get-assistant", "get-phone-number", "get-customer", "get-resources-validation"),
                *("vapi-number-international", "get-transport", "fraud-check-failed"),
                "enterprise-feature-not-available-recording-consent",
            )
        ),
        *("call.start.assistant-version-error-validation", "call.start.squad-version-error-validation"),
        *("phone-call-provider-bypass-enabled-but-no-call-received", "pipeline-error-tavus-video-failed"),
        *("call.in-progress.error-pipeline-no-available-llm-model", "call.in-progress.error-transfer-failed"),
        *("call.in-progress.error-configfault-model-unsupported-in-squad",),
        *("call.in-progress.error-configfault-transport-unsupported-for-model",),
        *("call.in-progress.error-pipeline-ws-model-connection-failed",),
        *("pipeline-error-microsoft-voice-request-canceled", "pipeline-error-playht-unexpected-error"),
        *("pipeline-error-deepgram-transcriber-api-key-missing",),
    ),
}
SINGLE = [(word, *why) for why, listed in OTHERS.items() for word in listed]


def wrong(
    words: Iterator[tuple[str, str, str | None]] | list[tuple[str, str, str | None]],
) -> dict[str, object]:
    """Return the words whose reason or side differs from the expected one."""
    found: dict[str, object] = {}
    for word, reason, side in words:
        why = match_end_reason(word, END_REASON_PATTERNS)
        read = None if why is None else (why.reason, why.side)
        if read != (reason, side):
            found[word] = read
    return found


def test_generated_reasons_match_their_patterns() -> None:
    assert wrong(list(made())) == {}
    assert len({word for word, _reason, _side in made()}) > 450


def test_single_reasons_match_their_patterns() -> None:
    assert wrong(list(SINGLE)) == {}


@pytest.mark.parametrize("word", ["", "eaten-by-a-grue", "custome-busy", "call.dreaming"])
def test_other_words_match_no_pattern(word: str) -> None:
    assert match_end_reason(word, END_REASON_PATTERNS) is None


def test_each_end_reason_occurs() -> None:
    reasons = {reason for _word, reason, _side in SINGLE}
    assert reasons == set(EndReason) - {EndReason.UNKNOWN}
