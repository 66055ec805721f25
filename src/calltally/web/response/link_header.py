"""The Link header (RFC 8288) of a page with limit and offset."""

from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import urlencode

from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.query import query_pairs
from calltally.web.response.problems import problem_instance

LINK_HEADERS: Final = {"Link": "RFC 8288: the pages first, prev, next and last, where each exists."}
# A link sets these parameters itself. It replaces a hold or an `after` by the resolved snapshot and offset.
_REPLACED: Final = frozenset({"limit", "offset", "snapshot", "hold", "after"})


class PageWindow(NamedTuple):
    """Limit, offset and total of a page, and its snapshot if any."""

    limit: int
    offset: int
    total: int
    snapshot: str | None = None


def link_header(request: AnyRequest, window: PageWindow) -> tuple[bytes, bytes]:
    """Return the Link header of a page of the requested path."""
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
