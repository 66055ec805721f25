"""Voice sessions of a server: what was said in calls, read and stored."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict, Unpack
from urllib.parse import quote

import msgspec

from calltally.calls.conversation import Evaluation, FunctionCall, Turn
from calltally.calls.errors import InvalidInput
from calltally.client.config import Plan
from calltally.client.paging import PAGE_SIZE, walk_rows
from calltally.client.records import Page
from calltally.client.response_parsing import read, read_page
from calltally.client.retries import send
from calltally.client.sans_io import Talk, Walk
from calltally.client.wire import Answer, Pairs, Request

_PATH: Final = "/api/v1/voice-sessions"
_JSON: Final = {"content-type": "application/json"}


class SessionRecord(msgspec.Struct, frozen=True):
    """One session, without what was said. `status` is active, completed or failed; times are RFC 3339."""

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
    """The same with turns and calls of tools: None where nobody told, or the key may not read them."""

    transcript: tuple[Turn, ...] | None = None
    function_calls: tuple[FunctionCall, ...] | None = None


class SessionStored(msgspec.Struct, frozen=True):
    """What became of a session that was stored: `outcome` is applied, duplicate or ignored."""

    id: str
    outcome: str
    call_id: str
    reason: str | None = None
    revision: int | None = None


class SessionFilters(TypedDict, total=False):
    """Which sessions."""

    status: str
    stream_id: str
    agent_key: str


class SessionTold(TypedDict, total=False):
    """What is stored of a session; what is left out stays as it was. Times are RFC 3339 with an offset.

    A list replaces the one before, but tags add up. `call_sid` is needed where no call names the session yet;
    `occurred_at` orders what several requests say.
    """

    call_sid: str
    stream_id: str
    agent_key: str
    status: str
    started_at: str
    ended_at: str
    summary: str
    tags: Sequence[str]
    evaluation: Evaluation | Mapping[str, Any]
    transcript: Sequence[Turn | Mapping[str, Any]]
    function_calls: Sequence[FunctionCall | Mapping[str, Any]]
    occurred_at: str


SessionPage = Page[SessionRecord]
_page: Final = msgspec.json.Decoder(SessionPage)
_session: Final = msgspec.json.Decoder(SessionDetail)
_stored: Final = msgspec.json.Decoder(SessionStored)


def list_sessions(
    plan: Plan, *, limit: int = 25, offset: int = 0, **filters: Unpack[SessionFilters]
) -> Talk[SessionPage]:
    """A page of sessions, the newest first, by `status`, `stream_id` and `agent_key`. Raises ClientError."""
    return _read_page((yield from send(plan, _list_request(limit, offset, filters))))


def iter_sessions(
    plan: Plan, *, page_size: int = PAGE_SIZE, **filters: Unpack[SessionFilters]
) -> Walk[SessionRecord]:
    """All sessions that match, page by page as they are needed.

    Pages of sessions are of no snapshot: those that begin meanwhile move others on. Raises ClientError.
    """
    return walk_rows(plan, _list_request(page_size, 0, filters), _read_page)


def get_session(plan: Plan, session_id: str) -> Talk[SessionDetail]:
    """One session with what was said in it. Raises NotFound, ClientError."""
    return read((yield from send(plan, Request("GET", _path(session_id)))), _session)


def put_session(plan: Plan, session_id: str, **told: Unpack[SessionTold]) -> Talk[SessionStored]:
    """Store what is known of a session; it may be told in parts, in any order, and again.

    Raises InvalidInput for what is no JSON, BadRequest for what no session can have, Erased where the call
    was erased, ClientError.
    """
    request = Request("PUT", _path(session_id), (), _JSON, _body(told), is_idempotent=True)
    return read((yield from send(plan, request)), _stored)


def _read_page(answer: Answer) -> SessionPage:
    return read_page(answer, _page)


def _list_request(limit: int, offset: int, filters: SessionFilters) -> Request:
    pairs: Pairs = [(name, str(value)) for name, value in filters.items()]
    return Request("GET", _PATH, [*pairs, ("limit", str(limit)), ("offset", str(offset))])


def _body(told: SessionTold) -> bytes:
    try:
        return msgspec.json.encode(told)
    except (TypeError, ValueError, RecursionError) as fault:
        raise InvalidInput.of("session", f"the session cannot be written as JSON: {fault}") from fault


def _path(session_id: str) -> str:
    if not session_id or session_id in {".", ".."}:
        raise InvalidInput.of("session_id", f"session_id must be the id of a session, not {session_id!r}")
    return f"{_PATH}/{quote(session_id, safe='')}"
