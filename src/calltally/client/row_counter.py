"""Looks at a file while it passes: how many rows it has, and whether it has the end of its format."""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

_LINE_END: Final = b"\n"
# Apache Parquet: a file begins and ends with its magic number.
_PARQUET: Final = b"PAR1"
# Apache Arrow, IPC streaming format: a message begins with the mark, and one of length 0 ends the stream.
_ARROW: Final = b"\xff\xff\xff\xff"
_ARROW_END: Final = _ARROW + bytes(4)


class Rows(Protocol):
    """What is known of a file from its bytes alone."""

    def add(self, piece: bytes) -> None:
        """The next piece of it."""

    def found(self) -> int | None:
        """How many rows it has; None where only who reads the format can tell."""

    def is_whole(self) -> bool:
        """Whether it has an end."""


class CsvRows:
    """Counts line ends that are not inside quotes; the first record is the heading."""

    def __init__(self) -> None:
        self._records = 0
        self._is_quoted = False
        self._last = b""

    def add(self, piece: bytes) -> None:
        """The next piece of it."""
        parts = piece.split(b'"')
        self._records += sum(part.count(_LINE_END) for part in parts[self._is_quoted :: 2])
        self._is_quoted ^= len(parts) % 2 == 0
        self._last = piece[-1:] or self._last

    def found(self) -> int | None:
        """Without the heading."""
        return max(self._records - 1, 0)

    def is_whole(self) -> bool:
        """Whether there is a heading, and the last record has its end."""
        return self._last == _LINE_END and not self._is_quoted


class NdjsonRows:
    """Counts lines."""

    def __init__(self) -> None:
        self._lines = 0
        self._last = _LINE_END

    def add(self, piece: bytes) -> None:
        """The next piece of it."""
        self._lines += piece.count(_LINE_END)
        self._last = piece[-1:] or self._last

    def found(self) -> int | None:
        """A line each."""
        return self._lines

    def is_whole(self) -> bool:
        """Whether the last line has its end. A file without lines is one without calls."""
        return self._last == _LINE_END


class FramedRows:
    """Looks for what a format begins and ends with."""

    def __init__(self, head: bytes, tail: bytes) -> None:
        self._head, self._tail = head, tail
        self._first = self._last = b""

    def add(self, piece: bytes) -> None:
        """The next piece of it."""
        self._first += piece[: len(self._head) - len(self._first)]
        self._last = (self._last + piece)[-len(self._tail) :]

    def found(self) -> int | None:
        """They are inside."""
        return None

    def is_whole(self) -> bool:
        """Whether both are there."""
        return self._first == self._head and self._last == self._tail


class Kind(NamedTuple):
    """A format of a stream: its media type, and what looks at it."""

    media_type: str
    rows: Callable[[], Rows]


KINDS: Final[dict[str, Kind]] = {
    "csv": Kind("text/csv", CsvRows),
    "ndjson": Kind("application/x-ndjson", NdjsonRows),
    "parquet": Kind("application/vnd.apache.parquet", lambda: FramedRows(_PARQUET, _PARQUET)),
    "arrow": Kind("application/vnd.apache.arrow.stream", lambda: FramedRows(_ARROW, _ARROW_END)),
}
