"""From one page to the next, on servers that help with it and on those that do not."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar
from urllib.parse import parse_qsl, urlsplit

from calltally.client.config import Plan
from calltally.client.records import Page
from calltally.client.response_parsing import unexpected
from calltally.client.retries import send
from calltally.client.sans_io import Items, Walk, flattened
from calltally.client.wire import Answer, Pairs, Request

T = TypeVar("T")

PAGE_SIZE: Final = 1_000
# Either of them says which state the pages are of.
_STATES: Final = frozenset({"snapshot", "hold"})


def walk_pages(plan: Plan, request: Request, read: Callable[[Answer], Page[T]]) -> Walk[Page[T]]:
    """Every page from `request` on, until all rows were seen. The last one may be empty."""
    following: Request | None = request
    while following is not None:
        asked = following
        answer = yield from send(plan, asked)
        page = read(answer)
        yield Items((page,))
        following = next_page(asked, answer, page)


def walk_rows(plan: Plan, request: Request, read: Callable[[Answer], Page[T]]) -> Walk[T]:
    """Every row of those pages."""
    return flattened(walk_pages(plan, request, read), _rows)


def _rows(page: Page[T]) -> Sequence[T]:
    return page.data


def next_page(asked: Request, answer: Answer, page: Page[T]) -> Request | None:
    """The request for the page that follows, by its link where there is one; None where nothing follows.

    Only the parameters of a link are taken: it may name the server as others see it, and the key goes to no
    address but the client's own. The offset is always counted here, by the rows that really came. Raises
    UnexpectedAnswer for pages that lead nowhere.
    """
    reached = page.offset + len(page.data)
    linked = _linked(page)
    if linked is None and not _goes_on(asked, answer, page):
        return None
    if reached <= offset_of(asked.params):
        raise unexpected(answer, f"the page at offset {page.offset} leads to offset {reached}")
    following = asked._replace(params=linked) if linked else asked
    return _in_its_state(following, page).asking(offset=str(reached))


def _linked(page: Page[T]) -> Pairs | None:
    """The parameters of the link to the next page. Of an empty page none is followed."""
    target = page.links.get("next")
    return parse_qsl(urlsplit(target).query, keep_blank_values=True) if target and page.data else None


def _goes_on(asked: Request, answer: Answer, page: Page[T]) -> bool:
    """A short page is no end: a server may cap pages, or leave out what was erased. An empty one is."""
    if page.total is None:
        return bool(page.data)
    goes_on = page.offset + len(page.data) < page.total
    if goes_on and not page.data and _holds_still(asked.params):
        raise unexpected(answer, f"the page at offset {page.offset} of {page.total} calls is empty")
    return goes_on and bool(page.data)


def _in_its_state(following: Request, page: Page[T]) -> Request:
    if page.snapshot is None or _holds_still(following.params):
        return following
    return following.asking(snapshot=page.snapshot)


def _holds_still(params: Pairs) -> bool:
    return any(name in _STATES for name, _ in params)


def offset_of(params: Pairs) -> int:
    """The offset that a request asks for."""
    return int(dict(params).get("offset", "0"))
