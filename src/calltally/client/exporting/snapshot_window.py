"""Export of a window under a snapshot: one reading in the order of time, verified page by page.

In the order of (created_at, id) a repeated call is detected at once, and if the number of calls equals the
server's total, none is missing. So only the last call has to be stored.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby, pairwise
from operator import itemgetter, lt
from typing import Final

from msgspec.structs import replace

from calltally.client.exporting.checkpoint import SnapshotPosition
from calltally.client.exporting.errors import SnapshotDrifted
from calltally.client.exporting.output import CallBatch, ExportWriter, ProgressListener
from calltally.client.exporting.pages import ExportPage, ExportSource
from calltally.client.exporting.request import ExportPlan

_REMEDY: Final = "use --double-check to read it twice and compare, as on a server without snapshots"
_LABEL_CHARS: Final = {"none": 0, "day": len("2026-10-01"), "month": len("2026-10")}


class SnapshotExport:
    """Reader of the remaining pages. It fetches each page while it writes the one before."""

    def __init__(self, source: ExportSource, writer: ExportWriter, position: SnapshotPosition) -> None:
        self._source = source
        self._writer = writer
        self._plan: ExportPlan = writer.checkpoint.plan
        self._position = position

    def run(self, progress: ProgressListener) -> None:
        """Write all pages. After an error the checkpoint is at the last complete page."""
        progress.begin("exporting", self._position.total, self._writer.rows)
        with ThreadPoolExecutor(1, "calltally-page") as pool:
            pending = self._submit_fetch(pool, self._position.offset)
            while pending is not None:
                page = pending.result()
                offset = self._position.offset + len(page.records)
                self._check(page)
                pending = self._submit_fetch(pool, offset)
                self._write(page, offset)
                progress.advance(len(page.records))
        self._writer.finish(self._position)

    def _submit_fetch(self, pool: ThreadPoolExecutor, offset: int) -> "Future[ExportPage] | None":
        if offset >= self._position.total:
            return None
        pins = {"order": "asc", "snapshot": self._position.snapshot}
        return pool.submit(self._source.fetch, self._plan, self._plan.limit, offset, **pins)

    def _check(self, page: ExportPage) -> None:
        """Raise SnapshotDrifted if the page is not the next page of the same snapshot."""
        expected = min(self._plan.limit, self._position.total - self._position.offset)
        total, offset, received = self._position.total, self._position.offset, len(page.records)
        if (page.total, page.snapshot, received) != (total, self._position.snapshot, expected):
            difference = f"expected {expected} of {total} calls, received {received} of {page.total}"
            raise SnapshotDrifted(f"the snapshot changed at offset {offset}: {difference}; {_REMEDY}")
        _check_order(self._writer, page)

    def _write(self, page: ExportPage, offset: int) -> None:
        for batch in split_page(page, self._plan.partition):
            self._writer.add(batch)
        self._position = replace(self._position, offset=offset)
        self._writer.save(self._position, page.body)


def _check_order(writer: ExportWriter, page: ExportPage) -> None:
    highest = writer.checkpoint.tally.highest
    last = [(highest.created_at, highest.id)] if highest else []
    order = [*last, *((call.created_at or "", call.id) for call in page.calls)]
    if not all(map(lt, order, order[1:])):
        before, after = next(pair for pair in pairwise(order) if pair[0] >= pair[1])
        detail = f"call {after[1]} came after {before[1]}, so it is repeated or out of order"
        raise SnapshotDrifted(f"{detail}; {_REMEDY}")


def split_page(page: ExportPage, partition: str) -> Iterator[CallBatch]:
    """Split a page into one batch for each day or month, nearly always one."""
    chars = _LABEL_CHARS[partition]
    if not chars:
        yield CallBatch("", page.records, page.calls)
        return
    labels = [(call.created_at or "")[:chars] for call in page.calls]
    if labels[0] == labels[-1]:
        yield CallBatch(labels[0], page.records, page.calls)
        return
    start = 0
    for label, group in groupby(zip(labels, page.records, strict=True), key=itemgetter(0)):
        end = start + sum(1 for _ in group)
        yield CallBatch(label, page.records[start:end], page.calls[start:end])
        start = end
