"""A window of calls as one file, and whether all of it is there."""

import re
from typing import BinaryIO, Final, NamedTuple, Unpack

from calltally.calls.errors import InvalidInput
from calltally.client.config import Plan
from calltally.client.errors import StreamCut, Told
from calltally.client.filters import STREAMED, StreamOptions, pairs_of
from calltally.client.operations import CALLS
from calltally.client.response_parsing import unexpected
from calltally.client.retries import send_within
from calltally.client.row_counter import KINDS, Rows
from calltally.client.sans_io import Talk
from calltally.client.wire import Answer, Request

ROW_COUNT: Final = "x-row-count"
SNAPSHOT: Final = "x-snapshot"
_COUNT: Final = re.compile(r"[0-9]{1,18}")


class Streamed(NamedTuple):
    """A whole stream: its size, its rows where that is known, and the snapshot that all of it is of."""

    size_bytes: int
    rows: int | None
    snapshot: str | None


def stream(
    plan: Plan,
    file: BinaryIO,
    *,
    format: str = "csv",  # noqa: A002 (as the parameter)
    **filters: Unpack[StreamOptions],
) -> Talk[Streamed]:
    """Write all calls that match to a file that is open for bytes, as csv, ndjson, parquet or arrow.

    It is tried again until the first byte is there, and not after. Raises StreamCut where it ends too early,
    by its transfer, its format or its row count; UnexpectedAnswer where the server does not know the format.
    """
    kind = KINDS.get(format)
    if kind is None:
        raise InvalidInput.of("format", f"format must be one of {', '.join(KINDS)}, not {format!r}")
    sink = _File(file, kind.media_type, kind.rows())
    request = Request("GET", CALLS, [*pairs_of(filters, STREAMED), ("format", format)])
    answer = yield from send_within(plan, request, into=sink)
    return _checked(answer, sink)


class _File:
    """The sink of a stream: looks at its head, passes its body on to the file, and counts."""

    def __init__(self, file: BinaryIO, media_type: str, rows: Rows) -> None:
        self._file, self._media_type, self.rows = file, media_type, rows
        self.size = 0

    def open(self, answer: Answer) -> None:
        """Raises UnexpectedAnswer, before a byte is written, where the server sends something else."""
        if answer.media_type != self._media_type:
            came = answer.media_type or "nothing"
            raise unexpected(answer, f"{self._media_type} was asked for, and {came} came")

    def write(self, piece: bytes) -> None:
        """Pass it on."""
        self._file.write(piece)
        self.size += len(piece)
        self.rows.add(piece)


def _checked(answer: Answer, sink: _File) -> Streamed:
    announced, found = _announced(answer), sink.rows.found()
    if not sink.rows.is_whole():
        raise _cut(answer, f"the stream has no proper end after {sink.size} bytes")
    if None not in (announced, found) and announced != found:
        raise _cut(answer, f"the stream was to have {announced} calls and has {found}")
    return Streamed(sink.size, announced if found is None else found, answer.headers.get(SNAPSHOT))


def _announced(answer: Answer) -> int | None:
    text = answer.headers.get(ROW_COUNT, "")
    return int(text) if _COUNT.fullmatch(text) else None


def _cut(answer: Answer, why: str) -> StreamCut:
    request = f" (request {answer.request_id})" if answer.request_id else ""
    return StreamCut(why + request, told=Told(answer.status, "", answer.request_id))
