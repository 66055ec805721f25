"""Iteration over the pages of a list, with and without links from the server."""

from collections.abc import AsyncGenerator
from typing import Final, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

from msgspec.json import Decoder

from calltally.client.errors import InvalidArgument
from calltally.client.records import Page
from calltally.client.response_parsing import decode_page, unexpected_answer
from calltally.client.retries import send
from calltally.client.transport import Session
from calltally.client.wire import Answer, QueryParams, Request

T = TypeVar("T")

PAGE_SIZE: Final = 1_000
# Each of them fixes the state that the pages belong to.
_PINNING_PARAMS: Final = frozenset({"snapshot", "hold"})


async def iterate_pages(
    session: Session, request: Request, decoder: Decoder[Page[T]]
) -> AsyncGenerator[Page[T], None]:
    """Iterate over the pages from `request` on until all rows have come. The last page may be empty."""
    next_request: Request | None = request
    while next_request is not None:
        sent = next_request
        answer = await send(session, sent)
        page = decode_page(answer, decoder)
        yield page
        next_request = next_page_request(sent, answer, page)


async def iterate_rows(
    session: Session, request: Request, decoder: Decoder[Page[T]]
) -> AsyncGenerator[T, None]:
    async for page in iterate_pages(session, request, decoder):
        for row in page.data:
            yield row


def list_request(path: str, pairs: QueryParams, limit: int, offset: int = 0) -> Request:
    return Request("GET", path, [*pairs, ("limit", str(limit)), ("offset", str(offset))])


def item_path(collection: str, item_id: str, name: str, meaning: str) -> str:
    """Return the path of one item. Raises InvalidArgument for an id that would lead to another path."""
    if not item_id or item_id in {".", ".."}:
        raise InvalidArgument.of(name, f"{name} must be {meaning}, not {item_id!r}")
    return f"{collection}/{quote(item_id, safe='')}"


def next_page_request(request: Request, answer: Answer, page: Page[T]) -> Request | None:
    """Return the request for the next page, by its link if there is one, or None after the last page.

    Only the parameters of a link count: it may contain another address of the server, and the key must go to
    the client's base URL only. The offset always comes from the number of rows received. Raises
    UnexpectedAnswer for pages that make no progress.
    """
    next_offset = page.offset + len(page.data)
    # The link of an empty page does not count.
    link = page.links.get("next") if page.data else None
    link_params = parse_qsl(urlsplit(link).query, keep_blank_values=True) if link else None
    if link_params is None and not _has_next_page(request, answer, page):
        return None
    if next_offset <= requested_offset(request.params):
        raise unexpected_answer(
            answer, f"the page at offset {page.offset} is followed by offset {next_offset}"
        )
    next_request = request._replace(params=link_params) if link_params else request
    if page.snapshot is not None and not _is_pinned(next_request.params):
        next_request = next_request.with_params(snapshot=page.snapshot)
    return next_request.with_params(offset=str(next_offset))


def _has_next_page(request: Request, answer: Answer, page: Page[T]) -> bool:
    """Decide whether another page follows.

    A short page is not the last: a server may limit pages or omit erased calls. An empty page is the last.
    """
    if page.total is None:
        return bool(page.data)
    has_next = page.offset + len(page.data) < page.total
    if has_next and not page.data and _is_pinned(request.params):
        raise unexpected_answer(answer, f"the page at offset {page.offset} of {page.total} calls is empty")
    return has_next and bool(page.data)


def _is_pinned(params: QueryParams) -> bool:
    return any(name in _PINNING_PARAMS for name, _ in params)


def requested_offset(params: QueryParams) -> int:
    return int(dict(params).get("offset", "0"))
