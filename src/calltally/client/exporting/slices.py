"""Slices of a window, for servers that send neither the time of a call nor a total, and their readings.

A slice never crosses the boundary of a file's day or month, so that it determines the file of its calls. A
page by offset is correct only while no call before it comes or goes. A reader of a list that moved gets a
call twice, or never, and no page shows it. Two readings with different page boundaries show it.

The reference page does not define whether `from` and `to` are inclusive. A server that excludes both has a
hole at each boundary, in every reading. So a separate request covers each boundary.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from calltally.calls.times import DAY_US, EPOCH, SECOND_US
from calltally.client.exporting.checkpoint import SlicesPosition, WindowSlice
from calltally.client.exporting.errors import NotExportable
from calltally.client.exporting.pages import ExportSource, decode_fields
from calltally.client.exporting.request import ExportPlan, next_month_us
from calltally.external_sort import ExternalSorter

MAX_SLICES: Final = 10_000
_MAX_PAGES: Final = 1_000
REPEAT: Final = "repeat"
HOLE: Final = "hole"
GONE: Final = "gone"
_MEMORY_BYTES: Final = 32 * 1024 * 1024


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
    return next_month_us(day.year, day.month)


class MissedCall(NamedTuple):
    """Call that belongs to a slice and is missing in its readings."""

    slice: int
    id: str
    record: bytes


class BoundaryCalls(NamedTuple):
    """Result of the boundary check: missed calls, and ids of calls outside the window."""

    missed: list[MissedCall]
    outside: set[str]


def check_boundaries(
    source: ExportSource, plan: ExportPlan, position: SlicesPosition, readings: Sequence[Path]
) -> BoundaryCalls:
    """Request the calls around the boundaries and find those that the readings do not contain."""
    around = {each.id: each for each in _calls_at_slice_starts(source, plan, position)}
    end_us, last = position.slices[-1].to_us, len(position.slices) - 1
    outside: set[str] = set()
    if end_us is not None:
        # A server with inclusive `to` lists the calls at the exact end of the window wrongly.
        at_end = _calls_between(source, plan, (end_us, end_us + 1), position.limit, last)
        outside = {each.id for each in at_end}
    for path in readings if around else ():
        for call_id in read_ids(path):
            around.pop(call_id, None)
    return BoundaryCalls(sorted(each for each in around.values() if each.id not in outside), outside)


def _calls_at_slice_starts(
    source: ExportSource, plan: ExportPlan, position: SlicesPosition
) -> Iterator[MissedCall]:
    """Yield the calls within a second of the start of each slice, on both sides.

    At the start of the window, only the instant itself and what follows belongs to the window.
    """
    for number, each in enumerate(position.slices):
        if each.from_us is not None:
            reach_us = SECOND_US if number else 1
            ends_us = (each.from_us - reach_us, each.from_us + reach_us)
            yield from _calls_between(source, plan, ends_us, position.limit, number)


def _calls_between(
    source: ExportSource, plan: ExportPlan, ends_us: tuple[int, int], limit: int, number: int
) -> Iterator[MissedCall]:
    plan = replace(plan, window=replace(plan.window, from_us=ends_us[0], to_us=ends_us[1]))
    offset = 0
    for _ in range(_MAX_PAGES):
        page = source.fetch(plan, limit, offset)
        if not page.records:
            return
        for record, call in zip(page.records, page.calls, strict=True):
            yield MissedCall(number, call.id, bytes(record))
        offset += len(page.records)


class DriftFinding(msgspec.Struct, frozen=True):
    """One error of a reading. `reading` counts from 1, `slice` from 0 in the order of time.

    - `repeat`: a call that the reading contains more than once.
    - `hole`: a call that only the last reading contains, because it was skipped or is new.
    - `gone`: a call that the last reading does not contain, because it is gone or moved to another time.
    """

    kind: str
    id: str
    slice: int
    reading: int


class ReadingComparison(NamedTuple):
    """Result of the comparison of two readings as sets of calls."""

    is_same: bool
    has_lost: bool


def compare_readings(one: Path, other: Path) -> ReadingComparison:
    """Compare two readings. A call that one of them contains twice is a difference too."""
    is_same, has_lost = True, False
    for _, found in _readings_by_call([one, other]):
        counts = [found.count(reading) for reading in (0, 1)]
        is_same = is_same and counts == [1, 1]
        has_lost = has_lost or not counts[1]
    return ReadingComparison(is_same, has_lost)


def find_drift(number: int, readings: Sequence[Path]) -> Iterator[DriftFinding]:
    """Yield the errors of the readings of slice `number` against its last reading, in the order of ids."""
    last = len(readings) - 1
    for call_id, found in _readings_by_call(readings):
        for reading in range(len(readings)):
            times = found.count(reading)
            kind = REPEAT if times > 1 else HOLE if not times and last in found else ""
            kind = GONE if times and last not in found and not kind else kind
            if kind:
                yield DriftFinding(kind, call_id, number, reading + 1)


def find_duplicates(slices: Sequence[Path]) -> Iterator[tuple[str, list[int]]]:
    """Yield the calls in more than one slice, or twice in one, with the indexes of the slices."""
    for call_id, found in _readings_by_call(slices):
        if len(found) > 1:
            yield call_id, found


def _readings_by_call(readings: Sequence[Path]) -> Iterator[tuple[str, list[int]]]:
    """Yield each call of all readings with the indexes of its readings, in bounded memory."""
    with ExternalSorter(readings[0].parent if readings else None, _MEMORY_BYTES) as spill:
        for index, path in enumerate(readings):
            number = index.to_bytes(4, "big")
            for call_id in read_ids(path):
                spill.add(call_id.encode(), number)
        for key, numbers in spill.grouped():
            yield key.decode(), [int.from_bytes(number, "big") for number in numbers]


def read_ids(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for line in file:
            yield decode_fields(line).id
