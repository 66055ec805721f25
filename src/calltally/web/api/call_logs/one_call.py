"""`/api/v1/call-logs/{id}`: one call, what was said of it, and how it is forgotten."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec
from litestar import delete, get

from calltally.calls.errors import NotFound
from calltally.calls.filters import PARAMETERS, parse_list_query
from calltally.calls.identity import parse_uuid
from calltally.calls.lifecycle import fold_ending
from calltally.store.db.operation import StoreOperation
from calltally.store.ledger.lookup import StoredFact, facts_of_call, find_call_with_id
from calltally.store.listing.sessions import FoundSession, session_of_call
from calltally.store.maintenance.erasure import erase_call
from calltally.store.webhooks.deliveries import deliveries_of_call
from calltally.web.api.call_logs.schemas import event_resource, raw_event_resource
from calltally.web.api.voice_sessions.handlers import session_body
from calltally.web.api.webhooks.schemas import delivery_resource
from calltally.web.auth.admission import TENANT_PARAMETER, pairs_without_tenant, read_named_tenant
from calltally.web.openapi.call_schema import (
    CALL_DETAIL,
    CALL_EVENTS,
    CALL_TAG,
    EXAMPLE_DETAIL,
    EXAMPLE_EVENTS,
)
from calltally.web.openapi.operation import Operation, PathParameter, ResponseSpec
from calltally.web.request.access import ADMIN, CALLS_READ, TRANSCRIPTS_READ
from calltally.web.request.context import AnyRequest, access_of, context_of, dependencies_of, tenant_of
from calltally.web.request.paths import MAX_SEGMENT_CHARS, segment_after
from calltally.web.request.query import query_pairs
from calltally.web.response.link_header import LINK_HEADERS, PageWindow, link_header
from calltally.web.response.response import Response

CALL_ID: Final = PathParameter(
    name="id",
    description="Any id or SID that ever was the call's; a slash in it is sent as %2F.",
    schema={"type": "string", "minLength": 1, "maxLength": MAX_SEGMENT_CHARS},
    example="CA1234567890abcdef1234567890abcdef",
)
_WINDOW: Final = tuple(each for each in PARAMETERS if each.name in {"limit", "offset"})

READ: Final = Operation(
    id="getCallLog",
    tag=CALL_TAG,
    summary="One call, with its timeline.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    path=(CALL_ID,),
    responses={200: ResponseSpec(description="The call.", schema=CALL_DETAIL, example=EXAMPLE_DETAIL)},
    problems=("not-found", "erased"),
)
EVENTS: Final = Operation(
    id="listCallLogEvents",
    tag=CALL_TAG,
    summary="Every fact recorded of a call, applied or not, and why not.",
    description="In the order in which they happened. `raw` is the body as it came, for keys with"
    " `transcripts:read`; null for all others, and for those from which the tenant hides numbers.",
    scope=CALLS_READ,
    is_tenant_scoped=True,
    path=(CALL_ID,),
    query=_WINDOW,
    responses={
        200: ResponseSpec(
            description="One page.", schema=CALL_EVENTS, example=EXAMPLE_EVENTS, headers=LINK_HEADERS
        )
    },
    problems=("not-found", "erased"),
)

ERASE: Final = Operation(
    id="eraseCallLog",
    tag=CALL_TAG,
    summary="Forget one call for good.",
    description="Its record, its facts with their raw bodies, its words and its undelivered events are gone at"
    " once; what is sent of it again is refused. In snapshots from before it keeps its place, as an erased"
    " call. Safe to repeat.",
    scope=ADMIN,
    path=(CALL_ID,),
    query=(TENANT_PARAMETER._replace(required=True),),
    responses={204: ResponseSpec(description="It is forgotten.")},
    problems=("not-found", "invalid-parameter"),
)


class _Named(msgspec.Struct):
    id: str


class FoundCall(NamedTuple):
    """One call: its sealed record, its facts and its session."""

    record: bytes
    facts: list[StoredFact]
    session: FoundSession | None


@get("/api/v1/call-logs/{id:str}", operation=READ)
async def get_call_log(request: AnyRequest) -> Response:
    """The record as the list has it, and behind it what belongs to this call alone."""
    return Response(await call_detail_json(request, await requested_call(request)))


async def call_detail_json(request: AnyRequest, found: FoundCall) -> bytes:
    """The answer as JSON: the record, why it ended, its facts, what was said, and its deliveries."""
    record, facts, session = found
    events = msgspec.json.encode([event_resource(fact) for fact in facts])
    call_id = parse_uuid(msgspec.json.decode(record, type=_Named).id) or b""
    sent = await dependencies_of(request).store.read(deliveries_of_call(tenant_of(request), call_id))
    deliveries = msgspec.json.encode([delivery_resource(each) for each in sent])
    may_read = access_of(request).has_scope(TRANSCRIPTS_READ)
    talk = b"null" if session is None else session_body(session, may_read=may_read)
    ending = msgspec.json.encode(_ending(record, facts))
    told = (record[:-1], ending, events, talk, deliveries)
    return b'%b,"ending":%b,"events":%b,"session":%b,"deliveries":%b}' % told


def _ending(record: bytes, facts: Sequence[StoredFact]) -> dict[str, Any] | None:
    """Why it ended, with what led to that; null while it is open."""
    ending, told = fold_ending(stored.fact for stored in facts), _shown.decode(record)
    if ending.reason is None:
        return None
    return {
        "reason": ending.reason,
        "explanation": ending.explanation,
        "side": ending.side,
        "provider_word": ending.provider_word,
        "hangup_cause": told.hangup_cause,
        "sip_code": told.sip_code,
    }


class _Shown(msgspec.Struct):
    session_id: str | None = None
    hangup_cause: int | None = None
    sip_code: int | None = None


_shown: Final = msgspec.json.Decoder(_Shown)


@delete("/api/v1/call-logs/{id:str}", operation=ERASE, status_code=200)
async def erase_call_log(request: AnyRequest) -> Response:
    """Of a call that was erased before there is nothing left to do."""
    deps, named = dependencies_of(request), segment_after(request, "call-logs")
    tenant = await read_named_tenant(context_of(request.scope), query_pairs(request.scope["query_string"]))
    await deps.store.write(erase_call(tenant, named, deps.clock()))
    return Response.empty()


@get("/api/v1/call-logs/{id:str}/events", operation=EVENTS)
async def list_call_log_events(request: AnyRequest) -> Response:
    """Raw bodies hold what the parties said, so they need the scope that transcripts need."""
    window = parse_list_query(pairs_without_tenant(request), allow_tenant=False)
    _record, facts, _session = await requested_call(request)
    shows_raw = access_of(request).can_read_bodies
    shown = facts[window.offset : window.offset + window.limit]
    data = [raw_event_resource(fact, shows_raw=shows_raw) for fact in shown]
    page = {"data": data, "limit": window.limit, "offset": window.offset, "total": len(facts)}
    return Response.json(
        page, headers=(link_header(request, PageWindow(window.limit, window.offset, len(facts))),)
    )


async def requested_call(request: AnyRequest, behind: str = "call-logs") -> FoundCall:
    """The call that the path names. Raises NotFound, for another tenant's too."""
    tenant, named = tenant_of(request), segment_after(request, behind)
    found = await dependencies_of(request).store.read_tenant(tenant, partial(_whole_call, tenant, named))
    if found is None:
        raise NotFound("there is no call of that id or SID; it may not have been told of yet")
    return found


def _whole_call(tenant: str, named: str) -> StoreOperation[FoundCall | None]:
    """All against one state of the database, so that they fit."""
    found = yield from find_call_with_id(tenant, named)
    facts = yield from facts_of_call(tenant, named)
    if found is None or facts is None:
        return None
    call_id, record = found
    session_id = _shown.decode(record).session_id
    if session_id is None:
        return FoundCall(record, facts, None)
    return FoundCall(record, facts, (yield from session_of_call(tenant, call_id, session_id)))
