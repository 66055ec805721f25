"""Calls that lie exactly where two slices meet, and that neither of them told.

The reference page does not say whether `from` and `to` include the instant itself. A server that takes both
for excluded has a hole at the end of each slice, in every reading. So each such place is asked for on its
own.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from msgspec.structs import replace

from calltally.calls.times import SECOND_US
from calltally.client.exporting.agreement import ids_of
from calltally.client.exporting.checkpoint import Sliced
from calltally.client.exporting.held_window import Source
from calltally.client.exporting.pages import fetch_page
from calltally.client.exporting.request import Plan

_MOST_PAGES: Final = 1_000


class Missed(NamedTuple):
    """A call that belongs into a slice and is not in its readings."""

    slice: int
    id: str
    record: bytes


class Edges(NamedTuple):
    """What the ends of slices come to: calls that were missed, and ids that are beyond the window."""

    missed: list[Missed]
    beyond: set[str]


def look_at_edges(source: Source, plan: Plan, place: Sliced, readings: Sequence[Path]) -> Edges:
    """Ask for the calls around the ends of slices, and look which of them the readings have."""
    around = {each.id: each for each in _around(source, plan, place)}
    beyond = {each.id for each in _beyond(source, plan, place)}
    for path in readings if around else ():
        for call_id in ids_of(path):
            around.pop(call_id, None)
    return Edges(sorted(each for each in around.values() if each.id not in beyond), beyond)


def _around(source: Source, plan: Plan, place: Sliced) -> Iterator[Missed]:
    """Between two slices a second on either side.

    Where the window begins there is no other side to take from.
    """
    for number, each in enumerate(place.slices):
        if each.from_us is not None:
            reach_us = SECOND_US if number else 1
            yield from _all(
                source, plan, (each.from_us - reach_us, each.from_us + reach_us), place.limit, number
            )


def _beyond(source: Source, plan: Plan, place: Sliced) -> Iterator[Missed]:
    """The calls of the very instant at which the window ends: a server that includes it told them in vain."""
    end_us = place.slices[-1].to_us
    if end_us is not None:
        yield from _all(source, plan, (end_us, end_us + 1), place.limit, len(place.slices) - 1)


def _all(source: Source, plan: Plan, ends: tuple[int, int], limit: int, number: int) -> Iterator[Missed]:
    window = replace(plan.window, from_us=ends[0], to_us=ends[1])
    offset = 0
    for _ in range(_MOST_PAGES):
        paging = [("limit", str(limit)), ("offset", str(offset))]
        params = [*window.params, *plan.filters, *paging]
        page = fetch_page(source.sender, params, is_near=source.is_near)
        if not page.records:
            return
        for record, glimpse in zip(page.records, page.glimpses, strict=True):
            yield Missed(number, glimpse.id, bytes(record))
        offset += len(page.records)
