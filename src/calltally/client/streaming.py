"""Download of a window of calls into one file, with a check that it is complete."""

import re
from collections.abc import Callable, Mapping
from typing import BinaryIO, Final, NamedTuple, Protocol, Unpack

from calltally.calls.export_formats import ARROW, CSV, FORMATS, NDJSON, PARQUET, ExportFormat
from calltally.client.errors import ErrorResponse, InvalidArgument, StreamCut
from calltally.client.filters import STREAM_PARAMS, StreamOptions, query_params
from calltally.client.literals import StreamFormat
from calltally.client.operations import CALLS_PATH
from calltally.client.response_parsing import unexpected_answer
from calltally.client.retries import send_with
from calltally.client.transport import Session
from calltally.client.wire import Answer, Request

ROW_COUNT_HEADER: Final = "x-row-count"
SNAPSHOT_HEADER: Final = "x-snapshot"
_ROW_COUNT_FORMAT: Final = re.compile(r"[0-9]{1,18}")
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
    """Counter of line ends outside quotes. The first record is the heading, and the last has its end."""

    def __init__(self) -> None:
        self._records = 0
        self._is_quoted = False
        self._last = b""

    def add(self, piece: bytes) -> None:
        parts = piece.split(b'"')
        self._records += sum(part.count(_LINE_END) for part in parts[self._is_quoted :: 2])
        self._is_quoted ^= len(parts) % 2 == 0
        self._last = piece[-1:] or self._last

    def row_count(self) -> int | None:
        return max(self._records - 1, 0)

    def is_complete(self) -> bool:
        return self._last == _LINE_END and not self._is_quoted


class NdjsonRowCounter:
    """Counter of lines. A file without lines has no calls."""

    def __init__(self) -> None:
        self._lines = 0
        self._last = _LINE_END

    def add(self, piece: bytes) -> None:
        self._lines += piece.count(_LINE_END)
        self._last = piece[-1:] or self._last

    def row_count(self) -> int | None:
        return self._lines

    def is_complete(self) -> bool:
        return self._last == _LINE_END


class FramedFileCheck:
    """Check that a body begins and ends with the bytes of its format."""

    def __init__(self, head: bytes, tail: bytes) -> None:
        self._head, self._tail = head, tail
        self._first = self._last = b""

    def add(self, piece: bytes) -> None:
        self._first += piece[: len(self._head) - len(self._first)]
        self._last = (self._last + piece)[-len(self._tail) :]

    def row_count(self) -> int | None:
        return None

    def is_complete(self) -> bool:
        return self._first == self._head and self._last == self._tail


_CHECKS: Final[Mapping[str, Callable[[], RowCounter]]] = {
    CSV.name: CsvRowCounter,
    NDJSON.name: NdjsonRowCounter,
    PARQUET.name: lambda: FramedFileCheck(_PARQUET_MAGIC, _PARQUET_MAGIC),
    ARROW.name: lambda: FramedFileCheck(_ARROW_MARKER, _ARROW_END_OF_STREAM),
}


def new_check(form: ExportFormat) -> RowCounter:
    """Return a new check of a received file."""
    return _CHECKS[form.name]()


class Streamed(NamedTuple):
    """Result of a complete stream: its size, its rows if known, and its snapshot."""

    size_bytes: int
    rows: int | None
    snapshot: str | None


async def stream(
    session: Session,
    file: BinaryIO,
    *,
    format: StreamFormat = "csv",  # noqa: A002 (as the parameter)
    **filters: Unpack[StreamOptions],
) -> Streamed:
    """Write all matching calls to a binary file, as csv, ndjson, parquet or arrow.

    The request is retried until the first byte arrives, and not after it. Raises StreamCut if the stream ends
    too early, by its transfer, its format or its row count. Raises UnexpectedAnswer if the server does not
    know the format.
    """
    kind = FORMATS.get(format)
    if kind is None:
        raise InvalidArgument.of("format", f"format must be one of {', '.join(FORMATS)}, not {format!r}")
    sink = _FileSink(file, kind.media_type, new_check(kind))
    request = Request("GET", CALLS_PATH, [*query_params(filters, STREAM_PARAMS), ("format", format)])
    answer = await send_with(session, request, sink=sink)
    return _checked_result(answer, sink)


class _FileSink:
    """Sink that checks the head of a stream, writes its body to a file, and counts rows."""

    def __init__(self, file: BinaryIO, media_type: str, rows: RowCounter) -> None:
        self._file, self._media_type, self.rows = file, media_type, rows
        self.size = 0

    def open(self, answer: Answer) -> None:
        """Raise UnexpectedAnswer before the first byte if the media type is another."""
        if answer.media_type != self._media_type:
            received = answer.media_type or "nothing"
            raise unexpected_answer(answer, f"expected {self._media_type}, received {received}")

    def write(self, piece: bytes) -> None:
        self._file.write(piece)
        self.size += len(piece)
        self.rows.add(piece)


def _checked_result(answer: Answer, sink: _FileSink) -> Streamed:
    header, row_count = answer.headers.get(ROW_COUNT_HEADER, ""), sink.rows.row_count()
    announced = int(header) if _ROW_COUNT_FORMAT.fullmatch(header) else None
    if not sink.rows.is_complete():
        raise _stream_cut(answer, f"the stream has no proper end after {sink.size} bytes")
    if None not in (announced, row_count) and announced != row_count:
        raise _stream_cut(answer, f"the server announced {announced} calls, and the stream has {row_count}")
    return Streamed(
        sink.size, announced if row_count is None else row_count, answer.headers.get(SNAPSHOT_HEADER)
    )


def _stream_cut(answer: Answer, why: str) -> StreamCut:
    request = f" (request {answer.request_id})" if answer.request_id else ""
    return StreamCut(why + request, response=ErrorResponse(answer.status, "", answer.request_id))
