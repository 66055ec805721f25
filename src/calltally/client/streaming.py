"""Download of a window of calls into one file, with a check that it is complete."""

import re
from typing import BinaryIO, Final, NamedTuple, Unpack

from calltally.calls.errors import InvalidInput
from calltally.client.errors import ErrorResponse, StreamCut
from calltally.client.filters import STREAM_PARAMS, StreamOptions, query_params
from calltally.client.operations import CALLS_PATH
from calltally.client.response_parsing import unexpected_answer
from calltally.client.retries import send
from calltally.client.row_counter import STREAM_FORMATS, RowCounter
from calltally.client.transport import Session
from calltally.client.wire import Answer, Request

ROW_COUNT_HEADER: Final = "x-row-count"
SNAPSHOT_HEADER: Final = "x-snapshot"
_ROW_COUNT_FORMAT: Final = re.compile(r"[0-9]{1,18}")


class Streamed(NamedTuple):
    """Result of a complete stream: its size, its rows if known, and its snapshot."""

    size_bytes: int
    rows: int | None
    snapshot: str | None


async def stream(
    session: Session,
    file: BinaryIO,
    *,
    format: str = "csv",  # noqa: A002 (as the parameter)
    **filters: Unpack[StreamOptions],
) -> Streamed:
    """Write all matching calls to a binary file, as csv, ndjson, parquet or arrow.

    The request is retried until the first byte arrives, and not after it. Raises StreamCut if the stream ends
    too early, by its transfer, its format or its row count. Raises UnexpectedAnswer if the server does not
    know the format.
    """
    kind = STREAM_FORMATS.get(format)
    if kind is None:
        raise InvalidInput.of("format", f"format must be one of {', '.join(STREAM_FORMATS)}, not {format!r}")
    sink = _FileSink(file, kind.media_type, kind.rows())
    request = Request("GET", CALLS_PATH, [*query_params(filters, STREAM_PARAMS), ("format", format)])
    answer = await send(session, request, sink=sink)
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
        """Write a piece to the file and count its rows."""
        self._file.write(piece)
        self.size += len(piece)
        self.rows.add(piece)


def _checked_result(answer: Answer, sink: _FileSink) -> Streamed:
    announced, row_count = _announced_rows(answer), sink.rows.row_count()
    if not sink.rows.is_complete():
        raise _stream_cut(answer, f"the stream has no proper end after {sink.size} bytes")
    if None not in (announced, row_count) and announced != row_count:
        raise _stream_cut(answer, f"the server announced {announced} calls, and the stream has {row_count}")
    return Streamed(
        sink.size, announced if row_count is None else row_count, answer.headers.get(SNAPSHOT_HEADER)
    )


def _announced_rows(answer: Answer) -> int | None:
    text = answer.headers.get(ROW_COUNT_HEADER, "")
    return int(text) if _ROW_COUNT_FORMAT.fullmatch(text) else None


def _stream_cut(answer: Answer, why: str) -> StreamCut:
    request = f" (request {answer.request_id})" if answer.request_id else ""
    return StreamCut(why + request, response=ErrorResponse(answer.status, "", answer.request_id))
