"""Numbers that the processes behind one port share, in memory allocated before the fork.

There is no lock, because a killed process that holds one would stop all others. Of two concurrent writes of
the same number one may be lost; every user of these numbers must tolerate that.
"""

import mmap
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

_ENTRIES: Final = 65_536
# Slots that a key can occupy.
_SLOTS: Final = 8
_WIDTH_BYTES: Final = 8


class SharedNumbers:
    """Numbers by key, 0 by default. A full bucket drops its smallest number."""

    def __init__(self, entries: int = _ENTRIES) -> None:
        self._buckets = max(entries // _SLOTS, 1)
        half = self._buckets * _SLOTS * _WIDTH_BYTES
        # Anonymous memory: shared with every process forked from here on.
        memory = memoryview(mmap.mmap(-1, 2 * half))
        self._keys, self._numbers = memory[:half].cast("Q"), memory[half:].cast("d")

    def get(self, key: str) -> float:
        name, slots = self._slots(key)
        for at in slots:
            if self._keys[at] == name:
                return self._numbers[at]
        return 0.0

    def put(self, key: str, number: float) -> None:
        name, slots = self._slots(key)
        at = next((at for at in slots if self._keys[at] == name), None)
        if at is None:
            at = min(slots, key=self._numbers.__getitem__)
            # No reader may find the old number under the new key.
            self._keys[at] = 0
        self._numbers[at] = number
        self._keys[at] = name

    def _slots(self, key: str) -> tuple[int, range]:
        name = _name(key)
        first = (name >> 1) % self._buckets * _SLOTS
        return name, range(first, first + _SLOTS)


class ProcessGroup:
    """Processes of one server, numbered from 1 to `size`. Create it before the first fork.

    `limits` has the remaining request budget of each key, `heads` the last committed revision of each ledger,
    `folder` the files of Prometheus counters.
    """

    def __init__(self, size: int, folder: Path) -> None:
        self.workers = range(1, size + 1)
        self.folder = folder
        self.limits = SharedNumbers()
        self.heads = SharedNumbers()
        self._pids = SharedNumbers(size * _SLOTS)

    def record_worker(self, worker: int, pid: int) -> None:
        self._pids.put(str(worker), pid)

    def pid_of(self, worker: int) -> int:
        """Return the last process with this number; 0 if there was none."""
        return int(self._pids.get(str(worker)))


class Member(NamedTuple):
    """One process of a group; `parent` is the id of the supervising process."""

    group: ProcessGroup
    worker: int
    parent: int


@lru_cache(maxsize=4_096)
def _name(key: str) -> int:
    """Return the hash of a key; never 0, which marks a free slot."""
    digest = blake2b(key.encode(), digest_size=_WIDTH_BYTES).digest()
    return int.from_bytes(digest, "little") | 1
