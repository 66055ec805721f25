"""Differences between an export and the server, by the change feed or by a second export."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from calltally.client.exporting.exported_state import (
    ExportLayer,
    RemovedCall,
    current_rows,
    rows_of_records,
)
from calltally.client.exporting.feed import FeedChange, is_after_window, iterate_feed, matches_plan
from calltally.client.exporting.pages import RequestSender, read_batches
from calltally.client.exporting.request import ExportPlan
from calltally.external_sort import ExternalSorter

ADDED: Final = "added"
CHANGED: Final = "changed"
GONE: Final = "gone"
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


def collect_changes(
    changes: ExternalSorter, sender: RequestSender, plan: ExportPlan, after: str
) -> FeedPosition:
    """Read the feed to its end, and add the changes by call id. Raises ClientError."""
    position = FeedPosition(after, None)
    for page in iterate_feed(sender, after):
        for change, record in page.changes:
            if not is_after_window(plan, change):
                changes.add(change.id.encode(), record)
        position = FeedPosition(page.next, page.revision)
    return position


def differences_by_feed(
    changes: ExternalSorter, plan: ExportPlan, layers: list[ExportLayer], scratch: Path
) -> Iterator[Difference]:
    """Yield the differences of the last change of each call from the exported calls, in the order of ids."""
    exported = _SortedCursor(current_rows(layers, scratch))
    for key, records in changes.grouped():
        record = records[-1]
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
        for records in read_batches(copy):
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
