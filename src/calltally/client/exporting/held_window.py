"""A window under a snapshot: read once, in the order of time, and proven whole as it goes.

In the order of (created_at, id) no call can come twice without being seen at once, and with as many calls as
the server counted none can be missing. So nothing has to be remembered but the last one.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby, pairwise
from operator import itemgetter, lt
from typing import Final, NamedTuple

from msgspec.structs import replace

from calltally.client.exporting.checkpoint import Held
from calltally.client.exporting.errors import Drifted
from calltally.client.exporting.output import Portion, Watcher, Writing
from calltally.client.exporting.pages import Page, Sender, fetch_page
from calltally.client.exporting.raw_responses import RawAnswers
from calltally.client.exporting.request import Plan

_PART_CHARS: Final = {"none": 0, "day": len("2026-10-01"), "month": len("2026-10")}


class Source(NamedTuple):
    """The server, and whether it is on this machine."""

    sender: Sender
    is_near: bool = False


class HeldWindow:
    """Reads the pages that are left, each while the one before is written."""

    def __init__(self, source: Source, writing: Writing, raw: RawAnswers | None) -> None:
        self._source = source
        self._writing = writing
        self._raw = raw
        self._plan: Plan = writing.checkpoint.plan
        place = writing.checkpoint.place
        assert isinstance(place, Held)  # noqa: S101 (whoever makes it has looked)
        self._place: Held = place

    def run(self, watcher: Watcher) -> None:
        """Until the last page is written, or an error is raised; the checkpoint is of the last whole page."""
        watcher.begin("exporting", self._place.total, self._writing.rows)
        with ThreadPoolExecutor(1, "calltally-page") as pool:
            coming = self._ask(pool, self._place.offset)
            while coming is not None:
                page = coming.result()
                offset = self._place.offset + len(page.records)
                self._check(page)
                coming = self._ask(pool, offset)
                self._write(page, offset)
                watcher.advance(len(page.records))
        self._writing.finish(self._place)

    def _ask(self, pool: ThreadPoolExecutor, offset: int) -> "Future[Page] | None":
        if offset >= self._place.total:
            return None
        params = [
            *self._plan.window.params,
            *self._plan.filters,
            *held_params(self._place.snapshot),
            ("limit", str(self._plan.limit)),
            ("offset", str(offset)),
        ]
        return pool.submit(fetch_page, self._source.sender, params, is_near=self._source.is_near)

    def _check(self, page: Page) -> None:
        """Raises Drifted where the page is not the next one of the same state."""
        expected = min(self._plan.limit, self._place.total - self._place.offset)
        told = page.total, page.snapshot, len(page.records)
        if told != (self._place.total, self._place.snapshot, expected):
            what = f"{expected} of {self._place.total} calls were to come at offset {self._place.offset}"
            raise Drifted(
                f"the snapshot did not hold still: {what}, and {told[2]} of {told[0]} came; {_REMEDY}"
            )
        _check_order(self._writing, page)

    def _write(self, page: Page, offset: int) -> None:
        raw = self._raw.add(page.body) if self._raw else None
        for portion in portions_of(page, self._plan.partition):
            self._writing.add(portion)
        self._place = replace(self._place, offset=offset)
        self._writing.keep(self._place, raw=raw)


_REMEDY: Final = "--distrust reads it twice and compares, as on a server without snapshots"


def held_params(snapshot: str) -> list[tuple[str, str]]:
    """What makes pages stand still and come in the order of time."""
    return [("order", "asc"), ("snapshot", snapshot)]


def _check_order(writing: Writing, page: Page) -> None:
    highest = writing.checkpoint.tally.highest
    before = [(highest.created_at, highest.id)] if highest else []
    order = [*before, *((glimpse.created_at or "", glimpse.id) for glimpse in page.glimpses)]
    if not all(map(lt, order, order[1:])):
        one, other = next(pair for pair in pairwise(order) if pair[0] >= pair[1])
        raise Drifted(f"call {other[1]} came again, or before its turn, behind {one[1]}; {_REMEDY}")


def portions_of(page: Page, partition: str) -> Iterator[Portion]:
    """The page in as many pieces as it has days or months; nearly always one."""
    chars = _PART_CHARS[partition]
    if not chars:
        yield Portion("", page.records, page.glimpses)
        return
    parts = [(glimpse.created_at or "")[:chars] for glimpse in page.glimpses]
    if parts[0] == parts[-1]:
        yield Portion(parts[0], page.records, page.glimpses)
        return
    start = 0
    for part, group in groupby(zip(parts, page.records, strict=True), key=itemgetter(0)):
        end = start + sum(1 for _ in group)
        yield Portion(part, page.records[start:end], page.glimpses[start:end])
        start = end
