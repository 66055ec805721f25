"""Merge join of two sorted sides. Both are read once; only the values of one key are in memory."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from calltally.external_sort import Pair


class JoinedGroup(NamedTuple):
    """Values of one key on each side, in their order."""

    key: bytes
    left: list[bytes]
    right: list[bytes]


def merge_join(left: Iterator[Pair], right: Iterator[Pair]) -> Iterator[JoinedGroup]:
    """Yield the values of each key of either side, in order."""
    lefts, rights = _Side(left), _Side(right)
    while not (lefts.is_done and rights.is_done):
        key = min(side.key for side in (lefts, rights) if not side.is_done)
        yield JoinedGroup(key, lefts.take(key), rights.take(key))


_NOTHING: Final = (b"", b"")


class _Side:
    """Sorted pairs with one pair of look-ahead."""

    def __init__(self, pairs: Iterator[Pair]) -> None:
        self._pairs = pairs
        self.is_done = False
        self.key, self._value = _NOTHING
        self._step()

    def take(self, key: bytes) -> list[bytes]:
        """Remove and return the values of `key`, which must not be greater than any remaining key."""
        values = []
        while self.key == key and not self.is_done:
            values.append(self._value)
            self._step()
        return values

    def _step(self) -> None:
        following = next(self._pairs, None)
        self.is_done = following is None
        self.key, self._value = following or _NOTHING
