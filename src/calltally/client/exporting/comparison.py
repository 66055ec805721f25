"""Differences between an export and the server, by the change feed or by a second export."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from calltally.client.exporting.exported_rows import rows_of_records
from calltally.client.exporting.exported_state import ExportLayer, RemovedCall, current_rows
from calltally.client.exporting.feed import FeedChange, is_after_window, iterate_feed, matches_plan
from calltally.client.exporting.pages import RequestSender
from calltally.client.exporting.request import ExportPlan
from calltally.external_sort import ExternalSorter

ADDED: Final = "added"
CHANGED: Final = "changed"
GONE: Final = "gone"
_BATCH: Final = 1_000
_END_KEY: Final = b"\xff" * 64
_change_decoder: Final = msgspec.json.Decoder(FeedChange)


class Difference(NamedTuple):
    """Added or changed call with its record, or a removed call with the reason."""

    kind: str
    record: bytes = b""
    removed: RemovedCall | None = None


class FeedPosition(NamedTuple):
    """Position of the next page of the feed, and the revision reached."""

    next: str | None
    revision: int | None


class LatestChanges:
    """Last change of each call since a position, sorted by id. It holds files: close it."""

    def __init__(self, scratch: Path) -> None:
        self._spill = ExternalSorter(scratch)
        self._stack = ExitStack()
        self._stack.enter_context(self._spill)

    def close(self) -> None:
        """Close and remove the files."""
        self._stack.close()

    def collect(self, sender: RequestSender, plan: ExportPlan, after: str) -> FeedPosition:
        """Read the feed to its end. Raises ClientError."""
        position = FeedPosition(after, None)
        for page in iterate_feed(sender, after):
            for change, record in page.changes:
                if not is_after_window(plan, change):
                    self._spill.add(change.id.encode(), record)
            position = FeedPosition(page.next, page.revision)
        return position

    def sorted(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield each id with its last change."""
        for key, pairs in groupby(self._spill.sorted(), key=itemgetter(0)):
            *_, (_, record) = pairs
            yield key, record


def differences_by_feed(
    changes: LatestChanges, plan: ExportPlan, layers: list[ExportLayer], scratch: Path
) -> Iterator[Difference]:
    """Yield the differences of the feed's changes from the exported calls, in the order of ids."""
    exported = _SortedCursor(current_rows(layers, scratch))
    for key, record in changes.sorted():
        change, is_exported = _change_decoder.decode(record), exported.take_digest(key) is not None
        if matches_plan(plan, change):
            yield Difference(CHANGED if is_exported else ADDED, record)
        elif is_exported:
            reason = change.tombstone or "left"
            yield Difference(
                GONE, removed=RemovedCall(change.id, reason, change.merged_into, change.revision)
            )


def differences_by_copy(
    copy: Path, plan: ExportPlan, layers: list[ExportLayer], scratch: Path
) -> Iterator[Difference]:
    """Yield the differences of a second export of the window (NDJSON) from the first, in the order of ids."""
    with ExternalSorter(scratch) as spill:
        for records in _batches(copy):
            for (call_id, digest), record in zip(rows_of_records(records, plan.format), records, strict=True):
                spill.add(call_id.encode(), digest + record)
        exported = _SortedCursor(current_rows(layers, scratch))
        for key, value in spill.sorted():
            yield from _removed_calls(exported.keys_before(key))
            exported_digest, digest = exported.take_digest(key), value[:16]
            if exported_digest != digest:
                yield Difference(ADDED if exported_digest is None else CHANGED, value[16:])
        yield from _removed_calls(exported.keys_before(_END_KEY))


def _removed_calls(call_ids: Iterator[bytes]) -> Iterator[Difference]:
    for key in call_ids:
        yield Difference(GONE, removed=RemovedCall(key.decode(), "left"))


def _batches(path: Path) -> Iterator[Sequence[bytes]]:
    with path.open("rb") as file:
        while lines := list(islice(file, _BATCH)):
            yield [line[:-1] for line in lines]


class _SortedCursor:
    """Cursor over sorted pairs, for lookups with increasing keys."""

    def __init__(self, pairs: Iterator[tuple[bytes, bytes]]) -> None:
        self._pairs = pairs
        self._current = next(pairs, (_END_KEY, b""))

    def keys_before(self, key: bytes) -> Iterator[bytes]:
        """Yield the keys before `key` that were not looked up."""
        while self._current[0] < key:
            yield self._current[0]
            self._current = next(self._pairs, (_END_KEY, b""))

    def take_digest(self, key: bytes) -> bytes | None:
        """Return the value of `key` or None. Keys must increase from call to call."""
        for _ in self.keys_before(key):
            pass
        if self._current[0] != key:
            return None
        digest = self._current[1]
        self._current = next(self._pairs, (_END_KEY, b""))
        return digest
