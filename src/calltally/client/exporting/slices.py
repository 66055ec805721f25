"""A window cut into slices, for servers that tell neither the time of a call nor how many there are.

A slice never crosses the end of a day or month that files are cut at, so that it says which file its calls
go to.
"""

from datetime import UTC, datetime
from typing import Final

from calltally.calls.times import DAY_US, EPOCH, instant_us
from calltally.client.exporting.checkpoint import Slice
from calltally.client.exporting.errors import NotExportable
from calltally.client.exporting.request import Plan

MOST_SLICES: Final = 10_000
_MONTHS: Final = 12


def cut(plan: Plan) -> tuple[Slice, ...]:
    """The slices of a window, in the order of time; all of it at once where it has no two ends.

    Raises NotExportable where there would be too many.
    """
    window = plan.window
    if window.from_us is None or window.to_us is None:
        if plan.partition != "none":
            message = "it does not tell when a call was, and a window without two ends cannot be cut by time"
            raise NotExportable(f"{message}: --partition needs --from and --to there")
        return (Slice(window.from_us, window.to_us),)
    if (window.to_us - window.from_us) // plan.slice_us > MOST_SLICES:
        raise NotExportable(f"the window has more than {MOST_SLICES:,} slices: choose a longer --slice")
    return tuple(_cut(window.from_us, window.to_us, plan))


def _cut(from_us: int, to_us: int, plan: Plan) -> list[Slice]:
    slices: list[Slice] = []
    while from_us < to_us:
        # On the grid of 1970, so that a slice of a day is a day.
        end_us = min(
            (from_us // plan.slice_us + 1) * plan.slice_us, _part_end_us(from_us, plan.partition), to_us
        )
        slices.append(Slice(from_us, end_us))
        from_us = end_us
    return slices


def _part_end_us(at_us: int, partition: str) -> int:
    """Where the day or month of an instant ends."""
    if partition != "month":
        # With `none` as well: a week of 1970's grid begins on a Thursday, which nobody expects.
        return (at_us // DAY_US + 1) * DAY_US if partition == "day" else 2**62
    day = EPOCH.fromtimestamp(at_us // 1_000_000, UTC)
    return instant_us(datetime(day.year + day.month // _MONTHS, day.month % _MONTHS + 1, 1, tzinfo=UTC))
