"""Detection of one SID for two calls: facts that cannot all be true of one call.

A call has one caller, one callee and one direction, and lasts a bounded time. Different notations of a number
are the same number.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from calltally.alerts.model.finding import AlertFinding, AlertKind, condition_finding, counted_evidence
from calltally.alerts.model.series import TENANT
from calltally.calls.plurals import counted
from calltally.calls.times import DAY_US

# Longer than any call lasts, with its later reports: facts this far apart belong to two calls.
_MAX_CALL_SPAN_US: Final = 7 * DAY_US
_DIGITS: Final = 7


class CallIdentity(NamedTuple):
    """Identity of a call as one fact gives it: None for a missing field."""

    sid: str
    occurred_us: int
    direction: str | None = None
    from_number: str | None = None
    to_number: str | None = None


def contradictions(identities: Sequence[CallIdentity]) -> list[str]:
    """Return the contradictions between the facts of one SID, in words; empty if there are none."""
    found = []
    if len({each.direction for each in identities} - {None}) > 1:
        found.append("both directions")
    for name, numbers in (
        ("callers", [each.from_number for each in identities]),
        ("called numbers", [each.to_number for each in identities]),
    ):
        different = _different(numbers)
        if len(different) > 1:
            found.append(f"{len(different)} {name}")
    instants = [each.occurred_us for each in identities]
    if instants and max(instants) - min(instants) > _MAX_CALL_SPAN_US:
        found.append(f"{counted((max(instants) - min(instants)) // DAY_US, 'day')} apart")
    return found


def duplicate_sid_finding(identities: Iterable[CallIdentity], now_us: int) -> AlertFinding | None:
    """Return one finding for all SIDs with contradicting facts, or None."""
    by_sid: dict[str, list[CallIdentity]] = {}
    for identity in identities:
        by_sid.setdefault(identity.sid, []).append(identity)
    found = {
        sid: reasons
        for sid, found_identities in sorted(by_sid.items())
        if (reasons := contradictions(found_identities))
    }
    if not found:
        return None
    first_us = min(identity.occurred_us for sid in found for identity in by_sid[sid])
    sid, reasons = next(iter(found.items()))
    more = len(found) - 1
    others = f", and {more} more SID{'s' if more > 1 else ''}" if more else ""
    return condition_finding(
        AlertKind.DUPLICATE_SID,
        counted_evidence(TENANT, first_us, now_us, len(found), len(by_sid)),
        f"Call SID {sid} is used by more than one call: {', '.join(reasons)}{others}",
        listed={"call_sid": sid},
        sids=found,
    )


def _different(numbers: Iterable[str | None]) -> set[str]:
    """Return the different numbers; national, prefixed and spaced notations of one number count once."""
    distinct: set[str] = set()
    for number in sorted({_normalised(each) for each in numbers if each}, key=len, reverse=True):
        if not any(number == each or _is_national_form(number, each) for each in distinct):
            distinct.add(number)
    return distinct


def _normalised(number: str) -> str:
    digits = "".join(char for char in number if char.isdigit())
    return digits if len(digits) >= _DIGITS else number.strip().lower()


def _is_national_form(number: str, longer: str) -> bool:
    """Return True if a number is the national form of a longer one; its leading 0 replaces the country."""
    national = number.removeprefix("0")
    return len(national) >= _DIGITS and national.isdigit() and longer.endswith(national)
