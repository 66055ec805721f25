"""`/api/v1/voice-sessions`: conversations of calls, and their storage by a tenant."""

from functools import partial
from typing import Final

import msgspec
from litestar import get, put

from calltally.calls.errors import Erased, InvalidBody, NotFound
from calltally.calls.events import IngestOutcome
from calltally.calls.identity import uuid_text
from calltally.calls.list_query import DEFAULT_LIMIT
from calltally.calls.parameters import one_of_parameter, read_values, text_parameter
from calltally.calls.sessions import SESSION_STATUSES
from calltally.ingest.session_body import SessionBody, session_fact
from calltally.store.db.interface import Submission
from calltally.store.listing.seek import SEPARATOR
from calltally.store.listing.sessions import (
    FoundSession,
    SessionQuery,
    call_sid_of,
    find_session,
    list_sessions,
)
from calltally.web.api.events import OWN
from calltally.web.api.voice_sessions.schemas import (
    EXAMPLE_BODY,
    EXAMPLE_SESSION,
    EXAMPLE_WORDS,
    SESSION_TAG,
    VoiceSessionDetail,
    VoiceSessionList,
    VoiceSessionOutcome,
)
from calltally.web.auth.admission import pairs_without_tenant
from calltally.web.auth.search_rights import check_search_values
from calltally.web.openapi.operation import Operation, PathParameter, json_request, one_response
from calltally.web.request.access import CALLS_READ, EVENTS_WRITE, TRANSCRIPTS_READ
from calltally.web.request.bodies import json_body
from calltally.web.request.context import AnyRequest, access_of, dependencies_of, tenant_of
from calltally.web.request.paths import MAX_SEGMENT_CHARS, segment_after
from calltally.web.response.paging import PageWindow, link_header, page_parameters, page_response
from calltally.web.response.response import Response

MAX_BODY_BYTES: Final = 5 * 1024 * 1024
_PATH: Final = "/api/v1/voice-sessions"

SESSION_ID: Final = PathParameter(
    name="id",
    description="The session's id from its platform or tenant. Send a slash in it as %2F.",
    schema={"type": "string", "minLength": 1, "maxLength": MAX_SEGMENT_CHARS},
    example="session-1001",
)
PARAMETERS: Final = (
    *page_parameters("sessions", most=1_000),
    one_of_parameter("status", "Only sessions with this status.", SESSION_STATUSES, "completed"),
    text_parameter("stream_id", "Only sessions of this media stream.", "MZ1234567890abcdef"),
    text_parameter("agent_key", "Only sessions of this agent.", "scheduler"),
)

_READ: Final = partial(Operation, tag=SESSION_TAG, scope=CALLS_READ, is_tenant_scoped=True)

LIST: Final = _READ(
    id="listVoiceSessions",
    summary="List sessions, newest first, without transcripts.",
    description="`total` is exact. Its cost is linear in the matching sessions.",
    query=PARAMETERS,
    responses=page_response(VoiceSessionList, [EXAMPLE_SESSION], DEFAULT_LIMIT),
)
READ: Final = _READ(
    id="getVoiceSession",
    summary="Get one session with its transcript and function calls.",
    description="Transcript and function calls are null without `transcripts:read`. If several calls name"
    " the session, the newest call's session is returned.",
    path=(SESSION_ID,),
    responses=one_response(200, "The session.", VoiceSessionDetail, {**EXAMPLE_SESSION, **EXAMPLE_WORDS}),
)
STORE: Final = Operation(
    id="putVoiceSession",
    tag=SESSION_TAG,
    summary="Store a session's transcript, function calls, tags and evaluation.",
    description="Missing fields keep their values, so you can send a session in several parts and in any"
    " order. The tenant's values take precedence over the platform's. The first request must name the"
    " call. Safe to repeat.",
    scope=EVENTS_WRITE,
    path=(SESSION_ID,),
    body=json_request(SessionBody, EXAMPLE_BODY),
    responses=one_response(
        200,
        "The session is stored durably and listed.",
        VoiceSessionOutcome,
        {
            "id": EXAMPLE_SESSION["id"],
            "outcome": "applied",
            "reason": None,
            "call_id": EXAMPLE_SESSION["call_id"],
            "revision": 4,
        },
    ),
    problems=("not-found", "erased"),
)


@get(_PATH, operation=LIST)
async def list_voice_sessions(request: AnyRequest) -> Response:
    """List sessions. Stored records are joined without decoding."""
    tenant = tenant_of(request)
    values = read_values(pairs_without_tenant(request), {each.name: each for each in PARAMETERS})
    query = SessionQuery(**{"limit": DEFAULT_LIMIT, "offset": 0, **values})
    check_search_values(access_of(request), {"stream_id": query.stream_id, "agent_key": query.agent_key})
    read = partial(list_sessions, tenant, query)
    page = await dependencies_of(request).store.read_tenant(tenant, read, long=True)
    tail = b'],"limit":%d,"offset":%d,"total":%d}' % (query.limit, query.offset, page.total)
    body = b"".join((b'{"data":[', SEPARATOR.join(page.records), tail))
    links = link_header(request, PageWindow(query.limit, query.offset, page.total))
    return Response(body, headers=(links,))


@get(_PATH + "/{id:str}", operation=READ)
async def get_voice_session(request: AnyRequest) -> Response:
    tenant, session_id = tenant_of(request), segment_after(request, "voice-sessions")
    found = await dependencies_of(request).store.read_tenant(
        tenant, partial(find_session, tenant, session_id)
    )
    if found is None:
        raise NotFound("no session has this id, or none has been reported yet")
    return Response(session_body(found, may_read=access_of(request).has_scope(TRANSCRIPTS_READ)))


@put(_PATH + "/{id:str}", operation=STORE, request_max_body_size=MAX_BODY_BYTES, status_code=200)
async def put_voice_session(request: AnyRequest) -> Response:
    """Record the session as a fact. The ledger folds it into its call."""
    deps, tenant, session_id = (
        dependencies_of(request),
        tenant_of(request),
        segment_after(request, "voice-sessions"),
    )
    body = await json_body(request, SessionBody)
    call_sid = body.call_sid or await deps.store.read(call_sid_of(tenant, session_id))
    if call_sid is None:
        message = f"no call has the session {session_id[:80]!r} yet: name the call in call_sid"
        raise InvalidBody.of("call_sid", message)
    fact = session_fact(session_id, body, call_sid, raw=await request.body(), now_us=deps.clock())
    [recorded] = await deps.store.submit([Submission(tenant, fact)])
    deps.metrics.count_fact(OWN, recorded.outcome)
    if recorded.call_id is None or recorded.outcome is IngestOutcome.REFUSED:
        raise Erased("the call was erased; new facts of it are refused")
    stored = VoiceSessionOutcome(
        session_id, recorded.outcome, recorded.reason, uuid_text(recorded.call_id), recorded.revision
    )
    return Response.json(stored)


def session_body(found: FoundSession, *, may_read: bool) -> bytes:
    """Return a session as JSON, with its transcript if the key may read it; else null."""
    conversation = found.conversation
    words = [conversation.transcript, conversation.function_calls] if may_read else [None, None]
    turns, functions = map(msgspec.json.encode, words)
    return b'%b,"transcript":%b,"function_calls":%b}' % (found.record[:-1], turns, functions)
