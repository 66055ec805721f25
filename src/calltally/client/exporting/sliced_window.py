"""A window of a server without snapshots: read slice by slice, and again, until two readings agree.

The second round reads everything once more, after the first has read everything: what moved meanwhile, from
slice to slice or inside one, differs then. It cuts its pages at other places, so that a call which always
falls between two pages differs too. What does not agree is read again, a bounded number of times.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from calltally.client.exporting.agreement import compare
from calltally.client.exporting.capabilities import check_heeded
from calltally.client.exporting.checkpoint import FileState, Reading, Slice, Sliced
from calltally.client.exporting.files import Appending
from calltally.client.exporting.held_window import Source
from calltally.client.exporting.output import READINGS, Folder, Watcher, Writing
from calltally.client.exporting.pages import Page, fetch_page, lines_of
from calltally.client.exporting.raw_responses import RawAnswers
from calltally.client.exporting.request import Plan

MOST_ROUNDS: Final = 6
_FEWEST: Final = 2
_SAME_PAGES: Final = 20


class SlicedWindow:
    """Reads what is due in each round, until nothing is."""

    def __init__(self, source: Source, folder: Folder, writing: Writing, raw: RawAnswers | None) -> None:
        self._source = source
        self._folder = folder.out / READINGS
        self._writing = writing
        self._raw = raw
        self._plan: Plan = writing.checkpoint.plan
        place = writing.checkpoint.place
        assert isinstance(place, Sliced)  # noqa: S101 (whoever makes it has looked)
        self._place: Sliced = place

    def run(self, watcher: Watcher) -> None:
        """Every round. The checkpoint is of the last whole page."""
        self._folder.mkdir(exist_ok=True)
        while self._place.due:
            watcher.begin(f"reading {self._place.round}", None)
            while self._place.due:
                self._read(self._place.due[0], watcher)
            self._place = next_round(self._place)
            self._keep()

    def _read(self, number: int, watcher: Watcher) -> None:
        """One slice, from where a checkpoint says that it was."""
        reading = self._begun(number)
        file = Appending(self._folder / reading.state.name, reading.state if reading.offset else None)
        still = _Standstill()
        with closing(file):
            while not reading.is_whole:
                page = self._fetch(number, reading)
                check_heeded(self._plan, page)
                file.write(lines_of(page.records) if page.records else b"")
                rows = reading.state.rows + len(page.records)
                reading = _moved(reading, page, file.state(reading.state.name, rows))
                reading = replace(reading, is_whole=reading.is_whole or still.is_reached(page.ids))
                self._place = _put(self._place, number, reading)
                self._keep(page)
                watcher.advance(len(page.records))
        self._place = self._settled(number)
        self._keep()

    def _begun(self, number: int) -> Reading:
        """The reading of a slice that this round is at, or a new one."""
        readings = self._place.slices[number].readings
        if readings and not readings[-1].is_whole:
            return readings[-1]
        name = reading_name(number, len(readings))
        return Reading(FileState(name, 0, 0, hashlib.sha256().hexdigest()))

    def _fetch(self, number: int, reading: Reading) -> Page:
        asked = self._place.slices[number]
        window = replace(self._plan.window, from_us=asked.from_us, to_us=asked.to_us)
        limit = self._limit(reading)
        paging = [("limit", str(limit)), ("offset", str(reading.offset))]
        params = [*window.params, *self._plan.filters, *paging]
        return fetch_page(self._source.sender, params, is_near=self._source.is_near)

    def _limit(self, reading: Reading) -> int:
        """Even rounds begin with half a page, so that their pages are cut elsewhere than in odd ones."""
        halves = self._place.round % 2 == 0 and reading.offset == 0
        return max(self._place.limit // 2, 1) if halves else self._place.limit

    def _settled(self, number: int) -> Sliced:
        """The slice is read. From the second reading on it is told whether the last two agree."""
        each = self._place.slices[number]
        if len(each.readings) >= _FEWEST:
            each = self._compared(each)
        slices = list(self._place.slices)
        slices[number] = each
        return replace(self._place, slices=tuple(slices), due=self._place.due[1:])

    def _compared(self, each: Slice) -> Slice:
        one, other = each.readings[-2:]
        if one.order == other.order:
            return replace(each, is_agreed=True, has_lost=False)
        sets = compare(self._folder / one.state.name, self._folder / other.state.name)
        return replace(each, is_agreed=sets.is_same, has_lost=sets.has_lost)

    def _keep(self, page: Page | None = None) -> None:
        raw = self._raw.add(page.body) if self._raw and page else self._writing.checkpoint.raw
        self._writing.keep(self._place, raw=raw)


def reading_name(number: int, reading: int) -> str:
    """The file of one reading of one slice; both count from 0."""
    return f"{number:05d}-{reading + 1}.ndjson"


def next_round(place: Sliced) -> Sliced:
    """What is due after a round. Nothing, where all readings agree, or there were too many.

    A call that is gone from one slice may have come to another that was looked at before: all are due.
    """
    if place.round == 1 or any(each.has_lost for each in place.slices):
        due = list(range(len(place.slices)))
    else:
        due = [number for number, each in enumerate(place.slices) if not each.is_agreed]
    if not due or place.round == MOST_ROUNDS:
        return replace(place, due=())
    fresh = (
        replace(each, is_agreed=each.is_agreed and number not in due, has_lost=False)
        for number, each in enumerate(place.slices)
    )
    return replace(place, slices=tuple(fresh), round=place.round + 1, due=tuple(due))


def last_readings(place: Sliced, folder: Path) -> Iterator[Path]:
    """The file that counts of each slice."""
    for each in place.slices:
        yield folder / each.readings[-1].state.name


def _put(place: Sliced, number: int, reading: Reading) -> Sliced:
    each = place.slices[number]
    known = [one for one in each.readings if one.state.name != reading.state.name]
    slices = list(place.slices)
    slices[number] = replace(each, readings=(*known, reading))
    return replace(place, slices=tuple(slices))


def _moved(reading: Reading, page: Page, state: FileState) -> Reading:
    """The reading with one page more.

    Only an empty page is the end: a server may give shorter ones than asked.
    """
    told = () if page.total is None or page.total in reading.totals else (page.total,)
    return replace(
        reading,
        state=state,
        order=_order(reading.order, page.ids),
        offset=reading.offset + len(page.records),
        is_whole=not page.records,
        totals=(*reading.totals, *told),
    )


def _order(before: str, ids: Sequence[str]) -> str:
    """The digest of the ids so far, wherever the pages were cut; a link of a chain for each."""
    link = before.encode()
    for call_id in ids:
        link = hashlib.blake2b(link + call_id.encode(), digest_size=16).hexdigest().encode()
    return link.decode()


class _Standstill:
    """Whether page after page is the same: the list grows as fast as it is read, and no reading would end."""

    def __init__(self) -> None:
        self._ids: Sequence[str] = ()
        self._times = 0

    def is_reached(self, ids: Sequence[str]) -> bool:
        """Ask of each page. A reading that ends so has repeats, and so agrees with no other."""
        self._times = self._times + 1 if ids == self._ids else 0
        self._ids = ids
        return self._times >= _SAME_PAGES
