"""What a client can do, each once: conversations that the blocking and the awaiting client carry out."""

from typing import Final, Unpack
from urllib.parse import quote

import msgspec

from calltally.calls.errors import InvalidInput
from calltally.client.config import Plan
from calltally.client.filters import FILTERS, WINDOW, Filters, Window, pairs_of
from calltally.client.paging import PAGE_SIZE, walk_pages, walk_rows
from calltally.client.records import CallDetail, CallEvent, CallPage, CallRecord, EventPage
from calltally.client.response_parsing import read, read_page
from calltally.client.retries import send
from calltally.client.sans_io import Talk, Walk
from calltally.client.wire import Answer, Request

CALLS: Final = "/api/v1/call-logs"
_page: Final = msgspec.json.Decoder(CallPage)
_events: Final = msgspec.json.Decoder(EventPage)
_detail: Final = msgspec.json.Decoder(CallDetail)


def list_calls(plan: Plan, **window: Unpack[Window]) -> Talk[CallPage]:
    """One page of the calls that match, 25 unless `limit` says otherwise.

    Raises InvalidInput for a value that cannot be sent, and ClientError.
    """
    answer = yield from send(plan, Request("GET", CALLS, pairs_of(window, WINDOW)))
    return read_call_page(answer)


def iter_calls(plan: Plan, *, page_size: int = PAGE_SIZE, **filters: Unpack[Filters]) -> Walk[CallRecord]:
    """All calls that match, page by page as they are needed.

    Where the server has snapshots, all pages are of the instant of the first one. Where it has none, calls
    that come or change meanwhile move others from page to page: ask for a window that is past. Raises
    InvalidInput and ClientError, at the page where it happens.
    """
    return walk_rows(plan, _first(page_size, filters), read_call_page)


def iter_call_pages(plan: Plan, *, page_size: int = PAGE_SIZE, **filters: Unpack[Filters]) -> Walk[CallPage]:
    """The same page by page, for those who keep something with each. The last one may be empty."""
    return walk_pages(plan, _first(page_size, filters), read_call_page)


def get_call(plan: Plan, call_id: str) -> Talk[CallDetail]:
    """One call with its timeline, by any id or SID that ever was its own.

    Raises NotFound, Erased, ClientError.
    """
    answer = yield from send(plan, Request("GET", _call_path(call_id)))
    return read(answer, _detail)


def list_call_events(plan: Plan, call_id: str, *, limit: int = 25, offset: int = 0) -> Talk[EventPage]:
    """A page of what was told of one call, applied or not, with bodies.

    Raises NotFound, Erased, ClientError.
    """
    answer = yield from send(plan, _events_request(call_id, limit, offset))
    return read_event_page(answer)


def iter_call_events(plan: Plan, call_id: str, *, page_size: int = PAGE_SIZE) -> Walk[CallEvent]:
    """All that was told of one call. Raises NotFound, Erased, ClientError."""
    return walk_rows(plan, _events_request(call_id, page_size, 0), read_event_page)


def read_call_page(answer: Answer) -> CallPage:
    """The page of calls in an answer; raises UnexpectedAnswer."""
    return read_page(answer, _page)


def read_event_page(answer: Answer) -> EventPage:
    """The page of events in an answer; raises UnexpectedAnswer."""
    return read_page(answer, _events)


def _first(page_size: int, filters: Filters) -> Request:
    pairs = pairs_of(filters, FILTERS)
    return Request("GET", CALLS, [*pairs, ("limit", str(page_size)), ("offset", "0")])


def _events_request(call_id: str, limit: int, offset: int) -> Request:
    return Request("GET", f"{_call_path(call_id)}/events", [("limit", str(limit)), ("offset", str(offset))])


def _call_path(call_id: str) -> str:
    if not call_id or call_id in {".", ".."}:
        raise InvalidInput.of("call_id", f"call_id must be the id or SID of a call, not {call_id!r}")
    return f"{CALLS}/{quote(call_id, safe='')}"
