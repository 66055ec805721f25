"""Operations on calls, implemented once for the blocking and the asyncio client."""

from typing import Final, Unpack
from urllib.parse import quote

import msgspec

from calltally.calls.errors import InvalidInput
from calltally.client.config import ClientConfig
from calltally.client.filters import FILTER_PARAMS, WINDOW_PARAMS, Filters, Window, query_params
from calltally.client.paging import PAGE_SIZE, iterate_pages, iterate_rows
from calltally.client.records import CallDetail, CallEvent, CallPage, CallRecord, EventPage
from calltally.client.response_parsing import decode_page, decode_record
from calltally.client.retries import send
from calltally.client.sans_io import ClientIteration, ClientOperation
from calltally.client.wire import Answer, Request

CALLS_PATH: Final = "/api/v1/call-logs"
_call_page_decoder: Final = msgspec.json.Decoder(CallPage)
_event_page_decoder: Final = msgspec.json.Decoder(EventPage)
_call_detail_decoder: Final = msgspec.json.Decoder(CallDetail)


def list_calls(config: ClientConfig, **window: Unpack[Window]) -> ClientOperation[CallPage]:
    """Return one page of the matching calls, with 25 calls unless `limit` is given.

    Raises InvalidInput for a value that cannot be sent, and ClientError.
    """
    answer = yield from send(config, Request("GET", CALLS_PATH, query_params(window, WINDOW_PARAMS)))
    return decode_call_page(answer)


def iter_calls(
    config: ClientConfig, *, page_size: int = PAGE_SIZE, **filters: Unpack[Filters]
) -> ClientIteration[CallRecord]:
    """Iterate over all matching calls, and fetch each page when it is needed.

    On a server with snapshots, all pages belong to the snapshot of the first page. Without snapshots, new and
    changed calls move others from page to page: request a window in the past. Raises InvalidInput and
    ClientError, at the page that causes it.
    """
    return iterate_rows(config, _first_page_request(page_size, filters), decode_call_page)


def iter_call_pages(
    config: ClientConfig, *, page_size: int = PAGE_SIZE, **filters: Unpack[Filters]
) -> ClientIteration[CallPage]:
    """Iterate over the pages of `iter_calls`. The last page may be empty."""
    return iterate_pages(config, _first_page_request(page_size, filters), decode_call_page)


def get_call(config: ClientConfig, call_id: str) -> ClientOperation[CallDetail]:
    """Return one call with its timeline, by any of its present or former ids and SIDs.

    Raises NotFound, Erased, ClientError.
    """
    answer = yield from send(config, Request("GET", _call_path(call_id)))
    return decode_record(answer, _call_detail_decoder)


def list_call_events(
    config: ClientConfig, call_id: str, *, limit: int = 25, offset: int = 0
) -> ClientOperation[EventPage]:
    """Return a page of the facts of one call with their bodies, whether they were applied or not.

    Raises NotFound, Erased, ClientError.
    """
    answer = yield from send(config, _events_request(call_id, limit, offset))
    return decode_event_page(answer)


def iter_call_events(
    config: ClientConfig, call_id: str, *, page_size: int = PAGE_SIZE
) -> ClientIteration[CallEvent]:
    """Iterate over all facts of one call. Raises NotFound, Erased, ClientError."""
    return iterate_rows(config, _events_request(call_id, page_size, 0), decode_event_page)


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
    if not call_id or call_id in {".", ".."}:
        raise InvalidInput.of("call_id", f"call_id must be the id or SID of a call, not {call_id!r}")
    return f"{CALLS_PATH}/{quote(call_id, safe='')}"
