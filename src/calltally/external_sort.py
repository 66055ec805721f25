"""External merge sort: runs that are sorted in memory are written to files and merged.

The files have no names, so the system deletes them when the process ends, even after a crash.
"""

import struct
import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, TypeAlias

import msgspec

Pair: TypeAlias = tuple[bytes, bytes]

MEMORY_BYTES: Final = 64 * 1024 * 1024
# Overhead of Python per pair: a tuple, the headers of two bytes objects, a list item.
_PAIR_BYTES: Final = 140
# So many runs of one level are merged to one run of the next. It limits the open files.
_MAX_RUNS: Final = 48
# The least size of a block in memory. A merge holds one block per run.
_MIN_BLOCK_BYTES: Final = 64 * 1024
_LENGTH: Final = struct.Struct(">I")
_key_of: Final = itemgetter(0)
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[tuple[bytes, bytes]])


class ExternalSorter:
    """Sorter of key-value pairs by the bytes of the keys. The sort is stable.

    As a context manager it closes its files at the end. It uses about `memory_bytes` for any number of pairs,
    and no disk if the pairs fit. `folder` is the folder of its files; the default is the system's.
    """

    def __init__(self, folder: Path | None = None, memory_bytes: int = MEMORY_BYTES) -> None:
        self._folder = folder
        # Half for the pairs. The other half is for the sort and the blocks of a merge.
        self._most_bytes = memory_bytes // 2
        self._block_bytes = max(memory_bytes // (4 * _MAX_RUNS), _MIN_BLOCK_BYTES)
        self._pairs: list[Pair] = []
        self._bytes = 0
        self._runs: list[_Run] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pairs = []
        for run in self._runs:
            run.close()
        self._runs = []

    def add(self, key: bytes, value: bytes) -> None:
        """Add a pair. Raises OSError if the disk is full."""
        self._pairs.append((key, value))
        self._bytes += len(key) + len(value) + _PAIR_BYTES
        if self._bytes >= self._most_bytes:
            self._write_run()

    def sorted(self) -> Iterator[Pair]:
        """Return all pairs in order. Only one of the returned iterators may be in use at a time."""
        self._pairs.sort(key=_key_of)
        if not self._runs:
            return iter(self._pairs)
        # The last run goes to disk too, because the blocks need its memory.
        if self._pairs:
            self._write_run()
        return _merged(self._runs)

    def grouped(self) -> Iterator[tuple[bytes, list[bytes]]]:
        """Yield each key with its values, in the order of the keys and of their addition."""
        for key, pairs in groupby(self.sorted(), key=_key_of):
            yield key, [value for _, value in pairs]

    def _write_run(self) -> None:
        self._pairs.sort(key=_key_of)
        pairs, self._pairs, self._bytes = self._pairs, [], 0
        run = _Run(self._folder, level=0)
        self._runs.append(run)
        run.write(iter(pairs), self._block_bytes)
        level = 0
        while [run.level for run in self._runs[-_MAX_RUNS:]] == [level] * _MAX_RUNS:
            level += 1
            self._merge_level(level)

    def _merge_level(self, level: int) -> None:
        """Merge the last runs to one run. They are adjacent, so that the order of equal keys is stable."""
        former = self._runs[-_MAX_RUNS:]
        run = _Run(self._folder, level)
        try:
            run.write(_merged(former), self._block_bytes)
        except BaseException:
            run.close()
            raise
        self._runs[-_MAX_RUNS:] = [run]
        for each in former:
            each.close()


class _Run:
    """Sorted pairs in a file of blocks, and the current block."""

    def __init__(self, folder: Path | None, level: int) -> None:
        self.level = level
        self.pairs: list[Pair] = []
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed with the sorter)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def write(self, pairs: Iterator[Pair], block_bytes: int) -> None:
        """Write all pairs in blocks of about `block_bytes`."""
        block: list[Pair] = []
        size = 0
        for pair in pairs:
            block.append(pair)
            size += len(pair[0]) + len(pair[1]) + _PAIR_BYTES
            if size >= block_bytes:
                self._write(block)
                block, size = [], 0
        self._write(block)

    def _write(self, block: list[Pair]) -> None:
        encoded = _encoder.encode(block)
        self._file.write(_LENGTH.pack(len(encoded)))
        self._file.write(encoded)

    def begin(self) -> None:
        """Start to read from the first block."""
        self._file.seek(0)
        self.pairs = []
        self.fill()

    def fill(self) -> bool:
        """Read the next block if the current one is empty. Returns false at the end."""
        while not self.pairs:
            head = self._file.read(_LENGTH.size)
            if not head:
                return False
            self.pairs = _decoder.decode(self._file.read(_LENGTH.unpack(head)[0]))
        return True

    def take(self, count: int) -> list[Pair]:
        """Remove and return the first pairs of the block."""
        taken, self.pairs = self.pairs[:count], self.pairs[count:]
        return taken


def _merged(runs: list[_Run]) -> Iterator[Pair]:
    """Yield the pairs of all runs in order.

    All pairs of the current blocks that come before the least of their last keys are sorted at once. The sort
    merges sorted runs at the speed of C, faster than a heap of single pairs.
    """
    for run in runs:
        run.begin()
    while left := [run for run in runs if run.fill()]:
        bound = min(run.pairs[-1][0] for run in left)
        batch = [pair for run in left for pair in run.take(bisect_left(run.pairs, bound, key=_key_of))]
        batch.sort(key=_key_of)
        yield from batch
        # Pairs with the bound as their key may continue in later blocks. They are taken run by run.
        for run in left:
            yield from _equal(run, bound)


def _equal(run: _Run, key: bytes) -> Iterator[Pair]:
    """Remove and yield the pairs with this key of a run, over any number of blocks."""
    while run.fill() and run.pairs[0][0] == key:
        yield from run.take(bisect_right(run.pairs, key, key=_key_of))
