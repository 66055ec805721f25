"""Division of a window into slices, for servers that send neither the time of a call nor a total.

A slice never crosses the boundary of a file's day or month, so that it determines the file of its calls.
"""

from datetime import UTC, datetime
from typing import Final

from calltally.calls.times import DAY_US, EPOCH, instant_us
from calltally.client.exporting.checkpoint import WindowSlice
from calltally.client.exporting.errors import NotExportable
from calltally.client.exporting.request import ExportPlan

MAX_SLICES: Final = 10_000
_MONTHS_PER_YEAR: Final = 12


def cut_window(plan: ExportPlan) -> tuple[WindowSlice, ...]:
    """Return the slices of a window in the order of time, or one slice if the window is unbounded.

    Raises NotExportable if there are too many.
    """
    window = plan.window
    if window.from_us is None or window.to_us is None:
        if plan.partition != "none":
            message = "the server sends no call times, and an unbounded window cannot be divided by time"
            raise NotExportable(f"{message}; use --partition with --from and --to")
        return (WindowSlice(window.from_us, window.to_us),)
    if (window.to_us - window.from_us) // plan.slice_us > MAX_SLICES:
        raise NotExportable(f"the window has more than {MAX_SLICES:,} slices: choose a longer --slice")
    return tuple(_slices_between(window.from_us, window.to_us, plan))


def _slices_between(from_us: int, to_us: int, plan: ExportPlan) -> list[WindowSlice]:
    slices: list[WindowSlice] = []
    while from_us < to_us:
        # Aligned to 1970: a slice of a day is a calendar day (and one of a week begins on a Thursday).
        end_us = min(
            (from_us // plan.slice_us + 1) * plan.slice_us, _partition_end_us(from_us, plan.partition), to_us
        )
        slices.append(WindowSlice(from_us, end_us))
        from_us = end_us
    return slices


def _partition_end_us(at_us: int, partition: str) -> int:
    """Return the end of the file's day or month that contains an instant."""
    if partition != "month":
        # `none` has no boundaries.
        return (at_us // DAY_US + 1) * DAY_US if partition == "day" else 2**62
    day = EPOCH.fromtimestamp(at_us // 1_000_000, UTC)
    return instant_us(
        datetime(day.year + day.month // _MONTHS_PER_YEAR, day.month % _MONTHS_PER_YEAR + 1, 1, tzinfo=UTC)
    )
