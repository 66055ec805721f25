"""Two sides in the order of one key, joined: both are read once, and only what has one key is in memory."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from calltally.external_sort import Pair


class Joined(NamedTuple):
    """One key, and the values that each side has of it, in the order in which they were taken."""

    key: bytes
    left: list[bytes]
    right: list[bytes]


def joined(left: Iterator[Pair], right: Iterator[Pair]) -> Iterator[Joined]:
    """Each key that either side has, in order."""
    lefts, rights = _Side(left), _Side(right)
    while not (lefts.is_done and rights.is_done):
        key = min(side.key for side in (lefts, rights) if not side.is_done)
        yield Joined(key, lefts.take(key), rights.take(key))


_NOTHING: Final = (b"", b"")


class _Side:
    """Sorted pairs, of which the next one is known."""

    def __init__(self, pairs: Iterator[Pair]) -> None:
        self._pairs = pairs
        self.is_done = False
        self.key, self._value = _NOTHING
        self._step()

    def take(self, key: bytes) -> list[bytes]:
        """The values of `key`, which is not greater than any that is left."""
        values = []
        while self.key == key and not self.is_done:
            values.append(self._value)
            self._step()
        return values

    def _step(self) -> None:
        following = next(self._pairs, None)
        self.is_done = following is None
        self.key, self._value = following or _NOTHING
