"""Numbers as the pages write them."""

from typing import Final
from zoneinfo import ZoneInfo

from calltally.web.dashboard.call_format import DASH, local

# Between a number and its sign, so that a line does not break there.
_SPACE: Final = "\N{NARROW NO-BREAK SPACE}"
_FEW_PERCENT: Final = 10
# Below, one digit behind the point would show nothing.
_LITTLE: Final = 0.1


def percent(share: float | None) -> str:
    """`41 %`, with a digit more where a whole number would say too little; a dash for nothing."""
    if share is None:
        return DASH
    return f"{_number(100 * share)}{_SPACE}%"


def interval(low: float | None, high: float | None) -> str:
    """`35 to 47 %`; empty for none."""
    return "" if low is None or high is None else f"{_number(100 * low)} to {percent(high)}"


def points(change: float | None) -> str:
    """A difference of two rates in points of percent, with its sign."""
    if change is None:
        return DASH
    sign = "+" if change > 0 else "\N{MINUS SIGN}" if change < 0 else "±"
    return f"{sign}{_number(100 * abs(change))}"


def minute(text: str, zone: ZoneInfo) -> str:
    """An instant of a record in the reader's zone, to the minute: `2026-10-01 09:32 CEST`."""
    return f"{local(text, zone):%Y-%m-%d %H:%M %Z}"


def grouped(number: int) -> str:
    """With a comma between thousands."""
    return f"{number:,}"


def _number(value: float) -> str:
    if value >= _FEW_PERCENT or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= _LITTLE else f"{value:.1g}"
