"""Why a call ended: a few words of ours, beside which the provider's own word and its codes stand.

A platform's words are translated in its folder, by families; what carriers, switches and tenants write is
here. Sources: RFC 3326 and ITU-T Q.850 (causes), RFC 3261 (responses), FreeSWITCH's and Telnyx's names of
causes, Twilio's call states.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from calltally.calls.events import StatedFields
from calltally.calls.failure_causes import (
    FailureCause,
    FaultSide,
    cause_of_sip,
    fault_side_of,
    fault_side_of_end,
)
from calltally.calls.model import OPEN, UNANSWERED, Direction, Status


class EndReason(StrEnum):
    """The vocabulary. Stable: words may be added, none changes its meaning."""

    # The person on the line, whoever placed the call.
    CALLER_HUNG_UP = "caller-hung-up"
    # The tenant's side: its agent, its script, or whoever placed the call for it.
    AGENT_HUNG_UP = "agent-hung-up"
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
    """What one word means; `side` is where the fault lies, None where there is none or nobody knows."""

    reason: EndReason
    side: FaultSide | None = None


class EndWord(NamedTuple):
    """What one teller said of the end: its own word, and what that means where it is known."""

    word: str | None
    why: EndAttribution | None


class EndCodes(NamedTuple):
    """What a record says of its end by numbers, and what it was."""

    status: str
    cause: FailureCause
    direction: str | None


class Ending(NamedTuple):
    """Why a call ended. `reason` is None while it is open, `side` where there is no fault."""

    reason: EndReason | None
    side: FaultSide | None
    provider_word: str | None

    @property
    def explanation(self) -> str | None:
        """The reason in a sentence."""
        return None if self.reason is None else EXPLANATIONS[self.reason]


NOT_ENDED: Final = Ending(None, None, None)

EXPLANATIONS: Final[Mapping[EndReason, str]] = {
    EndReason.CALLER_HUNG_UP: "The person on the line ended the call.",
    EndReason.AGENT_HUNG_UP: "The agent, or whoever placed the call for the tenant, ended it.",
    EndReason.TRANSFERRED: "The call was handed on to somebody else.",
    EndReason.VOICEMAIL: "A mailbox or an answering machine took the call.",
    EndReason.NO_ANSWER: "Nobody answered.",
    EndReason.BUSY: "The line that was called was busy.",
    EndReason.REJECTED: "Whoever was called, or a network for them, refused the call.",
    EndReason.INVALID_NUMBER: "There is no such number, or it is not written as one.",
    EndReason.PROVIDER_ERROR: "The provider that carries or runs the call failed.",
    EndReason.NETWORK: "A network on the way failed.",
    EndReason.TIMEOUT: "Something that was waited for did not come in time.",
    EndReason.SILENCE: "Nobody spoke for too long.",
    EndReason.LIMIT_REACHED: "A limit was reached: of length, of calls at once, or of credit.",
    EndReason.AGENT_ERROR: "The agent, or what it is made of, failed.",
    EndReason.UNKNOWN: "Nothing that was told says why.",
}

_CALLER: Final = EndAttribution(EndReason.CALLER_HUNG_UP)
_AGENT: Final = EndAttribution(EndReason.AGENT_HUNG_UP)
_NO_ANSWER: Final = EndAttribution(EndReason.NO_ANSWER)
_BUSY: Final = EndAttribution(EndReason.BUSY)
_REJECTED: Final = EndAttribution(EndReason.REJECTED)
_INVALID: Final = EndAttribution(EndReason.INVALID_NUMBER)
_PROVIDER: Final = EndAttribution(EndReason.PROVIDER_ERROR, FaultSide.PROVIDER)
_NETWORK: Final = EndAttribution(EndReason.NETWORK, FaultSide.NETWORK)
_TIMEOUT: Final = EndAttribution(EndReason.TIMEOUT)
_LIMIT: Final = EndAttribution(EndReason.LIMIT_REACHED, FaultSide.TENANT)

# In small letters with hyphens, as `_plain` writes any word. What depends on the direction (a call that was
# canceled) is left to the state, and of normal clearing nobody knows whose it was.
_WORDS: Final[Mapping[str, EndAttribution]] = {
    **{reason.value: EndAttribution(reason) for reason in EndReason if reason is not EndReason.UNKNOWN},
    **dict.fromkeys(("caller-hangup", "caller-hungup", "hangup-by-caller", "user-hangup"), _CALLER),
    **dict.fromkeys(("customer-hung-up", "customer-ended-call", "user-ended-call"), _CALLER),
    **dict.fromkeys(("agent-hangup", "agent-ended-call", "assistant-ended-call"), _AGENT),
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
_REASON_OF_CAUSE: Final[Mapping[int, EndReason]] = {
    **dict.fromkeys((1, 22, 28), EndReason.INVALID_NUMBER),
    **dict.fromkeys((17,), EndReason.BUSY),
    **dict.fromkeys((18, 19, 20), EndReason.NO_ANSWER),
    **dict.fromkeys((21, 55, 57, 87), EndReason.REJECTED),
    **dict.fromkeys((2, 3, 25, 27, 34, 38, 41, 42, 43, 44, 46, 47, 58, 88), EndReason.NETWORK),
    **dict.fromkeys((102,), EndReason.TIMEOUT),
}
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
# Where the fault lies when nothing but the reason is known.
_SIDE_OF_REASON: Final[Mapping[EndReason, FaultSide]] = {
    EndReason.PROVIDER_ERROR: FaultSide.PROVIDER,
    EndReason.NETWORK: FaultSide.NETWORK,
    EndReason.AGENT_ERROR: FaultSide.TENANT,
    EndReason.LIMIT_REACHED: FaultSide.TENANT,
    EndReason.INVALID_NUMBER: FaultSide.CALLER,
}
_BAD_GATEWAY: Final = 500


def attribution_of(word: str) -> EndAttribution | None:
    """What a word of a carrier, a switch or a tenant means; None for one that is in no table."""
    return _WORDS.get(_plain(word))


# Few ways to end are what nearly all calls have.
@lru_cache(maxsize=2_048)
def resolve_ending(codes: EndCodes, platform: EndWord, others: EndWord) -> Ending:
    """Why a call ended, from all that was said of it.

    Of a call that was answered the platform knows best, since a carrier sees only who closed the line; of
    one that was not, the carrier. `others` is the word of the carrier, else the tenant's.
    """
    if codes.status in OPEN:
        return NOT_ENDED
    by_codes = _why_by_codes(codes)
    told = (platform.why, others.why, by_codes)
    if codes.status in _REASON_OF_STATUS:
        told = (by_codes, None, None)
    elif codes.status in UNANSWERED:
        told = (others.why, *((by_codes, platform.why) if _is_exact(codes) else (platform.why, by_codes)))
    why = next((each for each in told if each is not None), EndAttribution(EndReason.UNKNOWN))
    spoken = platform.word if why is platform.why and platform.word else others.word or platform.word
    return Ending(why.reason, _side(codes, why), spoken)


@lru_cache(maxsize=2_048)
def resolve_ending_by_codes(
    status: str, direction: str | None, cause: tuple[int | None, int | None, str | None, str | None, bool]
) -> Ending:
    """The same of what most calls are, of which nobody said a word; `cause` has the fields of a `Cause`.

    As plain values, since to make the others only to look them up takes twice as long.
    """
    return resolve_ending(EndCodes(status, FailureCause(*cause), direction), _NO_WORD, _NO_WORD)


def _plain(word: str) -> str:
    return "-".join(word.lower().replace("_", " ").replace("-", " ").split())


def _is_exact(codes: EndCodes) -> bool:
    """Whether a number says more than that it failed."""
    return codes.cause.hangup_cause is not None or codes.cause.sip_code is not None


def _why_by_codes(codes: EndCodes) -> EndAttribution | None:
    """The state, then the cause, then the response's cause, then whose fault it was."""
    status, cause, direction = codes
    if status == Status.COMPLETED:
        return None
    if status == Status.CANCELED:
        return _CALLER if direction == Direction.INBOUND else _AGENT
    if (reason := _REASON_OF_STATUS.get(status)) is not None:
        return EndAttribution(reason)
    side = fault_side_of(cause)
    if cause.sip_code is not None and cause.sip_code >= _BAD_GATEWAY and side is FaultSide.PROVIDER:
        return _PROVIDER
    hangup_cause = cause.hangup_cause
    if hangup_cause is None and cause.sip_code is not None:
        hangup_cause = cause_of_sip(cause.sip_code)
    if hangup_cause is not None and hangup_cause in _REASON_OF_CAUSE:
        return EndAttribution(_REASON_OF_CAUSE[hangup_cause], side)
    return EndAttribution(_REASON_OF_SIDE[side], side) if side in _REASON_OF_SIDE else None


def _side(codes: EndCodes, why: EndAttribution) -> FaultSide | None:
    """Where the fault lies; a call that was answered has one only where the reason is a fault."""
    if why.side is not None and why.side is not FaultSide.UNKNOWN:
        return why.side
    if codes.status in UNANSWERED:
        side = fault_side_of_end(codes.status, codes.cause)
        if side is not None and side is not FaultSide.UNKNOWN:
            return side
    return _SIDE_OF_REASON.get(why.reason)


def end_word_of(said: StatedFields | None) -> EndWord:
    """What somebody said of the end: by a word of ours, by one of theirs, or by both."""
    if said is None:
        return _NO_WORD
    reason, word = said.get("end_reason"), said.get("end_word", said.get("end_reason"))
    if reason is not None and reason in _REASONS:
        side = said.get("end_side")
        return EndWord(word, EndAttribution(EndReason(reason), None if side is None else FaultSide(side)))
    return EndWord(word, attribution_of(word) if word else None)


_NO_WORD: Final = EndWord(None, None)
_REASONS: Final = frozenset(EndReason) - {EndReason.UNKNOWN}
