"""Check for calls exactly at the boundaries of slices that no slice contains.

The reference page does not define whether `from` and `to` are inclusive. A server that excludes both has a
hole at each boundary, in every reading. So a separate request covers each boundary.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from msgspec.structs import replace

from calltally.calls.times import SECOND_US
from calltally.client.exporting.agreement import read_ids
from calltally.client.exporting.checkpoint import SlicesPosition
from calltally.client.exporting.pages import fetch_page
from calltally.client.exporting.request import ExportPlan
from calltally.client.exporting.snapshot_window import ExportSource

_MAX_PAGES: Final = 1_000


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
    outside = {each.id for each in _calls_at_window_end(source, plan, position)}
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
            window = replace(plan.window, from_us=each.from_us - reach_us, to_us=each.from_us + reach_us)
            yield from _fetch_calls(source, replace(plan, window=window), position.limit, number)


def _calls_at_window_end(
    source: ExportSource, plan: ExportPlan, position: SlicesPosition
) -> Iterator[MissedCall]:
    """Yield the calls at the exact end of the window, which a server with inclusive `to` lists wrongly."""
    end_us = position.slices[-1].to_us
    if end_us is not None:
        window = replace(plan.window, from_us=end_us, to_us=end_us + 1)
        last = len(position.slices) - 1
        yield from _fetch_calls(source, replace(plan, window=window), position.limit, last)


def _fetch_calls(source: ExportSource, plan: ExportPlan, limit: int, number: int) -> Iterator[MissedCall]:
    """Yield all calls in the window of `plan`, as calls of slice `number`."""
    offset = 0
    for _ in range(_MAX_PAGES):
        paging = [("limit", str(limit)), ("offset", str(offset))]
        params = [*plan.window.params, *plan.filters, *paging]
        page = fetch_page(source.sender, params, is_local=source.is_local)
        if not page.records:
            return
        for record, call in zip(page.records, page.calls, strict=True):
            yield MissedCall(number, call.id, bytes(record))
        offset += len(page.records)
