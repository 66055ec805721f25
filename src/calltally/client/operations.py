"""Operations on calls and the change feed, for the blocking and the asyncio client."""

from collections.abc import AsyncGenerator
from typing import Final, Unpack

import msgspec

from calltally.calls.list_query import DEFAULT_LIMIT
from calltally.client.filters import FILTER_PARAMS, WINDOW_PARAMS, Filters, Window, query_params
from calltally.client.paging import PAGE_SIZE, item_path, iterate_pages, iterate_rows, list_request
from calltally.client.records import (
    CallDetail,
    CallEvent,
    CallPage,
    CallRecord,
    Change,
    ChangePage,
    EventPage,
)
from calltally.client.response_parsing import (
    decode_change_page,
    decode_page,
    decode_record,
    unexpected_answer,
)
from calltally.client.retries import send, send_with
from calltally.client.transport import Session
from calltally.client.wire import Answer, Request

CALLS_PATH: Final = "/api/v1/call-logs"
CHANGES_PATH: Final = "/api/v1/changes"
FOLLOW_WAIT_S: Final = 30
_call_page_decoder: Final = msgspec.json.Decoder(CallPage)
_event_page_decoder: Final = msgspec.json.Decoder(EventPage)
_call_detail_decoder: Final = msgspec.json.Decoder(CallDetail)


async def list_calls(session: Session, **window: Unpack[Window]) -> CallPage:
    """Return one page of the matching calls. Without `limit` the server chooses its size.

    Raises InvalidArgument for a value that cannot be sent, and ClientError.
    """
    request = Request("GET", CALLS_PATH, query_params(window, WINDOW_PARAMS))
    return decode_page(await send(session, request), _call_page_decoder)


def iter_calls(
    session: Session, *, page_size: int = PAGE_SIZE, **filters: Unpack[Filters]
) -> AsyncGenerator[CallRecord, None]:
    """Iterate over all matching calls, and fetch each page when it is needed.

    On a server with snapshots, all pages belong to the snapshot of the first page. Without snapshots, new and
    changed calls move others from page to page: request a window in the past. Raises InvalidArgument and
    ClientError, at the page that causes it.
    """
    return iterate_rows(session, _first_page_request(page_size, filters), _call_page_decoder)


def iter_call_pages(
    session: Session, *, page_size: int = PAGE_SIZE, **filters: Unpack[Filters]
) -> AsyncGenerator[CallPage, None]:
    """Iterate over the pages of `iter_calls`. The last page may be empty."""
    return iterate_pages(session, _first_page_request(page_size, filters), _call_page_decoder)


async def get_call(session: Session, call_id: str) -> CallDetail:
    """Return one call with its timeline, by any of its present or former ids and SIDs.

    Raises NotFoundError, ErasedError, ClientError.
    """
    return decode_record(await send(session, Request("GET", _call_path(call_id))), _call_detail_decoder)


async def list_call_events(
    session: Session, call_id: str, *, limit: int = DEFAULT_LIMIT, offset: int = 0
) -> EventPage:
    """Return a page of the facts of one call with their bodies, whether they were applied or not.

    Raises NotFoundError, ErasedError, ClientError.
    """
    request = _events_request(call_id, limit, offset)
    return decode_page(await send(session, request), _event_page_decoder)


def iter_call_events(
    session: Session, call_id: str, *, page_size: int = PAGE_SIZE
) -> AsyncGenerator[CallEvent, None]:
    """Iterate over all facts of one call. Raises NotFoundError, ErasedError, ClientError."""
    return iterate_rows(session, _events_request(call_id, page_size, 0), _event_page_decoder)


def _first_page_request(page_size: int, filters: Filters) -> Request:
    return list_request(CALLS_PATH, query_params(filters, FILTER_PARAMS), page_size)


def _events_request(call_id: str, limit: int, offset: int) -> Request:
    return list_request(f"{_call_path(call_id)}/events", (), limit, offset)


def _call_path(call_id: str) -> str:
    return item_path(CALLS_PATH, call_id, "call_id", "the id or SID of a call")


async def changes(session: Session, after: str | int = 0, *, limit: int = 100, wait_s: int = 0) -> ChangePage:
    """Return the changes after a position: the `next` of the page before, a `snapshot`, or 0 for the start.

    `wait_s` (at most 30) makes the request a long poll. Raises SnapshotGoneError if `after` has expired
    (make a new copy), and ClientError.
    """
    _, page = await _fetch_changes(session, after, limit, wait_s)
    return page


async def iter_change_pages(
    session: Session,
    after: str | int = 0,
    *,
    follow: bool = False,
    limit: int = 1_000,
    wait_s: int = FOLLOW_WAIT_S,
) -> AsyncGenerator[ChangePage, None]:
    """Iterate over the pages of the feed until there are no more changes, or without end with `follow`.

    Store `next` together with the applied changes of a page, so that a stopped follower continues there.
    With `follow`, a page may be empty. Raises as `changes` does.
    """
    has_next = True
    while has_next:
        long_poll_s = wait_s if follow else 0
        answer, page = await _fetch_changes(session, after, limit, long_poll_s)
        yield page
        if page.has_more and str(page.next) == str(after):
            raise unexpected_answer(answer, f"the feed has more after {after} but does not advance")
        after, has_next = page.next, page.has_more or follow


async def iter_changes(
    session: Session,
    after: str | int = 0,
    *,
    follow: bool = False,
    limit: int = 1_000,
    wait_s: int = FOLLOW_WAIT_S,
) -> AsyncGenerator[Change, None]:
    """Iterate over single changes, for callers that need no position to resume. Raises as `changes` does."""
    async for page in iter_change_pages(session, after, follow=follow, limit=limit, wait_s=wait_s):
        for change in page.data:
            yield change


async def _fetch_changes(
    session: Session, after: str | int, limit: int, wait_s: int
) -> tuple[Answer, ChangePage]:
    params = [("after", str(after)), ("limit", str(limit)), *([("wait", str(wait_s))] if wait_s else [])]
    answer = await send_with(session, Request("GET", CHANGES_PATH, params), long_poll_s=wait_s)
    return answer, decode_change_page(answer)
