"""Operations on calls, implemented once for the blocking and the asyncio client."""

from collections.abc import AsyncGenerator
from typing import Final, Unpack

import msgspec

from calltally.client.filters import FILTER_PARAMS, WINDOW_PARAMS, Filters, Window, query_params
from calltally.client.paging import PAGE_SIZE, item_path, iterate_pages, iterate_rows
from calltally.client.records import CallDetail, CallEvent, CallPage, CallRecord, EventPage
from calltally.client.response_parsing import decode_page, decode_record
from calltally.client.retries import send
from calltally.client.transport import Session
from calltally.client.wire import Answer, Request

CALLS_PATH: Final = "/api/v1/call-logs"
_call_page_decoder: Final = msgspec.json.Decoder(CallPage)
_event_page_decoder: Final = msgspec.json.Decoder(EventPage)
_call_detail_decoder: Final = msgspec.json.Decoder(CallDetail)


async def list_calls(session: Session, **window: Unpack[Window]) -> CallPage:
    """Return one page of the matching calls, with 25 calls unless `limit` is given.

    Raises InvalidInput for a value that cannot be sent, and ClientError.
    """
    request = Request("GET", CALLS_PATH, query_params(window, WINDOW_PARAMS))
    return decode_call_page(await send(session, request))


def iter_calls(
    session: Session, *, page_size: int = PAGE_SIZE, **filters: Unpack[Filters]
) -> AsyncGenerator[CallRecord, None]:
    """Iterate over all matching calls, and fetch each page when it is needed.

    On a server with snapshots, all pages belong to the snapshot of the first page. Without snapshots, new and
    changed calls move others from page to page: request a window in the past. Raises InvalidInput and
    ClientError, at the page that causes it.
    """
    return iterate_rows(session, _first_page_request(page_size, filters), decode_call_page)


def iter_call_pages(
    session: Session, *, page_size: int = PAGE_SIZE, **filters: Unpack[Filters]
) -> AsyncGenerator[CallPage, None]:
    """Iterate over the pages of `iter_calls`. The last page may be empty."""
    return iterate_pages(session, _first_page_request(page_size, filters), decode_call_page)


async def get_call(session: Session, call_id: str) -> CallDetail:
    """Return one call with its timeline, by any of its present or former ids and SIDs.

    Raises NotFoundError, ErasedError, ClientError.
    """
    return decode_record(await send(session, Request("GET", _call_path(call_id))), _call_detail_decoder)


async def list_call_events(session: Session, call_id: str, *, limit: int = 25, offset: int = 0) -> EventPage:
    """Return a page of the facts of one call with their bodies, whether they were applied or not.

    Raises NotFoundError, ErasedError, ClientError.
    """
    return decode_event_page(await send(session, _events_request(call_id, limit, offset)))


def iter_call_events(
    session: Session, call_id: str, *, page_size: int = PAGE_SIZE
) -> AsyncGenerator[CallEvent, None]:
    """Iterate over all facts of one call. Raises NotFoundError, ErasedError, ClientError."""
    return iterate_rows(session, _events_request(call_id, page_size, 0), decode_event_page)


def decode_call_page(answer: Answer) -> CallPage:
    """Decode a page of calls. Raises UnexpectedAnswer."""
    return decode_page(answer, _call_page_decoder)


def decode_event_page(answer: Answer) -> EventPage:
    """Decode a page of events. Raises UnexpectedAnswer."""
    return decode_page(answer, _event_page_decoder)


def _first_page_request(page_size: int, filters: Filters) -> Request:
    pairs = query_params(filters, FILTER_PARAMS)
    return Request("GET", CALLS_PATH, [*pairs, ("limit", str(page_size)), ("offset", "0")])


def _events_request(call_id: str, limit: int, offset: int) -> Request:
    return Request("GET", f"{_call_path(call_id)}/events", [("limit", str(limit)), ("offset", str(offset))])


def _call_path(call_id: str) -> str:
    return item_path(CALLS_PATH, call_id, "call_id", "the id or SID of a call")
