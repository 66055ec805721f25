"""Formats of numbers on the pages."""

from typing import Final
from zoneinfo import ZoneInfo

from calltally.web.dashboard.call_format import DASH, local

# Between a number and its unit, so that a line does not break there.
_SPACE: Final = "\N{NARROW NO-BREAK SPACE}"
_DECIMALS_BELOW_PERCENT: Final = 10
# Below this, one decimal place would show 0.
_ONE_DECIMAL_FROM: Final = 0.1


def percent(share: float | None) -> str:
    """Format as `41 %`, with a decimal place below 10 %; a dash for None."""
    if share is None:
        return DASH
    return f"{_number(100 * share)}{_SPACE}%"


def interval(low: float | None, high: float | None) -> str:
    """Format as `35 to 47 %`; empty for None."""
    return "" if low is None or high is None else f"{_number(100 * low)} to {percent(high)}"


def points(change: float | None) -> str:
    """Format a difference of two rates in percentage points, with its sign."""
    if change is None:
        return DASH
    sign = "+" if change > 0 else "\N{MINUS SIGN}" if change < 0 else "±"
    return f"{sign}{_number(100 * abs(change))}"


def minute(text: str, zone: ZoneInfo) -> str:
    """Format an instant to the minute in the reader's zone: `2026-10-01 09:32 CEST`."""
    return f"{local(text, zone):%Y-%m-%d %H:%M %Z}"


def grouped(number: int) -> str:
    """Format a number with thousands separators."""
    return f"{number:,}"


def _number(value: float) -> str:
    if value >= _DECIMALS_BELOW_PERCENT or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= _ONE_DECIMAL_FROM else f"{value:.1g}"
