"""Reasons of the end of a call: Calltally's own vocabulary beside the provider's own word and codes.

Each platform's folder translates the platform's words, by families. This module translates the words of
carriers, switches and tenants. Sources: RFC 3326 and ITU-T Q.850 (causes), RFC 3261 (responses), the names of
causes of FreeSWITCH and Telnyx, and Twilio's call states.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from calltally.calls.events import StatedFields
from calltally.calls.failure_causes import (
    FailureCause,
    FaultSide,
    cause_of_sip,
    fault_side_of,
    fault_side_of_end,
)
from calltally.calls.line_ends import is_remote_end
from calltally.calls.model import OPEN, UNANSWERED, Direction, Status


class EndReason(StrEnum):
    """Vocabulary of reasons. Stable: words may be added, but none changes its meaning."""

    # The other party, whichever side placed the call.
    REMOTE_HUNG_UP = "remote-hung-up"
    # The tenant's side: its agent, its script, or the party that placed the call for it.
    LOCAL_HUNG_UP = "local-hung-up"
    TRANSFERRED = "transferred"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no-answer"
    BUSY = "busy"
    REJECTED = "rejected"
    INVALID_NUMBER = "invalid-number"
    PROVIDER_ERROR = "provider-error"
    NETWORK = "network"
    TIMEOUT = "timeout"
    SILENCE = "silence"
    LIMIT_REACHED = "limit-reached"
    AGENT_ERROR = "agent-error"
    UNKNOWN = "unknown"


class EndAttribution(NamedTuple):
    """Meaning of one word; `side` is the side at fault, None without a fault or if the side is unknown."""

    reason: EndReason
    side: FaultSide | None = None


class EndWord(NamedTuple):
    """Word of one source about the end: its own word, and the meaning of the word if it is known."""

    word: str | None
    attribution: EndAttribution | None


class EndCodes(NamedTuple):
    """State, codes and direction in a record, as far as they concern its end.

    `hung_up_by` is the end of the line that closed the call, a word of `LineEnd`.
    """

    status: str
    cause: FailureCause
    direction: str | None
    hung_up_by: str | None = None


class Ending(NamedTuple):
    """Resolved end of a call. `reason` is None while the call is open, `side` is None without a fault."""

    reason: EndReason | None
    side: FaultSide | None
    provider_word: str | None

    @property
    def explanation(self) -> str | None:
        return None if self.reason is None else EXPLANATIONS[self.reason]


NOT_ENDED: Final = Ending(None, None, None)

EXPLANATIONS: Final[Mapping[EndReason, str]] = {
    EndReason.REMOTE_HUNG_UP: "The other party ended the call.",
    EndReason.LOCAL_HUNG_UP: "The tenant's side ended the call: its agent, or whoever called for it.",
    EndReason.TRANSFERRED: "The call was transferred.",
    EndReason.VOICEMAIL: "A mailbox or an answering machine answered the call.",
    EndReason.NO_ANSWER: "Nobody answered.",
    EndReason.BUSY: "The called line was busy.",
    EndReason.REJECTED: "The called party, or a network on its behalf, refused the call.",
    EndReason.INVALID_NUMBER: "The number does not exist or has no valid form.",
    EndReason.PROVIDER_ERROR: "The provider of the call failed.",
    EndReason.NETWORK: "A network between the parties failed.",
    EndReason.TIMEOUT: "A timeout expired.",
    EndReason.SILENCE: "Nobody spoke for too long.",
    EndReason.LIMIT_REACHED: "A limit was reached: call length, concurrent calls, or credit.",
    EndReason.AGENT_ERROR: "The agent, or a component of it, failed.",
    EndReason.UNKNOWN: "No fact states a reason.",
}

_REMOTE: Final = EndAttribution(EndReason.REMOTE_HUNG_UP)
_LOCAL: Final = EndAttribution(EndReason.LOCAL_HUNG_UP)
_NO_ANSWER: Final = EndAttribution(EndReason.NO_ANSWER)
_BUSY: Final = EndAttribution(EndReason.BUSY)
_REJECTED: Final = EndAttribution(EndReason.REJECTED)
_INVALID: Final = EndAttribution(EndReason.INVALID_NUMBER)
_PROVIDER: Final = EndAttribution(EndReason.PROVIDER_ERROR, FaultSide.PROVIDER)
_NETWORK: Final = EndAttribution(EndReason.NETWORK, FaultSide.NETWORK)
_TIMEOUT: Final = EndAttribution(EndReason.TIMEOUT)
_LIMIT: Final = EndAttribution(EndReason.LIMIT_REACHED, FaultSide.TENANT)

# Words of earlier releases, in stored facts and in requests of tenants, by their present words.
FORMER_REASONS: Final[Mapping[str, EndReason]] = {
    "caller-hung-up": EndReason.REMOTE_HUNG_UP,
    "agent-hung-up": EndReason.LOCAL_HUNG_UP,
}
# In lower case with hyphens, the form that `_plain` returns. Words that depend on the direction (a canceled
# call) are left to the state. Normal clearing does not identify a side.
_WORDS: Final[Mapping[str, EndAttribution]] = {
    **{reason.value: EndAttribution(reason) for reason in EndReason if reason is not EndReason.UNKNOWN},
    **{word: EndAttribution(reason) for word, reason in FORMER_REASONS.items()},
    **dict.fromkeys(("caller-hangup", "caller-hungup", "hangup-by-caller", "user-hangup"), _REMOTE),
    **dict.fromkeys(("customer-hung-up", "customer-ended-call", "user-ended-call"), _REMOTE),
    **dict.fromkeys(("agent-hangup", "agent-ended-call", "assistant-ended-call"), _LOCAL),
    **dict.fromkeys(
        ("transfer", "transferred-call", "blind-transfer", "attended-transfer"),
        EndAttribution(EndReason.TRANSFERRED),
    ),
    **dict.fromkeys(
        ("voicemail-reached", "machine-detected", "machine"), EndAttribution(EndReason.VOICEMAIL)
    ),
    **dict.fromkeys(("noanswer", "no-user-response", "unanswered", "subscriber-absent"), _NO_ANSWER),
    **dict.fromkeys(("user-busy",), _BUSY),
    **dict.fromkeys(("call-rejected", "declined", "decline"), _REJECTED),
    **dict.fromkeys(("unallocated-number", "invalid-number-format", "not-found", "number-changed"), _INVALID),
    **dict.fromkeys(
        ("congestion", "network-out-of-order", "no-route-destination", "media-timeout"), _NETWORK
    ),
    **dict.fromkeys(("normal-temporary-failure", "normal-circuit-congestion", "switch-congestion"), _NETWORK),
    **dict.fromkeys(("destination-out-of-order", "gateway-down", "lose-race"), _NETWORK),
    **dict.fromkeys(("chanunavail", "service-unavailable", "exchange-routing-error"), _PROVIDER),
    **dict.fromkeys(("recovery-on-timer-expire", "progress-timeout", "alloted-timeout"), _TIMEOUT),
    **dict.fromkeys(("time-limit", "max-duration", "max-duration-reached", "length-timer"), _LIMIT),
    **dict.fromkeys(("error", "application-error"), EndAttribution(EndReason.AGENT_ERROR, FaultSide.TENANT)),
}
# Documented words of carriers and switches that state no reason: the state and the codes decide.
_WORDS_WITHOUT_REASON: Final = frozenset(
    {"normal-clearing", "normal-unspecified", "originator-cancel", "unspecified"}
)
_REASON_OF_CAUSE: Final[Mapping[int, EndReason]] = {
    **dict.fromkeys((1, 22, 28), EndReason.INVALID_NUMBER),
    **dict.fromkeys((17,), EndReason.BUSY),
    **dict.fromkeys((18, 19, 20), EndReason.NO_ANSWER),
    **dict.fromkeys((21, 55, 57, 87), EndReason.REJECTED),
    **dict.fromkeys((2, 3, 25, 27, 34, 38, 41, 42, 43, 44, 46, 47, 58, 88), EndReason.NETWORK),
    **dict.fromkeys((102,), EndReason.TIMEOUT),
}
# Responses that RFC 3398 maps to no such cause: an anonymous call (433, RFC 5079), the offered media (488,
# 606), an unwanted call (607, RFC 8197), and a network's refusal for its user (608, RFC 8688).
_REASON_OF_SIP: Final[Mapping[int, EndReason]] = dict.fromkeys((433, 488, 606, 607, 608), EndReason.REJECTED)
# The caller canceled: RFC 3398 maps it to no cause.
_REQUEST_TERMINATED: Final = 487
_REASON_OF_STATUS: Final[Mapping[str, EndReason]] = {
    Status.BUSY: EndReason.BUSY,
    Status.NO_ANSWER: EndReason.NO_ANSWER,
}
_REASON_OF_SIDE: Final[Mapping[FaultSide, EndReason]] = {
    FaultSide.PROVIDER: EndReason.PROVIDER_ERROR,
    FaultSide.NETWORK: EndReason.NETWORK,
    FaultSide.CALLER: EndReason.INVALID_NUMBER,
    FaultSide.CALLED: EndReason.NO_ANSWER,
}
# Side at fault if only the reason is known.
_SIDE_OF_REASON: Final[Mapping[EndReason, FaultSide]] = {
    EndReason.PROVIDER_ERROR: FaultSide.PROVIDER,
    EndReason.NETWORK: FaultSide.NETWORK,
    EndReason.AGENT_ERROR: FaultSide.TENANT,
    EndReason.LIMIT_REACHED: FaultSide.TENANT,
    EndReason.INVALID_NUMBER: FaultSide.CALLER,
}
_BAD_GATEWAY: Final = 500


def attribution_of(word: str) -> EndAttribution | None:
    """Return the meaning of a word of a carrier, a switch or a tenant; None for an unknown word."""
    return _WORDS.get(_plain(word))


def is_documented(word: str) -> bool:
    """Return true for a word with a meaning, and for one that is known to state no reason."""
    return attribution_of(word) is not None or _plain(word) in _WORDS_WITHOUT_REASON


# Values of a `FailureCause`, in its order: building one only for a cache lookup takes twice as long.
CauseValues: TypeAlias = tuple[int | None, int | None, str | None, str | None, bool]


# Nearly all calls share few combinations.
@lru_cache(maxsize=2_048)
def resolve_ending(codes: EndCodes, platform: EndWord, others: EndWord) -> Ending:
    """Resolve the end of a call from the words and codes of all its facts.

    For an answered call the platform's word wins, since a carrier sees only the side that closed the line.
    For an unanswered call the carrier's word wins. `others` is the word of the carrier, else the tenant's.
    The end of the line that closed the call counts unless a word gives another reason than a hang-up.
    """
    if codes.status in OPEN:
        return NOT_ENDED
    by_codes = _attribution_by_codes(codes)
    candidates = (platform.attribution, *_hang_up_first(others.attribution, _by_line_end(codes)), by_codes)
    if codes.status in _REASON_OF_STATUS:
        candidates = (by_codes,)
    elif codes.status in UNANSWERED:
        rest = (platform.attribution, by_codes)
        # A code is more exact than the failed state.
        has_code = codes.cause.hangup_cause is not None or codes.cause.sip_code is not None
        candidates = (others.attribution, *(reversed(rest) if has_code else rest))
    chosen = next((each for each in candidates if each is not None), EndAttribution(EndReason.UNKNOWN))
    is_platforms = chosen is platform.attribution and platform.word
    provider_word = platform.word if is_platforms else others.word or platform.word
    return Ending(chosen.reason, _side(codes, chosen), provider_word)


@lru_cache(maxsize=2_048)
def resolve_ending_by_codes(
    status: str,
    direction: str | None,
    cause: CauseValues,
    hung_up_by: str | None = None,
) -> Ending:
    """Resolve the end of a call without any word, as most are."""
    codes = EndCodes(status, FailureCause(*cause), direction, hung_up_by)
    return resolve_ending(codes, _NO_WORD, _NO_WORD)


def _by_line_end(codes: EndCodes) -> EndAttribution | None:
    """Return the side that hung up, if a source states the end of the line and the direction is known."""
    is_remote = None if codes.hung_up_by is None else is_remote_end(codes.hung_up_by, codes.direction)
    return None if is_remote is None else _REMOTE if is_remote else _LOCAL


def _hang_up_first(
    word: EndAttribution | None, line_end: EndAttribution | None
) -> tuple[EndAttribution | None, ...]:
    """Order a word and the end of the line: a word such as `caller hangup` does not know the direction."""
    is_hang_up = word is not None and word.reason in (EndReason.REMOTE_HUNG_UP, EndReason.LOCAL_HUNG_UP)
    return (line_end, word) if is_hang_up else (word, line_end)


def _plain(word: str) -> str:
    return "-".join(word.lower().replace("_", " ").replace("-", " ").split())


def _attribution_by_codes(codes: EndCodes) -> EndAttribution | None:
    """Return the meaning of the state and the codes; None for an answered call."""
    status, cause, direction, _end = codes
    if status == Status.COMPLETED:
        return None
    if (reason := _REASON_OF_STATUS.get(status)) is not None:
        return EndAttribution(reason)
    if status == Status.CANCELED or _is_request_terminated(cause):
        # The caller gave up before the answer.
        return _REMOTE if direction == Direction.INBOUND else _LOCAL
    return _attribution_of_failure(cause)


def _is_request_terminated(cause: FailureCause) -> bool:
    return cause.sip_code == _REQUEST_TERMINATED and (cause.hangup_cause or 0) not in _REASON_OF_CAUSE


def _attribution_of_failure(cause: FailureCause) -> EndAttribution | None:
    """Return the meaning of the cause, else of the response, else of the side at fault."""
    side, sip_code, hangup_cause = fault_side_of(cause), cause.sip_code, cause.hangup_cause
    if sip_code is not None and sip_code >= _BAD_GATEWAY and side is FaultSide.PROVIDER:
        return _PROVIDER
    if hangup_cause is None and sip_code is not None:
        hangup_cause = cause_of_sip(sip_code)
    by_code = _REASON_OF_CAUSE.get(hangup_cause or 0) or _REASON_OF_SIP.get(sip_code or 0)
    reason = by_code or _REASON_OF_SIDE.get(side)
    return None if reason is None else EndAttribution(reason, side)


def _side(codes: EndCodes, attribution: EndAttribution) -> FaultSide | None:
    """Return the side at fault; an answered call has one only if its reason is a fault."""
    if attribution.side is not None and attribution.side is not FaultSide.UNKNOWN:
        return attribution.side
    if codes.status in UNANSWERED:
        side = fault_side_of_end(codes.status, codes.cause)
        if side is not None and side is not FaultSide.UNKNOWN:
            return side
    return _SIDE_OF_REASON.get(attribution.reason)


def end_word_of(stated: StatedFields | None) -> EndWord:
    """Return the word of a fact about the end: Calltally's word, the source's own word, or both."""
    if stated is None:
        return _NO_WORD
    reason, word = stated.get("end_reason"), stated.get("end_word", stated.get("end_reason"))
    reason = reason if reason is None else FORMER_REASONS.get(reason, reason)
    if reason is not None and reason in _REASONS:
        side = stated.get("end_side")
        return EndWord(word, EndAttribution(EndReason(reason), None if side is None else FaultSide(side)))
    return EndWord(word, attribution_of(word) if word else None)


_NO_WORD: Final = EndWord(None, None)
_REASONS: Final = frozenset(EndReason) - {EndReason.UNKNOWN}
