"""The list of calls as a file stream in one of several formats."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from calltally.calls.errors import InvalidInput
from calltally.calls.export_formats import FORMATS, ExportFormat
from calltally.calls.export_query import zone_of
from calltally.calls.list_query import ListQuery
from calltally.calls.masking import mask_lines
from calltally.calls.parameters import quote_value
from calltally.calls.times import DAY_US, utc_text
from calltally.exports.window import CallWindow, first_chunk_query
from calltally.formats.writers import Writer, check_server_format, new_writer
from calltally.store.listing.list_calls import ListedPage
from calltally.web.openapi.operation import Schema
from calltally.web.request.context import AnyRequest, access_of, context_of, dependencies_of, tenant_of
from calltally.web.request.query import query_pairs
from calltally.web.response.response import Headers, StreamingResponse

_TEXT: Final[Schema] = {"type": "string"}
# Generators read only the types `text/` as text, and no lines of JSON.
_BINARY: Final[Schema] = {"type": "string", "format": "binary"}

# Media types of a streaming operation besides JSON.
STREAMED: Final = {
    each.media_type: _TEXT if each.media_type.startswith("text/") else _BINARY for each in FORMATS.values()
}
STREAM_HEADERS: Final = {
    "X-Row-Count": "The number of calls, sent before the first one.",
    "X-Snapshot": "The snapshot of the stream, for use as `snapshot`.",
    "Content-Disposition": "CSV, Parquet and Arrow: a file name for the download.",
}
# Marks an unlimited stream; a requested limit is at least 1.
_UNLIMITED: Final = 0
_BY_TYPE: Final = {each.media_type.encode(): each for each in FORMATS.values()}


class StreamPlan(NamedTuple):
    """A requested stream.

    `requested` identifies the request, by parameter or by Accept, in the ETag. `first` is the query of the
    first chunk. `most` is the limit of calls; None for all.
    """

    form: ExportFormat
    requested: ListQuery
    first: ListQuery
    most: int | None

    def answer(self, request: AnyRequest, first: ListedPage, headers: Headers = ()) -> StreamingResponse:
        """Return the streaming response that continues after its first chunk."""
        tenant = tenant_of(request)
        window = CallWindow(dependencies_of(request).store, tenant, self.first, first, most=self.most)
        stream_headers = (
            (b"x-row-count", b"%d" % window.rows),
            (b"x-snapshot", first.snapshot.encode()),
            *((_disposition(self.form, tenant, self.requested),) if self.form.is_saved else ()),
        )
        return StreamingResponse(
            _file_chunks(
                window, self.form, _time_zone(self.requested.tz), is_masked=access_of(request).is_masked
            ),
            media_type=self.form.content_type.encode(),
            headers=(*headers, *stream_headers),
            is_compressed=self.form.is_compressed,
        )


def stream_plan(request: AnyRequest, query: ListQuery) -> StreamPlan | None:
    """Return the stream that `format` or Accept requests; None for a JSON page.

    Raises InvalidInput for an unknown time zone, or for a time zone with a format other than CSV, and
    FormatUnavailable.
    """
    by_accept = _BY_TYPE.get(context_of(request.scope).media_type)
    form = by_accept if query.format is None else FORMATS.get(query.format)
    if query.tz is not None and not (form and form.has_zone):
        raise InvalidInput.of("tz", "tz applies only to CSV; all other formats have times in UTC")
    if form is None:
        return None
    check_server_format(form)
    _time_zone(query.tz)
    is_limited = any(name == "limit" for name, _ in query_pairs(request.scope["query_string"]))
    most = query.limit if is_limited else None
    requested = replace(query, format=form.name, limit=most or _UNLIMITED)
    return StreamPlan(form, requested, first_chunk_query(requested, most), most)


@lru_cache(maxsize=64)
def _time_zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    zone = zone_of(name)
    if zone is None:
        raise InvalidInput.of("tz", f"tz {quote_value(name)} is not the name of an IANA time zone")
    return zone


async def _file_chunks(
    window: CallWindow, form: ExportFormat, zone: ZoneInfo | None, *, is_masked: bool
) -> AsyncGenerator[bytes]:
    """Yield the bytes of the file. Slow steps run in a thread, so that the event loop stays responsive."""
    writer: Writer = await asyncio.to_thread(new_writer, form, zone)
    yield writer.begin()
    async with aclosing(window.chunks(form.chunk_bytes)) as chunks:
        async for records in chunks:
            yield await asyncio.to_thread(_write_chunk, writer, records, is_masked=is_masked)
    yield await asyncio.to_thread(writer.end)


def _write_chunk(writer: Writer, records: bytes, *, is_masked: bool) -> bytes:
    return writer.add(mask_lines(records) if is_masked else records)


def _disposition(form: ExportFormat, tenant: str, query: ListQuery) -> tuple[bytes, bytes]:
    words = ["calls", tenant]
    for word, bound_us in (("from", query.filter.from_us), ("to", query.filter.to_us)):
        words += [] if bound_us is None else [word, _day_or_time(bound_us)]
    name = "_".join(words) + form.suffix
    return b"content-disposition", f'attachment; filename="{name}"'.encode()


def _day_or_time(instant_us: int) -> str:
    day, time = utc_text(instant_us)[:-1].split("T")
    clock = time.removesuffix(".000000").replace(":", "")
    return day if instant_us % DAY_US == 0 else f"{day}T{clock}Z"
