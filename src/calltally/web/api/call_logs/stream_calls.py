"""`GET /api/v1/call-logs.csv`, `.ndjson`, `.parquet` and `.arrow`: the list of calls as one file.

They equal the list with `format`. Each has one media type, so that generated clients have one type of answer.
"""

from typing import Final

from litestar import get
from litestar.types import ASGIApp

from calltally.calls import export_formats
from calltally.calls.errors import InvalidInput
from calltally.calls.export_formats import ExportFormat
from calltally.calls.list_query import PARAMETERS
from calltally.web.api.call_logs.list_calls import LIST, list_call_logs
from calltally.web.api.call_logs.streams import STREAM_HEADERS, STREAMED
from calltally.web.openapi.operation import FORMAT, Operation, ResponseSpec
from calltally.web.request.context import AnyRequest
from calltally.web.request.query import query_pairs
from calltally.web.response.validators import ETAG_HEADERS

_PATH: Final = "/api/v1/call-logs."


def _stream_operation(form: ExportFormat, title: str) -> Operation:
    # A time zone is for CSV only.
    unused = {FORMAT} if form.has_zone else {FORMAT, "tz"}
    file = ResponseSpec(
        description=f"The calls as {title}.",
        schema=STREAMED[form.media_type],
        media_type=form.media_type,
        headers={**ETAG_HEADERS, **STREAM_HEADERS},
    )
    return Operation(
        id=f"streamCallLogs{form.name.capitalize()}",
        tag=LIST.tag,
        summary=f"Stream the calls of a window as {title}.",
        description="The whole window as of one snapshot, or the part that `limit` and `offset` select. It"
        f" equals `GET /api/v1/call-logs` with `format={form.name}` or with Accept.",
        scope=LIST.scope,
        is_tenant_scoped=True,
        query=tuple(each for each in PARAMETERS if each.name not in unused),
        parses_query=True,
        responses={200: file, 304: LIST.responses[304]},
        publishes_head=True,
        problems=LIST.problems,
    )


CSV: Final = _stream_operation(export_formats.CSV, "CSV")
NDJSON: Final = _stream_operation(export_formats.NDJSON, "NDJSON, one call per line")
PARQUET: Final = _stream_operation(export_formats.PARQUET, "Parquet")
ARROW: Final = _stream_operation(export_formats.ARROW, "an Arrow stream")


@get(f"{_PATH}csv", operation=CSV)
async def stream_csv(request: AnyRequest) -> ASGIApp:
    return await _stream(request)


@get(f"{_PATH}ndjson", operation=NDJSON)
async def stream_ndjson(request: AnyRequest) -> ASGIApp:
    return await _stream(request)


@get(f"{_PATH}parquet", operation=PARQUET)
async def stream_parquet(request: AnyRequest) -> ASGIApp:
    return await _stream(request)


@get(f"{_PATH}arrow", operation=ARROW)
async def stream_arrow(request: AnyRequest) -> ASGIApp:
    return await _stream(request)


async def _stream(request: AnyRequest) -> ASGIApp:
    """Answer as the list does. Admission has chosen the only media type of the path."""
    if any(name == FORMAT for name, _ in query_pairs(request.scope["query_string"])):
        raise InvalidInput.of(FORMAT, "the path names the format; leave the parameter format out")
    answer: ASGIApp = await list_call_logs.fn(request)
    return answer
