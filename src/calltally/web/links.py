"""The Link header (RFC 8288) of a page by limit and offset."""

from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

from calltally.web.query import pairs_of

_OWN: Final = frozenset({"limit", "offset"})


def page_links(base: str, query: bytes, *, limit: int, offset: int, total: int) -> bytes:
    """first, prev, next and last, where each exists. All other parameters of `query` stay.

    `base` is the URL, or its path, without a query. `last` is the page of the same grid as `first`
    that holds the last row.
    """
    stem = f"<{base}?{_kept(query)}limit={limit}&offset="
    last = max(total - 1, 0) // limit * limit
    links = [f'{stem}0>; rel="first"']
    if offset > 0:
        links.append(f'{stem}{max(min(offset, total) - limit, 0)}>; rel="prev"')
    if offset + limit < total:
        links.append(f'{stem}{offset + limit}>; rel="next"')
    links.append(f'{stem}{last}>; rel="last"')
    return ", ".join(links).encode()


@lru_cache(maxsize=256)
def _kept(query: bytes) -> str:
    """The other parameters, encoded anew: what came may hold characters that a header must not."""
    kept = urlencode([pair for pair in pairs_of(query) if pair[0] not in _OWN])
    return f"{kept}&" if kept else ""
