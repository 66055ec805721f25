"""One SID told of two calls: facts under it that no one call can have made true.

A call has one caller, one callee and one direction, and lasts a bounded time. What differs only in how a
number is written is the same number.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from calltally.alerts.model.finding import (
    AlertFinding,
    AlertKind,
    ChangeDirection,
    FindingChange,
    FindingEvidence,
)
from calltally.alerts.model.series import TENANT
from calltally.calls.times import DAY_US

# Longer than any call lasts, with its reports after it: two tellings so far apart are of two calls.
_APART_US: Final = 7 * DAY_US
_DIGITS: Final = 7
_LISTED: Final = 20


class CallIdentity(NamedTuple):
    """What one fact says of a call: None where it says nothing."""

    sid: str
    occurred_us: int
    direction: str | None = None
    from_number: str | None = None
    to_number: str | None = None


def contradictions(tellings: Sequence[CallIdentity]) -> list[str]:
    """What in the tellings of one SID cannot be of one call, in words; empty where all of it can."""
    found = []
    if len({each.direction for each in tellings} - {None}) > 1:
        found.append("both directions")
    for name, numbers in (
        ("callers", [each.from_number for each in tellings]),
        ("called numbers", [each.to_number for each in tellings]),
    ):
        different = _different(numbers)
        if len(different) > 1:
            found.append(f"{len(different)} {name}")
    instants = [each.occurred_us for each in tellings]
    if instants and max(instants) - min(instants) > _APART_US:
        found.append(f"{(max(instants) - min(instants)) // DAY_US} days apart")
    return found


def duplicate_sid_finding(tellings: Iterable[CallIdentity], now_us: int) -> AlertFinding | None:
    """One finding of all SIDs whose tellings contradict each other, None where none do."""
    by_sid: dict[str, list[CallIdentity]] = {}
    for telling in tellings:
        by_sid.setdefault(telling.sid, []).append(telling)
    found = {sid: why for sid, told in sorted(by_sid.items()) if (why := contradictions(told))}
    if not found:
        return None
    first_us = min(telling.occurred_us for sid in found for telling in by_sid[sid])
    sid, why = next(iter(found.items()))
    others = f", and {len(found) - 1} more SIDs" if len(found) > 1 else ""
    return AlertFinding(
        kind=AlertKind.DUPLICATE_SID,
        change=FindingChange.BEGAN,
        series=TENANT,
        metric=None,
        direction=ChangeDirection.UP,
        since_us=first_us,
        found_us=now_us,
        evidence=FindingEvidence(
            TENANT, None, first_us, now_us, len(by_sid), len(found), float(len(found)), 0.0, 0.0, 0.0
        ),
        detail=f"The SID {sid} was told of more than one call: {', '.join(why)}{others}",
        sureness=0.0,
        false_alarms_a_week=0.0,
        budget_a_week=0.0,
        listed={"call_sid": sid},
        sids=tuple(found)[:_LISTED],
    )


def _different(numbers: Iterable[str | None]) -> set[str]:
    """Numbers that are not one another written in another way: national, with a prefix, with spaces."""
    kept: set[str] = set()
    for number in sorted({_plain(each) for each in numbers if each}, key=len, reverse=True):
        if not any(number == each or _is_end_of(number, each) for each in kept):
            kept.add(number)
    return kept


def _plain(number: str) -> str:
    digits = "".join(char for char in number if char.isdigit())
    return digits if len(digits) >= _DIGITS else number.strip().lower()


def _is_end_of(number: str, longer: str) -> bool:
    """Whether it is the national form of a longer one: a leading 0 stands for the country."""
    national = number.removeprefix("0")
    return len(national) >= _DIGITS and national.isdigit() and longer.endswith(national)
