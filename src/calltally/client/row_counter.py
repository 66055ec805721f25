"""Row counters and end-of-file checks for streamed files."""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

_LINE_END: Final = b"\n"
# Apache Parquet: a file begins and ends with its magic number.
_PARQUET_MAGIC: Final = b"PAR1"
# Apache Arrow IPC streaming format: each message begins with the marker, a message of length 0 ends the file.
_ARROW_MARKER: Final = b"\xff\xff\xff\xff"
_ARROW_END_OF_STREAM: Final = _ARROW_MARKER + bytes(4)


class RowCounter(Protocol):
    """Checker of a file by its bytes."""

    def add(self, piece: bytes) -> None:
        """Process the next piece."""

    def row_count(self) -> int | None:
        """Return the number of rows, or None for formats whose rows cannot be counted without a parser."""

    def is_complete(self) -> bool:
        """Return True if the file has the end of its format."""


class CsvRowCounter:
    """Counter of line ends outside quotes. The first record is the heading."""

    def __init__(self) -> None:
        self._records = 0
        self._is_quoted = False
        self._last = b""

    def add(self, piece: bytes) -> None:
        """Process the next piece."""
        parts = piece.split(b'"')
        self._records += sum(part.count(_LINE_END) for part in parts[self._is_quoted :: 2])
        self._is_quoted ^= len(parts) % 2 == 0
        self._last = piece[-1:] or self._last

    def row_count(self) -> int | None:
        """Return the number of records without the heading."""
        return max(self._records - 1, 0)

    def is_complete(self) -> bool:
        """Return True if there is a heading and the last record has its end."""
        return self._last == _LINE_END and not self._is_quoted


class NdjsonRowCounter:
    """Counter of lines."""

    def __init__(self) -> None:
        self._lines = 0
        self._last = _LINE_END

    def add(self, piece: bytes) -> None:
        """Process the next piece."""
        self._lines += piece.count(_LINE_END)
        self._last = piece[-1:] or self._last

    def row_count(self) -> int | None:
        """Return the number of lines."""
        return self._lines

    def is_complete(self) -> bool:
        """Return True if the last line has its end. A file without lines has no calls."""
        return self._last == _LINE_END


class FramedFileCheck:
    """Checker of the first and last bytes of a format."""

    def __init__(self, head: bytes, tail: bytes) -> None:
        self._head, self._tail = head, tail
        self._first = self._last = b""

    def add(self, piece: bytes) -> None:
        """Process the next piece."""
        self._first += piece[: len(self._head) - len(self._first)]
        self._last = (self._last + piece)[-len(self._tail) :]

    def row_count(self) -> int | None:
        """Return None: the rows are inside the format."""
        return None

    def is_complete(self) -> bool:
        """Return True if both are present."""
        return self._first == self._head and self._last == self._tail


class StreamFormat(NamedTuple):
    """Format of a stream: its media type and its row counter."""

    media_type: str
    rows: Callable[[], RowCounter]


STREAM_FORMATS: Final[dict[str, StreamFormat]] = {
    "csv": StreamFormat("text/csv", CsvRowCounter),
    "ndjson": StreamFormat("application/x-ndjson", NdjsonRowCounter),
    "parquet": StreamFormat(
        "application/vnd.apache.parquet", lambda: FramedFileCheck(_PARQUET_MAGIC, _PARQUET_MAGIC)
    ),
    "arrow": StreamFormat(
        "application/vnd.apache.arrow.stream", lambda: FramedFileCheck(_ARROW_MARKER, _ARROW_END_OF_STREAM)
    ),
}
