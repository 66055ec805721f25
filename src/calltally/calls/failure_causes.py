"""Causes of failed calls: the side at fault, by SIP response, Q.850 cause and the provider's own code.

Sources: RFC 3261 section 21 (SIP responses), ITU-T Q.850 (causes), RFC 3398 section 7.2.4.1 (cause to
SIP) and 8.2.6.1 (SIP to cause), RFC 6076 4.7 (ineffective session attempts), Twilio's error dictionary.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from calltally.calls.model import Status


class FaultSide(StrEnum):
    """Side at fault for a call without an answer."""

    # The caller gave up, or dialled an invalid number.
    CALLER = "caller"
    # The called party was busy, did not answer, or refused.
    CALLED = "called"
    # The company that carries the call for the tenant.
    PROVIDER = "provider"
    # The networks behind the provider.
    NETWORK = "network"
    # The tenant's own account, settings, agent or webhooks.
    TENANT = "tenant"
    UNKNOWN = "unknown"


class FailureCause(NamedTuple):
    """Codes in a record about the end of its call. `has_rung`: the called party was alerted."""

    sip_code: int | None = None
    hangup_cause: int | None = None
    error_code: str | None = None
    provider: str | None = None
    has_rung: bool = False


# RFC 3398 7.2.4.1. Cause 21 is 603 if its location is the user. No provider reports the location, so 403.
_SIP_OF_CAUSE: Final[Mapping[int, int]] = {
    **dict.fromkeys((1, 2, 3, 26), 404),
    **dict.fromkeys((17,), 486),
    **dict.fromkeys((18,), 408),
    **dict.fromkeys((19, 20, 31), 480),
    **dict.fromkeys((21, 55, 57, 87), 403),
    **dict.fromkeys((22, 23), 410),
    **dict.fromkeys((27,), 502),
    **dict.fromkeys((28,), 484),
    **dict.fromkeys((29, 79), 501),
    **dict.fromkeys((34, 38, 41, 42, 47, 58, 88), 503),
    **dict.fromkeys((65, 70), 488),
    **dict.fromkeys((102,), 504),
    **dict.fromkeys((111, 127), 500),
}
# RFC 3398 8.2.6.1; a response that is not in the table becomes 31.
_CAUSE_OF_SIP: Final[Mapping[int, int]] = {
    **dict.fromkeys((404, 485, 604), 1),
    **dict.fromkeys((486, 600), 17),
    **dict.fromkeys((480,), 18),
    **dict.fromkeys((401, 402, 403, 407, 603), 21),
    **dict.fromkeys((410,), 22),
    **dict.fromkeys((482, 483), 25),
    **dict.fromkeys((484,), 28),
    **dict.fromkeys((502,), 38),
    **dict.fromkeys((400, 481, 500, 503), 41),
    **dict.fromkeys((405,), 63),
    **dict.fromkeys((406, 415, 501), 79),
    **dict.fromkeys((408, 504), 102),
    **dict.fromkeys((413, 414, 416, 420, 421, 423, 505, 513), 127),
}
_NORMAL_UNSPECIFIED: Final = 31

# Causes that are more exact than the response they map to: 21 would become the tenant's, 31 unknown.
_SIDE_OF_CAUSE: Final[Mapping[int, FaultSide]] = {
    **dict.fromkeys((1, 22, 28), FaultSide.CALLER),
    **dict.fromkeys((17, 19, 20, 21, 55, 87), FaultSide.CALLED),
    **dict.fromkeys((2, 3, 6, 25, 27, 34, 38, 41, 42, 43, 44, 46, 47), FaultSide.NETWORK),
    **dict.fromkeys((50, 57), FaultSide.TENANT),
}
_SIDE_OF_SIP: Final[Mapping[int, FaultSide]] = {
    **dict.fromkeys((404, 410, 414, 416, 484, 485, 487, 604), FaultSide.CALLER),
    **dict.fromkeys((433, 480, 486, 488, 600, 603, 606, 607), FaultSide.CALLED),
    # 608 is a network's own refusal on behalf of its user (RFC 8688).
    **dict.fromkeys((481, 482, 483, 608), FaultSide.NETWORK),
    **dict.fromkeys(
        (400, 401, 402, 403, 405, 406, 407, 413, 415, 420, 421, 428, 436, 437, 438), FaultSide.TENANT
    ),
}
_REQUEST_TIMEOUT: Final = 408
_SERVER_FAILURES: Final = range(500, 600)
# Prefixes of providers' own codes; the longest match wins.
_SIDE_OF_ERROR: Final[Mapping[str, Mapping[str, FaultSide]]] = {
    "twilio": {
        # The tenant's own webhook or document, its account and its limits, its API requests.
        **dict.fromkeys(("10", "11", "12", "13", "20", "21", "32", "64", "81", "82"), FaultSide.TENANT),
        # Numbers that do not exist or have no valid form.
        **dict.fromkeys(("13223", "13224", "13226", "21211", "21217", "32101"), FaultSide.CALLER),
        # Internal errors and outages of Twilio.
        **dict.fromkeys(("20500", "20503"), FaultSide.PROVIDER),
    }
}
# Twilio's voice SDKs write a SIP response as 31000 plus its number.
_SIP_IN_TWILIO: Final = range(31_400, 31_700)
_TWILIO: Final = "twilio"
# Responses and causes of a refusal by the called party.
_REJECTED_SIP: Final = frozenset({603, 607})
_REJECTED_CAUSE: Final = 21

_SIDE_OF_STATUS: Final[Mapping[str, FaultSide]] = {
    Status.BUSY: FaultSide.CALLED,
    Status.NO_ANSWER: FaultSide.CALLED,
    Status.CANCELED: FaultSide.CALLER,
}
_CARRIERS: Final = frozenset({FaultSide.PROVIDER, FaultSide.NETWORK})


def sip_of_cause(hangup_cause: int) -> int | None:
    """Return the SIP response of a Q.850 cause (RFC 3398 7.2.4.1); None for 16 and rare causes."""
    return _SIP_OF_CAUSE.get(hangup_cause)


def cause_of_sip(sip_code: int) -> int | None:
    """Return the Q.850 cause of a final SIP failure (RFC 3398 8.2.6.1); None for 487 and below 400."""
    if sip_code < 400 or sip_code == 487:  # noqa: PLR2004 (SIP's own numbers)
        return None
    return _CAUSE_OF_SIP.get(sip_code, _NORMAL_UNSPECIFIED)


def fault_side_of(cause: FailureCause) -> FaultSide:
    """Return the side at fault for a failed call.

    The most exact code decides: a known code of the provider's own, a cause that identifies a side, the SIP
    response, and last the response that RFC 3398 gives for the cause.
    """
    if (side := _side_of_error(cause)) is not None:
        return side
    if cause.hangup_cause is not None and cause.hangup_cause in _SIDE_OF_CAUSE:
        return _SIDE_OF_CAUSE[cause.hangup_cause]
    sip_code = cause.sip_code
    if sip_code is None and cause.hangup_cause is not None:
        sip_code = sip_of_cause(cause.hangup_cause)
    return FaultSide.UNKNOWN if sip_code is None else _side_of_sip(sip_code, has_rung=cause.has_rung)


def fault_side_of_end(status: str, cause: FailureCause) -> FaultSide | None:
    """Return the side that ended an unanswered call or made it fail; None for open and completed calls."""
    return fault_side_of(cause) if status == Status.FAILED else _SIDE_OF_STATUS.get(status)


def is_provider_failure(status: str, cause: FailureCause) -> bool:
    """Decide whether the provider or a network failed a call: the numerator of the provider failure rate."""
    return status == Status.FAILED and fault_side_of(cause) in _CARRIERS


def is_rejected(status: str, cause: FailureCause) -> bool:
    """Decide whether the called party itself refused; the network then worked (ITU-T E.425, NER)."""
    if status != Status.FAILED or fault_side_of(cause) is not FaultSide.CALLED:
        return False
    return cause.hangup_cause == _REJECTED_CAUSE or (
        cause.sip_code in _REJECTED_SIP or _twilio_sip(cause) in _REJECTED_SIP
    )


def _side_of_sip(sip_code: int, *, has_rung: bool) -> FaultSide:
    if sip_code in _SERVER_FAILURES:
        return FaultSide.PROVIDER
    if sip_code == _REQUEST_TIMEOUT:
        # After ringing, the called party did not answer. Before ringing, the network did not respond.
        return FaultSide.CALLED if has_rung else FaultSide.NETWORK
    return _SIDE_OF_SIP.get(sip_code, FaultSide.UNKNOWN)


def _side_of_error(cause: FailureCause) -> FaultSide | None:
    if cause.error_code is None or cause.provider is None:
        return None
    if (sip_code := _twilio_sip(cause)) is not None:
        return _side_of_sip(sip_code, has_rung=cause.has_rung)
    sides = _SIDE_OF_ERROR.get(cause.provider, {})
    matches = [prefix for prefix in sides if cause.error_code.startswith(prefix)]
    return sides[max(matches, key=len)] if matches else None


def _twilio_sip(cause: FailureCause) -> int | None:
    code = cause.error_code
    if cause.provider != _TWILIO or code is None or not (code.isascii() and code.isdecimal()):
        return None
    return int(code) - 31_000 if len(code) == 5 and int(code) in _SIP_IN_TWILIO else None  # noqa: PLR2004 (digits)
