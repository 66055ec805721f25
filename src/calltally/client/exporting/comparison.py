"""What is other now than an export has it: by the change feed, or by exporting once more and comparing."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from calltally.client.exporting.exported_rows import rows_of
from calltally.client.exporting.exported_state import Gone, Layer, known_rows
from calltally.client.exporting.feed import Change, all_since, is_in, was_never_in
from calltally.client.exporting.pages import Sender
from calltally.client.exporting.request import Plan
from calltally.external_sort import Spill

ADDED: Final = "added"
CHANGED: Final = "changed"
_BATCH: Final = 1_000
_END: Final = b"\xff" * 64
_change: Final = msgspec.json.Decoder(Change)


class Difference(NamedTuple):
    """A call that came in or is other now, with its record; or one that is gone, and why."""

    kind: str
    record: bytes = b""
    gone: Gone | None = None


class Since(NamedTuple):
    """Where the feed goes on, and the revision that it reached."""

    next: str | None
    revision: int | None


class Changes:
    """The last change of each call since a point, sorted by id. A context manager: it holds files."""

    def __init__(self, scratch: Path) -> None:
        self._spill = Spill(scratch)
        self._stack = ExitStack()
        self._stack.enter_context(self._spill)

    def close(self) -> None:
        """Let its files go."""
        self._stack.close()

    def collect(self, sender: Sender, plan: Plan, after: str) -> Since:
        """Read the feed to its end. Raises ClientError."""
        since = Since(after, None)
        for stretch in all_since(sender, after):
            for change, record in stretch.changes:
                if not was_never_in(plan, change):
                    self._spill.add(change.id.encode(), record)
            since = Since(stretch.next, stretch.revision)
        return since

    def sorted(self) -> Iterator[tuple[bytes, bytes]]:
        """Each id with its last change."""
        for key, pairs in groupby(self._spill.sorted(), key=itemgetter(0)):
            *_, (_, record) = pairs
            yield key, record


def by_feed(changes: Changes, plan: Plan, layers: list[Layer], scratch: Path) -> Iterator[Difference]:
    """What the changes come to for the calls that the export holds, in the order of their ids."""
    known = _Walk(known_rows(layers, scratch))
    for key, record in changes.sorted():
        change, was_in = _change.decode(record), known.digest_of(key) is not None
        if is_in(plan, change):
            yield Difference(CHANGED if was_in else ADDED, record)
        elif was_in:
            reason = change.tombstone or "left"
            yield Difference("gone", gone=Gone(change.id, reason, change.merged_into, change.revision))


def by_copy(copy: Path, plan: Plan, layers: list[Layer], scratch: Path) -> Iterator[Difference]:
    """What another export of the same window, as NDJSON, has otherwise; calls in the order of their ids."""
    with Spill(scratch) as spill:
        for records in _batches(copy):
            for (call_id, digest), record in zip(rows_of(records, plan.format), records, strict=True):
                spill.add(call_id.encode(), digest + record)
        known = _Walk(known_rows(layers, scratch))
        for key, value in spill.sorted():
            yield from _left(known.passed(key))
            was, digest = known.digest_of(key), value[:16]
            if was != digest:
                yield Difference(ADDED if was is None else CHANGED, value[16:])
        yield from _left(known.passed(_END))


def _left(ids: Iterator[bytes]) -> Iterator[Difference]:
    for key in ids:
        yield Difference("gone", gone=Gone(key.decode(), "left"))


def _batches(path: Path) -> Iterator[Sequence[bytes]]:
    with path.open("rb") as file:
        while lines := list(islice(file, _BATCH)):
            yield [line[:-1] for line in lines]


class _Walk:
    """Sorted pairs that are walked along by keys that only grow."""

    def __init__(self, pairs: Iterator[tuple[bytes, bytes]]) -> None:
        self._pairs = pairs
        self._at = next(pairs, (_END, b""))

    def passed(self, key: bytes) -> Iterator[bytes]:
        """The keys before `key` that were not asked for."""
        while self._at[0] < key:
            yield self._at[0]
            self._at = next(self._pairs, (_END, b""))

    def digest_of(self, key: bytes) -> bytes | None:
        """The value of `key`, which is behind the last one asked for; None where there is none."""
        for _ in self.passed(key):
            pass
        if self._at[0] != key:
            return None
        digest = self._at[1]
        self._at = next(self._pairs, (_END, b""))
        return digest
