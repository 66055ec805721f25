"""Sorting more than fits into memory: runs that are sorted in memory lie in files until they are merged.

The files have no names, so nothing is left of them when the process ends, however it ends.
"""

import struct
import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, TypeAlias

import msgspec

Pair: TypeAlias = tuple[bytes, bytes]

MEMORY_BYTES: Final = 64 * 1024 * 1024
# What Python adds to a key and a value: a tuple, two heads of bytes objects, a place in a list.
_PAIR_BYTES: Final = 140
# Runs of one level are merged to one of the next when there are so many: files that are open at once.
_MOST_RUNS: Final = 48
# About what a block may take in memory: of each run one is held while they are merged.
_LEAST_BLOCK_BYTES: Final = 64 * 1024
_LENGTH: Final = struct.Struct(">I")
_key_of: Final = itemgetter(0)
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[tuple[bytes, bytes]])


class Spill:
    """Pairs of key and value, given back in the order of the keys' bytes; equal keys as they came.

    A context manager: its files are gone when it is left. About `memory_bytes` are used, however many pairs
    there are; what fits into them never sees the disk. `folder` is where files lie, else the system's own.
    """

    def __init__(self, folder: Path | None = None, memory_bytes: int = MEMORY_BYTES) -> None:
        self._folder = folder
        # Half for what is collected. The other half is for its order, and for the blocks of a merge.
        self._most_bytes = memory_bytes // 2
        self._block_bytes = max(memory_bytes // (4 * _MOST_RUNS), _LEAST_BLOCK_BYTES)
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
        """Take one more. Raises OSError where the disk is full."""
        self._pairs.append((key, value))
        self._bytes += len(key) + len(value) + _PAIR_BYTES
        if self._bytes >= self._most_bytes:
            self._put_away()

    def sorted(self) -> Iterator[Pair]:
        """All pairs in order. It can be asked for again, once an earlier one is no longer read."""
        self._pairs.sort(key=_key_of)
        if not self._runs:
            return iter(self._pairs)
        # The last run is put away too: what it takes is needed for the blocks.
        if self._pairs:
            self._put_away()
        return _merged(self._runs)

    def _put_away(self) -> None:
        self._pairs.sort(key=_key_of)
        pairs, self._pairs, self._bytes = self._pairs, [], 0
        run = _Run(self._folder, level=0)
        self._runs.append(run)
        run.write(iter(pairs), self._block_bytes)
        level = 0
        while [run.level for run in self._runs[-_MOST_RUNS:]] == [level] * _MOST_RUNS:
            level += 1
            self._raise_to(level)

    def _raise_to(self, level: int) -> None:
        """Make one run of the last ones. They are neighbours, so that equal keys stay as they came."""
        former = self._runs[-_MOST_RUNS:]
        run = _Run(self._folder, level)
        try:
            run.write(_merged(former), self._block_bytes)
        except BaseException:
            run.close()
            raise
        self._runs[-_MOST_RUNS:] = [run]
        for each in former:
            each.close()


class _Run:
    """Sorted pairs in a file, block by block, and the block that is being read."""

    def __init__(self, folder: Path | None, level: int) -> None:
        self.level = level
        self.pairs: list[Pair] = []
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed with the spill)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def write(self, pairs: Iterator[Pair], block_bytes: int) -> None:
        """Write them all, in blocks of about so many bytes."""
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
        """Read from the start."""
        self._file.seek(0)
        self.pairs = []
        self.fill()

    def fill(self) -> bool:
        """Have a block where there is none; False at the end."""
        while not self.pairs:
            head = self._file.read(_LENGTH.size)
            if not head:
                return False
            self.pairs = _decoder.decode(self._file.read(_LENGTH.unpack(head)[0]))
        return True

    def take_below(self, key: bytes) -> list[Pair]:
        """Take what comes before `key` out of the block."""
        at = bisect_left(self.pairs, key, key=_key_of)
        taken, self.pairs = self.pairs[:at], self.pairs[at:]
        return taken


def _merged(runs: list[_Run]) -> Iterator[Pair]:
    """The pairs of all runs in order.

    Not one by one from a heap: from the blocks that are held, whatever comes before the least of their last
    keys is sorted at once, which merges what is sorted already at the speed of C.
    """
    for run in runs:
        run.begin()
    while left := [run for run in runs if run.fill()]:
        bound = min(run.pairs[-1][0] for run in left)
        batch = [pair for run in left for pair in run.take_below(bound)]
        batch.sort(key=_key_of)
        yield from batch
        # What has the bound itself as its key can go on in the next blocks; runs follow one another there.
        for run in left:
            yield from _equal(run, bound)


def _equal(run: _Run, key: bytes) -> Iterator[Pair]:
    """Take what has this key out of a run, over as many blocks as it has."""
    while run.fill() and run.pairs[0][0] == key:
        at = bisect_right(run.pairs, key, key=_key_of)
        taken, run.pairs = run.pairs[:at], run.pairs[at:]
        yield from taken
