"""`/api/v1/call-logs/{id}`: one call with its facts, and its erasure."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec
from litestar import delete, get

from calltally.calls.errors import NotFound
from calltally.calls.fold import fold_ending
from calltally.calls.identity import parse_uuid
from calltally.calls.list_query import PARAMETERS, TENANT_PARAMETER, parse_list_query
from calltally.store.db.operation import StoreOperation
from calltally.store.ledger.lookup import StoredFact, facts_of_call, find_call_with_id
from calltally.store.listing.sessions import FoundSession, session_of_call
from calltally.store.maintenance.erasure import erase_call, nodes_to_erase
from calltally.store.webhooks.deliveries import deliveries_of_call
from calltally.web.api.call_logs.schemas import event_resource, raw_event_resource
from calltally.web.api.voice_sessions.handlers import session_body
from calltally.web.api.webhooks.schemas import delivery_resource
from calltally.web.auth.admission import pairs_without_tenant, read_named_tenant
from calltally.web.openapi.call_schema import (
    CALL_DETAIL,
    CALL_EVENTS,
    CALL_TAG,
    EXAMPLE_DETAIL,
    EXAMPLE_EVENTS,
)
from calltally.web.openapi.operation import Operation, PathParameter, one_response
from calltally.web.request.access import ADMIN, CALLS_READ, TRANSCRIPTS_READ
from calltally.web.request.context import AnyRequest, access_of, context_of, dependencies_of, tenant_of
from calltally.web.request.paths import MAX_SEGMENT_CHARS, segment_after
from calltally.web.request.query import query_pairs
from calltally.web.response.paging import LINK_HEADERS, list_response
from calltally.web.response.response import Response

CALL_ID: Final = PathParameter(
    name="id",
    description="Any current or former id or SID of the call. Send a slash in it as %2F.",
    schema={"type": "string", "minLength": 1, "maxLength": MAX_SEGMENT_CHARS},
    example="CA1234567890abcdef1234567890abcdef",
)
_WINDOW: Final = tuple(each for each in PARAMETERS if each.name in {"limit", "offset"})

_READ: Final = partial(
    Operation, tag=CALL_TAG, scope=CALLS_READ, is_tenant_scoped=True, path=(CALL_ID,), problems=("erased",)
)

READ: Final = _READ(
    id="getCallLog",
    summary="Get one call with its timeline.",
    responses=one_response(200, "The call.", CALL_DETAIL, EXAMPLE_DETAIL),
)
EVENTS: Final = _READ(
    id="listCallLogEvents",
    summary="List all facts of a call with their outcomes and reasons.",
    description="In order of time. `raw` is the raw body, for keys with `transcripts:read`; null for other"
    " keys, and for keys with masked numbers.",
    query=_WINDOW,
    responses=one_response(200, "One page.", CALL_EVENTS, EXAMPLE_EVENTS, headers=LINK_HEADERS),
)

ERASE: Final = Operation(
    id="eraseCallLog",
    tag=CALL_TAG,
    summary="Erase one call permanently.",
    description="The record, the facts with their raw bodies, the search words and the undelivered events"
    " are erased at once. Later events of the call are refused. Older snapshots show it as an erased"
    " call. Safe to repeat.",
    scope=ADMIN,
    path=(CALL_ID,),
    query=(TENANT_PARAMETER._replace(required=True),),
    responses=one_response(204, "The call is erased."),
    problems=("not-found", "invalid-parameter"),
)


class _RecordDetails(msgspec.Struct):
    id: str
    session_id: str | None = None
    hangup_cause: int | None = None
    sip_code: int | None = None


_record_details: Final = msgspec.json.Decoder(_RecordDetails)


class FoundCall(NamedTuple):
    """One call: its finished record, its facts and its session."""

    record: bytes
    facts: list[StoredFact]
    session: FoundSession | None


@get("/api/v1/call-logs/{id:str}", operation=READ)
async def get_call_log(request: AnyRequest) -> Response:
    return Response(await call_detail_json(request, await requested_call(request)))


async def call_detail_json(request: AnyRequest, found: FoundCall) -> bytes:
    """Return the call as JSON: record, ending, facts, session and deliveries."""
    record, facts, session = found
    events = msgspec.json.encode([event_resource(fact) for fact in facts])
    call_id = parse_uuid(_record_details.decode(record).id) or b""
    found_deliveries = await dependencies_of(request).store.read(
        deliveries_of_call(tenant_of(request), call_id)
    )
    deliveries = msgspec.json.encode([delivery_resource(each) for each in found_deliveries])
    may_read = access_of(request).has_scope(TRANSCRIPTS_READ)
    session_json = b"null" if session is None else session_body(session, may_read=may_read)
    ending = msgspec.json.encode(_ending(record, facts))
    members = (record[:-1], ending, events, session_json, deliveries)
    return b'%b,"ending":%b,"events":%b,"session":%b,"deliveries":%b}' % members


def _ending(record: bytes, facts: Sequence[StoredFact]) -> dict[str, Any] | None:
    """Return the end reason with its evidence; None while the call is open."""
    ending, details = fold_ending(stored.fact for stored in facts), _record_details.decode(record)
    if ending.reason is None:
        return None
    return {
        "reason": ending.reason,
        "explanation": ending.explanation,
        "side": ending.side,
        "provider_word": ending.provider_word,
        "hangup_cause": details.hangup_cause,
        "sip_code": details.sip_code,
    }


@delete("/api/v1/call-logs/{id:str}", operation=ERASE, status_code=200)
async def erase_call_log(request: AnyRequest) -> Response:
    """Erase the call. An erased call needs no work."""
    deps, call_id_or_sid = dependencies_of(request), segment_after(request, "call-logs")
    named = await read_named_tenant(context_of(request.scope), query_pairs(request.scope["query_string"]))
    tenant, now_us = named.tenant, deps.clock()
    nodes = await deps.store.read(nodes_to_erase(tenant, call_id_or_sid))
    if nodes and deps.erasures is not None:
        await asyncio.to_thread(deps.erasures.add_call, tenant, nodes, now_us)
    await deps.store.write(erase_call(tenant, call_id_or_sid, now_us))
    return Response.empty()


@get("/api/v1/call-logs/{id:str}/events", operation=EVENTS)
async def list_call_log_events(request: AnyRequest) -> Response:
    """List the facts. Raw bodies contain transcripts, so they need the same scope."""
    window = parse_list_query(pairs_without_tenant(request), allow_tenant=False)
    _record, facts, _session = await requested_call(request)
    shows_raw = access_of(request).can_read_bodies
    page_facts = facts[window.offset : window.offset + window.limit]
    data = [raw_event_resource(fact, shows_raw=shows_raw) for fact in page_facts]
    page = {"limit": window.limit, "offset": window.offset}
    return list_response(request, dict, data, page, len(facts))


async def requested_call(request: AnyRequest, segment: str = "call-logs") -> FoundCall:
    """Return the call of the path. Raises NotFound, also for another tenant's call."""
    tenant, call_id_or_sid = tenant_of(request), segment_after(request, segment)
    found = await dependencies_of(request).store.read_tenant(
        tenant, partial(_whole_call, tenant, call_id_or_sid)
    )
    if found is None:
        raise NotFound("there is no call with this id or SID, or it has not been reported yet")
    return found


def _whole_call(tenant: str, call_id_or_sid: str) -> StoreOperation[FoundCall | None]:
    """Read all parts of the call in one transaction, so that they are consistent."""
    found = yield from find_call_with_id(tenant, call_id_or_sid)
    facts = yield from facts_of_call(tenant, call_id_or_sid)
    if found is None or facts is None:
        return None
    call_id, record = found
    session_id = _record_details.decode(record).session_id
    if session_id is None:
        return FoundCall(record, facts, None)
    return FoundCall(record, facts, (yield from session_of_call(tenant, call_id, session_id)))
