"""What the processes behind one port share: numbers, in memory that was there before they were forked.

Without locks: one that a killed process held would stop all others. So of two that write the same number at
the same moment one may be lost, and what is kept here must be able to bear that.
"""

import mmap
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

_ENTRIES: Final = 65_536
# Where a key may lie: one of so many places.
_PLACES: Final = 8
_WIDTH_BYTES: Final = 8


class SharedNumbers:
    """Numbers by key, each 0 until it is put. Where too many keys meet, the smallest number is forgotten."""

    def __init__(self, entries: int = _ENTRIES) -> None:
        self._buckets = max(entries // _PLACES, 1)
        half = self._buckets * _PLACES * _WIDTH_BYTES
        # Anonymous, and shared with whatever is forked from here on.
        memory = memoryview(mmap.mmap(-1, 2 * half))
        self._keys, self._numbers = memory[:half].cast("Q"), memory[half:].cast("d")

    def get(self, key: str) -> float:
        """The number of `key`."""
        name, places = self._places(key)
        for at in places:
            if self._keys[at] == name:
                return self._numbers[at]
        return 0.0

    def put(self, key: str, number: float) -> None:
        """Keep it for all of them."""
        name, places = self._places(key)
        at = next((at for at in places if self._keys[at] == name), None)
        if at is None:
            at = min(places, key=self._numbers.__getitem__)
            # Nobody may find the number that was another's under this name.
            self._keys[at] = 0
        self._numbers[at] = number
        self._keys[at] = name

    def _places(self, key: str) -> tuple[int, range]:
        name = _name(key)
        first = (name >> 1) % self._buckets * _PLACES
        return name, range(first, first + _PLACES)


class Crew:
    """The processes of one server, at places from 1 to `size`. To be made before the first is forked.

    `limits` are the keys' budgets, `heads` the ledgers' last revisions that one of them committed, `folder`
    is where they count for Prometheus.
    """

    def __init__(self, size: int, folder: Path) -> None:
        self.places = range(1, size + 1)
        self.folder = folder
        self.limits = SharedNumbers()
        self.heads = SharedNumbers()
        self._pids = SharedNumbers(size * _PLACES)

    def take_place(self, place: int, pid: int) -> None:
        """Note which process has a place now."""
        self._pids.put(str(place), pid)

    def pid_at(self, place: int) -> int:
        """Return the last process that took a place; 0 where there never was one."""
        return int(self._pids.get(str(place)))


class Member(NamedTuple):
    """One process of a crew; `parent` is the process that keeps it."""

    crew: Crew
    place: int
    parent: int


@lru_cache(maxsize=4_096)
def _name(key: str) -> int:
    """What stands for a key; never 0, which stands for none."""
    digest = blake2b(key.encode(), digest_size=_WIDTH_BYTES).digest()
    return int.from_bytes(digest, "little") | 1
