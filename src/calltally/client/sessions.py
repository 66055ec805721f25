"""Operations on voice sessions: transcripts and tool calls."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final, TypedDict, Unpack

import msgspec

from calltally.calls.conversation import Evaluation, FunctionCall, Turn
from calltally.calls.list_query import DEFAULT_LIMIT
from calltally.client.filters import Moment, check_known, query_params
from calltally.client.json_bodies import given_fields, json_request
from calltally.client.literals import SessionState
from calltally.client.paging import PAGE_SIZE, item_path, iterate_rows, list_request
from calltally.client.records import Page
from calltally.client.response_parsing import decode_page, decode_record
from calltally.client.retries import send
from calltally.client.transport import Session
from calltally.client.wire import Request

_SESSIONS_PATH: Final = "/api/v1/voice-sessions"


class SessionRecord(msgspec.Struct, frozen=True):
    """One session without its transcript. `status` is active, completed or failed; times are RFC 3339."""

    id: str
    call_sid: str
    call_id: str
    status: str
    created_at: str
    stream_id: str | None = None
    agent_key: str | None = None
    summary: str | None = None
    tags: tuple[str, ...] = ()
    evaluation: Evaluation | None = None
    function_call_count: int | None = None
    transcript_turn_count: int | None = None
    ended_at: str | None = None
    revision: int | None = None
    updated_at: str | None = None


class SessionDetail(SessionRecord, frozen=True):
    """Session with its turns and tool calls, None if they are unknown or the key may not read them."""

    transcript: tuple[Turn, ...] | None = None
    function_calls: tuple[FunctionCall, ...] | None = None


class SessionStored(msgspec.Struct, frozen=True):
    """Result of storing a session. `outcome` is applied, duplicate or ignored."""

    id: str
    outcome: str
    call_id: str
    reason: str | None = None
    revision: int | None = None


class SessionFilters(TypedDict, total=False):
    """Filters of sessions."""

    status: SessionState | None
    stream_id: str | None
    agent_key: str | None


_SESSION_FILTERS: Final = frozenset(SessionFilters.__annotations__)


class SessionEvent(TypedDict, total=False):
    """Fields of a session to store. Absent fields and None leave the stored values unchanged.

    A list replaces the stored list, but tags accumulate. `call_sid` is required if no call refers to the
    session yet. `occurred_at` orders several requests.
    """

    call_sid: str | None
    stream_id: str | None
    agent_key: str | None
    status: SessionState | None
    started_at: Moment | None
    ended_at: Moment | None
    summary: str | None
    tags: Sequence[str] | None
    evaluation: Evaluation | Mapping[str, Any] | None
    transcript: Sequence[Turn | Mapping[str, Any]] | None
    function_calls: Sequence[FunctionCall | Mapping[str, Any]] | None
    occurred_at: Moment | None


_SESSION_FIELDS: Final = frozenset(SessionEvent.__annotations__)
SessionPage = Page[SessionRecord]
_session_page_decoder: Final = msgspec.json.Decoder(SessionPage)
_session_decoder: Final = msgspec.json.Decoder(SessionDetail)
_stored_decoder: Final = msgspec.json.Decoder(SessionStored)


async def list_sessions(
    session: Session, *, limit: int = DEFAULT_LIMIT, offset: int = 0, **filters: Unpack[SessionFilters]
) -> SessionPage:
    """Return a page of sessions, newest first. Raises ClientError."""
    request = _list_request(limit, offset, filters)
    return decode_page(await send(session, request), _session_page_decoder)


def iter_sessions(
    session: Session, *, page_size: int = PAGE_SIZE, **filters: Unpack[SessionFilters]
) -> AsyncGenerator[SessionRecord, None]:
    """Iterate over all matching sessions, and fetch each page when it is needed.

    The pages have no snapshot: new sessions move others to later pages. Raises ClientError.
    """
    return iterate_rows(session, _list_request(page_size, 0, filters), _session_page_decoder)


async def get_session(session: Session, session_id: str) -> SessionDetail:
    """Return one session with its transcript. Raises NotFoundError, ClientError."""
    return decode_record(await send(session, Request("GET", _session_path(session_id))), _session_decoder)


async def put_session(session: Session, session_id: str, **fields: Unpack[SessionEvent]) -> SessionStored:
    """Store fields of a session, in any number of requests, in any order, and repeatedly.

    Raises InvalidArgument for values that are not JSON, BadRequestError for invalid fields, and ErasedError
    if the call was erased.
    """
    check_known(fields, _SESSION_FIELDS)
    request = json_request("PUT", _session_path(session_id), given_fields(fields))
    return decode_record(await send(session, request), _stored_decoder)


def _list_request(limit: int, offset: int, filters: SessionFilters) -> Request:
    return list_request(_SESSIONS_PATH, query_params(filters, _SESSION_FILTERS), limit, offset)


def _session_path(session_id: str) -> str:
    return item_path(_SESSIONS_PATH, session_id, "session_id", "the id of a session")
