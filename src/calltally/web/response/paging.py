"""Pages with limit and offset: their declaration, response and Link header (RFC 8288)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from calltally.calls.list_query import DEFAULT_LIMIT, MAX_OFFSET
from calltally.calls.parameters import Parameter, range_schema, read_values, whole_number
from calltally.web.openapi.operation import ResponseSpec, one_response
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.query import query_pairs
from calltally.web.response.problems import problem_instance
from calltally.web.response.response import Response

LINK_HEADERS: Final = {"Link": "RFC 8288: the pages first, prev, next and last, where each exists."}
# A link sets these parameters itself. It replaces a hold or an `after` by the resolved snapshot and offset.
_REPLACED: Final = frozenset({"limit", "offset", "snapshot", "hold", "after"})


class PageFields(msgspec.Struct, frozen=True, kw_only=True):
    """Fields of every page after its data."""

    limit: int
    offset: int
    total: int


class PageWindow(NamedTuple):
    """Limit, offset and total of a page, and its snapshot if any."""

    limit: int
    offset: int
    total: int
    snapshot: str | None = None


def page_parameters(what: str, *, most: int, default: int = DEFAULT_LIMIT) -> tuple[Parameter, Parameter]:
    """Return the parameters `limit` (1 to `most`) and `offset` of a list of `what`.

    Each operation sets its largest page, and may set the page size without `limit` (`default`).
    """
    limits, offsets = range_schema(1, most, default), range_schema(0, MAX_OFFSET, 0)
    return (
        Parameter(
            "limit",
            "limit",
            f"Maximum number of {what} to return.",
            limits,
            str(default),
            whole_number(1, most),
        ),
        Parameter(
            "offset", "offset", f"Number of {what} to skip.", offsets, "0", whole_number(0, MAX_OFFSET)
        ),
    )


def page_response(
    schema: type, data: Sequence[Any], limit: int, description: str = "One page."
) -> dict[int, ResponseSpec]:
    """Return the declared response of a list with one example."""
    example = {"data": data, "limit": limit, "offset": 0, "total": 1}
    return one_response(200, description, schema, example, headers=LINK_HEADERS)


def requested_page(request: AnyRequest, parameters: Iterable[Parameter]) -> dict[str, int]:
    return page_in(query_pairs(request.scope["query_string"]), parameters)


def page_in(pairs: Iterable[tuple[str, str]], parameters: Iterable[Parameter]) -> dict[str, int]:
    """Return the limit and the offset in `pairs`; other pairs are ignored."""
    by_name = {each.name: each for each in parameters}
    defaults = {name: int(each.example) for name, each in by_name.items()}
    return {**defaults, **read_values([pair for pair in pairs if pair[0] in by_name], by_name)}


def list_response(
    request: AnyRequest, kind: Callable[..., Any], data: Sequence[Any], page: Mapping[str, int], total: int
) -> Response:
    """Return a page with its links; `kind` is the Struct of its body."""
    window = PageWindow(page["limit"], page["offset"], total)
    body = kind(data=data, **page, total=total)
    return Response.json(body, headers=(link_header(request, window),))


def link_header(request: AnyRequest, window: PageWindow) -> tuple[bytes, bytes]:
    base = (dependencies_of(request).public_url or "") + problem_instance(request.scope)
    return b"link", page_links(base, request.scope["query_string"], window)


def page_links(base: str, query: bytes, window: PageWindow) -> bytes:
    """Return the links first, prev, next and last, as far as each exists, within one snapshot.

    All other parameters of `query` stay. `base` is the URL or its path, without a query. `last` is the page
    of the same grid as `first` that holds the last row.
    """
    limit, offset, total, snapshot = window
    state = f"snapshot={snapshot}&" if snapshot else ""
    stem = f"<{base}?{_other_parameters(query)}{state}limit={limit}&offset="
    last = max(total - 1, 0) // limit * limit
    links = [f'{stem}0>; rel="first"']
    if offset > 0:
        links.append(f'{stem}{max(min(offset, total) - limit, 0)}>; rel="prev"')
    if offset + limit < total:
        links.append(f'{stem}{offset + limit}>; rel="next"')
    links.append(f'{stem}{last}>; rel="last"')
    return ", ".join(links).encode()


@lru_cache(maxsize=256)
def _other_parameters(query: bytes) -> str:
    """Encode the other parameters again: the original may have characters that a header must not contain."""
    pairs = [pair for pair in query_pairs(query) if pair[0] not in _REPLACED]
    return f"{urlencode(pairs)}&" if pairs else ""
