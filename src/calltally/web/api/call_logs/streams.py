"""The list as a stream: the whole window, or what limit and offset say of it, in one of several formats."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from calltally.calls.errors import InvalidInput
from calltally.calls.export_query import zone_of
from calltally.calls.filters import ListQuery
from calltally.calls.masking import mask_lines
from calltally.calls.parameters import quote_value
from calltally.calls.times import DAY_US, utc_text
from calltally.exports.window import CallWindow, first_chunk_query
from calltally.formats.table import FORMATS, Format
from calltally.formats.writer import Writer
from calltally.store.listing.list_calls import ListedPage
from calltally.web.openapi.operation import Schema
from calltally.web.request.context import AnyRequest, access_of, context_of, dependencies_of, tenant_of
from calltally.web.request.query import query_pairs
from calltally.web.response.response import Headers
from calltally.web.response.stream_response import StreamingResponse

_TEXT: Final[Schema] = {"type": "string"}
_BINARY: Final[Schema] = {"type": "string", "format": "binary"}

# What an operation that streams declares beside its JSON.
STREAMED: Final = {
    each.media_type: _TEXT if each.name in {"csv", "ndjson"} else _BINARY for each in FORMATS.values()
}
STREAM_HEADERS: Final = {
    "X-Row-Count": "Of a stream: how many calls it has, before the first of them.",
    "X-Snapshot": "Of a stream: the snapshot that all of it is of, to give back as `snapshot`.",
    "Content-Disposition": "Of CSV, Parquet and Arrow: a name to save the file by.",
}
# Stands for no limit, where a limit would: none is 0.
_ALL: Final = 0
_BY_TYPE: Final = {each.media_type.encode(): each for each in FORMATS.values()}


class StreamPlan(NamedTuple):
    """A stream that was asked for.

    `asked` tells it from all other questions, whether it was put by parameter or by Accept; `first` is the
    query of its first chunk; `most` is how many calls it has at most, None for all that there are.
    """

    form: Format
    asked: ListQuery
    first: ListQuery
    most: int | None

    def answer(self, request: AnyRequest, first: ListedPage, headers: Headers = ()) -> StreamingResponse:
        """The stream that goes on from its first chunk."""
        tenant = tenant_of(request)
        window = CallWindow(dependencies_of(request).store, tenant, self.first, first, most=self.most)
        own = (
            (b"x-row-count", b"%d" % window.rows),
            (b"x-snapshot", first.snapshot.encode()),
            *((_disposition(self.form, tenant, self.asked),) if self.form.is_saved else ()),
        )
        return StreamingResponse(
            _file(window, self.form, _zone(self.asked.tz), is_masked=access_of(request).is_masked),
            media_type=self.form.content_type.encode(),
            headers=(*headers, *own),
            is_packed=self.form.is_packed,
        )


def stream_plan(request: AnyRequest, query: ListQuery) -> StreamPlan | None:
    """The stream that a request asks for by `format`, else by Accept; None for a page of JSON.

    Raises InvalidInput for a time zone that does not exist, or that the format has no use for.
    """
    by_accept = _BY_TYPE.get(context_of(request.scope).media_type)
    form = by_accept if query.format is None else FORMATS.get(query.format)
    if query.tz is not None and not (form and form.has_zone):
        raise InvalidInput.of("tz", "tz is for CSV alone: the times of all other formats are UTC")
    if form is None:
        return None
    _zone(query.tz)
    is_limited = any(name == "limit" for name, _ in query_pairs(request.scope["query_string"]))
    most = query.limit if is_limited else None
    asked = replace(query, format=form.name, limit=most or _ALL)
    return StreamPlan(form, asked, first_chunk_query(asked, most), most)


@lru_cache(maxsize=64)
def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    zone = zone_of(name)
    if zone is None:
        raise InvalidInput.of("tz", f"tz {quote_value(name)} is not the name of an IANA time zone")
    return zone


async def _file(
    window: CallWindow, form: Format, zone: ZoneInfo | None, *, is_masked: bool
) -> AsyncGenerator[bytes]:
    """The bytes of the file. What takes long is done in a thread, so that others are answered meanwhile."""
    writer: Writer = await asyncio.to_thread(form.new_writer, zone)
    yield writer.begin()
    async with aclosing(window.chunks(form.chunk_bytes)) as chunks:
        async for records in chunks:
            yield await asyncio.to_thread(_written, writer, records, is_masked=is_masked)
    yield await asyncio.to_thread(writer.end)


def _written(writer: Writer, records: bytes, *, is_masked: bool) -> bytes:
    return writer.add(mask_lines(records) if is_masked else records)


def _disposition(form: Format, tenant: str, query: ListQuery) -> tuple[bytes, bytes]:
    """A name that says whose calls of which window they are."""
    words = ["calls", tenant]
    for word, bound_us in (("from", query.filter.from_us), ("to", query.filter.to_us)):
        words += [] if bound_us is None else [word, _day_or_time(bound_us)]
    name = "_".join(words) + form.suffix
    return b"content-disposition", f'attachment; filename="{name}"'.encode()


def _day_or_time(instant_us: int) -> str:
    day, time = utc_text(instant_us)[:-1].split("T")
    clock = time.removesuffix(".000000").replace(":", "")
    return day if instant_us % DAY_US == 0 else f"{day}T{clock}Z"
