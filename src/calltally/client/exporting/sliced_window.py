"""Export from a server without snapshots: read slice by slice, in rounds, until two readings agree.

The second round starts after the first has read all slices, so calls that moved meanwhile, between slices or
within one, make the readings differ. Its pages have other boundaries, so a call that always falls between two
pages differs too. Slices that differ are read again, up to a maximum number of rounds.
"""

import hashlib
from collections.abc import Sequence
from contextlib import closing
from typing import Final

from msgspec.structs import replace

from calltally.client.exporting.capabilities import check_filters_applied
from calltally.client.exporting.checkpoint import FileState, SliceReading, SlicesPosition, WindowSlice
from calltally.client.exporting.files import AppendFile
from calltally.client.exporting.output import READINGS, ExportWriter, ProgressListener
from calltally.client.exporting.pages import ExportPage, ExportSource, ndjson_lines
from calltally.client.exporting.request import ExportPlan
from calltally.client.exporting.slices import compare_readings

MAX_ROUNDS: Final = 6
_MIN_READINGS: Final = 2
_MAX_SAME_PAGES: Final = 20


class SlicedExport:
    """Reader of the due slices in each round, until none is due."""

    def __init__(self, source: ExportSource, writer: ExportWriter, position: SlicesPosition) -> None:
        self._source = source
        self._folder = writer.folder.out / READINGS
        self._writer = writer
        self._plan: ExportPlan = writer.checkpoint.plan
        self._position = position

    def run(self, progress: ProgressListener) -> SlicesPosition:
        """Run all rounds and return the last position. The checkpoint is always at the last complete page."""
        self._folder.mkdir(exist_ok=True)
        while self._position.due:
            progress.begin(f"reading {self._position.round}", None)
            while self._position.due:
                self._read(self._position.due[0], progress)
            self._position = next_round(self._position)
            self._writer.save(self._position)
        return self._position

    def _read(self, number: int, progress: ProgressListener) -> None:
        """Read one slice, starting from the checkpoint."""
        reading = self._current_reading(number)
        file = AppendFile(self._folder / reading.state.name, reading.state if reading.offset else None)
        stall_detector = _StallDetector()
        with closing(file):
            while not reading.is_whole:
                page = self._fetch(number, reading)
                check_filters_applied(self._plan, page)
                file.write(ndjson_lines(page.records) if page.records else b"")
                rows = reading.state.rows + len(page.records)
                reading = _advance_reading(reading, page, file.state(reading.state.name, rows))
                reading = replace(reading, is_whole=reading.is_whole or stall_detector.observe(page.call_ids))
                window_slice = self._position.slices[number]
                others = [each for each in window_slice.readings if each.state.name != reading.state.name]
                read = replace(window_slice, readings=(*others, reading))
                self._position = _with_slice(self._position, number, read)
                self._writer.save(self._position, page.body)
                progress.advance(len(page.records))
        self._position = self._complete_slice(number)
        self._writer.save(self._position)

    def _current_reading(self, number: int) -> SliceReading:
        """Return the unfinished reading of a slice, or a new one."""
        readings = self._position.slices[number].readings
        if readings and not readings[-1].is_whole:
            return readings[-1]
        name = f"{number:05d}-{len(readings) + 1}.ndjson"
        return SliceReading(FileState(name, 0, 0, hashlib.sha256().hexdigest()))

    def _fetch(self, number: int, reading: SliceReading) -> ExportPage:
        window_slice = self._position.slices[number]
        window = replace(self._plan.window, from_us=window_slice.from_us, to_us=window_slice.to_us)
        # Even rounds start with half a page, to have other page boundaries.
        is_halved = self._position.round % 2 == 0 and reading.offset == 0
        limit = max(self._position.limit // 2, 1) if is_halved else self._position.limit
        return self._source.fetch(replace(self._plan, window=window), limit, reading.offset)

    def _complete_slice(self, number: int) -> SlicesPosition:
        """Mark the slice as read and, from the second reading on, compare the last two."""
        window_slice = self._position.slices[number]
        if len(window_slice.readings) >= _MIN_READINGS:
            previous, last = window_slice.readings[-2:]
            is_same, has_lost = True, False
            if previous.order != last.order:
                is_same, has_lost = compare_readings(
                    self._folder / previous.state.name, self._folder / last.state.name
                )
            window_slice = replace(window_slice, is_agreed=is_same, has_lost=has_lost)
        position = _with_slice(self._position, number, window_slice)
        return replace(position, due=position.due[1:])


def next_round(position: SlicesPosition) -> SlicesPosition:
    """Return the position of the next round, with no due slices if all agree or the rounds are exhausted.

    A call that left one slice may have moved to another that was read before, so then all slices are due.
    """
    if position.round == 1 or any(window_slice.has_lost for window_slice in position.slices):
        due = list(range(len(position.slices)))
    else:
        due = [number for number, window_slice in enumerate(position.slices) if not window_slice.is_agreed]
    if not due or position.round == MAX_ROUNDS:
        return replace(position, due=())
    fresh = (
        replace(window_slice, is_agreed=window_slice.is_agreed and number not in due, has_lost=False)
        for number, window_slice in enumerate(position.slices)
    )
    return replace(position, slices=tuple(fresh), round=position.round + 1, due=tuple(due))


def _with_slice(position: SlicesPosition, number: int, window_slice: WindowSlice) -> SlicesPosition:
    slices = (*position.slices[:number], window_slice, *position.slices[number + 1 :])
    return replace(position, slices=slices)


def _advance_reading(reading: SliceReading, page: ExportPage, state: FileState) -> SliceReading:
    """Return the reading after one more page.

    Only an empty page is the end: a server may send shorter pages than requested.
    """
    new_total = () if page.total is None or page.total in reading.totals else (page.total,)
    return replace(
        reading,
        state=state,
        order=_chain_digest(reading.order, page.call_ids),
        offset=reading.offset + len(page.records),
        is_whole=not page.records,
        totals=(*reading.totals, *new_total),
    )


def _chain_digest(before: str, call_ids: Sequence[str]) -> str:
    """Return the chained digest of all ids so far, which does not depend on the page boundaries."""
    digest = before.encode()
    for call_id in call_ids:
        digest = hashlib.blake2b(digest + call_id.encode(), digest_size=16).hexdigest().encode()
    return digest.decode()


class _StallDetector:
    """Detector of repeated pages: a list that grows as fast as it is read would never end."""

    def __init__(self) -> None:
        self._ids: Sequence[str] = ()
        self._times = 0

    def observe(self, call_ids: Sequence[str]) -> bool:
        """Count equal pages. A reading that ends here has repeats, so it agrees with no other."""
        self._times = self._times + 1 if call_ids == self._ids else 0
        self._ids = call_ids
        return self._times >= _MAX_SAME_PAGES
