"""`/api/v1/call-logs`: the list that the reference page describes, one call, and what was said of it."""

from base64 import b64encode
from functools import lru_cache
from typing import Any, Final

import msgspec
from litestar import get

from calltally.calls.errors import NotFound
from calltally.calls.events import DOOR_NAMES, Door, Said
from calltally.calls.filters import PARAMETERS, ListQuery, parse_list_query
from calltally.calls.times import utc_text
from calltally.store.listing import is_seek, list_calls
from calltally.store.lookup import StoredFact, facts_of_call, find_call
from calltally.store.steps import Step
from calltally.web.access import CALLS_READ, TRANSCRIPTS_READ
from calltally.web.exchange import AnyRequest, access_of, parts_of, tenant_of
from calltally.web.links import page_links
from calltally.web.operations import Answer, Operation, PathPart
from calltally.web.paths import MAX_PART_CHARS, part_after
from calltally.web.problems import instance_of
from calltally.web.query import pairs_of
from calltally.web.record import (
    CALL_DETAIL,
    CALL_EVENTS,
    CALL_PAGE,
    EXAMPLE_DETAIL,
    EXAMPLE_EVENTS,
    EXAMPLE_PAGE,
)
from calltally.web.reply import Headers, Reply

TAG: Final = "Call logs"
PAGE_HEADERS: Final = {"Link": "RFC 8288: the pages first, prev, next and last, where each exists."}
CALL_ID: Final = PathPart(
    name="id",
    meaning="Any id or SID that ever was the call's; a slash in it is sent as %2F.",
    schema={"type": "string", "minLength": 1, "maxLength": MAX_PART_CHARS},
    example="CA1234567890abcdef1234567890abcdef",
)
_WINDOW: Final = tuple(each for each in PARAMETERS if each.name in {"limit", "offset"})

LIST: Final = Operation(
    id="listCallLogs",
    tag=TAG,
    summary="List operational call history.",
    meaning="Newest first, unless `order` says otherwise. `total` is exact. The admin key names a tenant by"
    " `tenant=`; any other key reads its own.",
    scope=CALLS_READ,
    of_tenant=True,
    query=PARAMETERS,
    reads_query=True,
    answers={200: Answer(meaning="One page.", schema=CALL_PAGE, example=EXAMPLE_PAGE, headers=PAGE_HEADERS)},
)
READ: Final = Operation(
    id="getCallLog",
    tag=TAG,
    summary="One call, with its timeline.",
    scope=CALLS_READ,
    of_tenant=True,
    path=(CALL_ID,),
    answers={200: Answer(meaning="The call.", schema=CALL_DETAIL, example=EXAMPLE_DETAIL)},
    problems=("not-found",),
)
EVENTS: Final = Operation(
    id="listCallLogEvents",
    tag=TAG,
    summary="Every fact recorded of a call, applied or not, and why not.",
    meaning="In the order in which they happened. `raw` is the body as it came, for keys with"
    " `transcripts:read`; null for all others.",
    scope=CALLS_READ,
    of_tenant=True,
    path=(CALL_ID,),
    query=_WINDOW,
    answers={
        200: Answer(meaning="One page.", schema=CALL_EVENTS, example=EXAMPLE_EVENTS, headers=PAGE_HEADERS)
    },
    problems=("not-found",),
)

_INSTANTS: Final = {
    "started_us": "started_at",
    "ringing_us": "ringing_at",
    "answered_us": "answered_at",
    "ended_us": "ended_at",
}


class Event(msgspec.Struct, frozen=True):
    """One fact as the timeline shows it. What is not known is null."""

    call_sid: str
    door: str
    provider: str | None
    account: str | None
    event_id: str | None
    sequence: int | None
    occurred_at: str
    received_at: str
    outcome: str
    reason: str | None
    repeats: int
    said: dict[str, Any]


class RawEvent(Event, frozen=True):
    """The same with its body, as UTF-8 text where it is that, else in base64."""

    raw: str | None
    raw_encoding: str | None


@get("/api/v1/call-logs", operation=LIST)
async def list_call_logs(request: AnyRequest) -> Reply:
    """The records are joined as the ledger wrote them: nothing is decoded or encoded again."""
    query = _list_query(request.scope["query_string"], allow_tenant=access_of(request).is_admin)
    step = list_calls(tenant_of(request), query)
    page = await parts_of(request).store.read(step, long=not is_seek(query.filter))
    window = (query.limit, query.offset, page.total)
    # Joined rather than formatted, which takes twenty times as long over a page of 1,000.
    body = b"".join((b'{"data":[', page.records, b'],"limit":%d,"offset":%d,"total":%d}' % window))
    return Reply(body, headers=_links(request, *window))


# Dashboards ask the same again and again, and parsing is a fifth of what an answer costs without the store.
@lru_cache(maxsize=256)
def _list_query(query: bytes, *, allow_tenant: bool) -> ListQuery:
    return parse_list_query(pairs_of(query), allow_tenant=allow_tenant)


@get("/api/v1/call-logs/{id:str}", operation=READ)
async def get_call_log(request: AnyRequest) -> Reply:
    """The record as the list has it, and behind it what belongs to this call alone."""
    record, facts = await _found(request)
    events = msgspec.json.encode([_event(fact) for fact in facts])
    # Sessions and deliveries do not exist yet; their places do, so that clients need not change.
    return Reply(b'%b,"events":%b,"session":null,"deliveries":[]}' % (record[:-1], events))


@get("/api/v1/call-logs/{id:str}/events", operation=EVENTS)
async def list_call_log_events(request: AnyRequest) -> Reply:
    """Raw bodies hold what the parties said, so they need the scope that transcripts need."""
    window = parse_list_query(_without_tenant(request), allow_tenant=False)
    _record, facts = await _found(request)
    shows_raw = access_of(request).may(TRANSCRIPTS_READ)
    shown = facts[window.offset : window.offset + window.limit]
    data = [_raw_event(fact, shows_raw=shows_raw) for fact in shown]
    page = {"data": data, "limit": window.limit, "offset": window.offset, "total": len(facts)}
    return Reply.json(page, headers=_links(request, window.limit, window.offset, len(facts)))


def _without_tenant(request: AnyRequest) -> list[tuple[str, str]]:
    return [pair for pair in pairs_of(request.scope["query_string"]) if pair[0] != "tenant"]


def _links(request: AnyRequest, limit: int, offset: int, total: int) -> Headers:
    base = (parts_of(request).public_url or "") + instance_of(request.scope)
    links = page_links(base, request.scope["query_string"], limit=limit, offset=offset, total=total)
    return ((b"link", links),)


async def _found(request: AnyRequest) -> tuple[bytes, list[StoredFact]]:
    """The call that the path names, and its facts. Raises NotFound, for another tenant's too."""
    named = part_after(request, "call-logs")
    found = await parts_of(request).store.read(_call_and_facts(tenant_of(request), named))
    if found is None:
        raise NotFound("there is no call of that id or SID; it may not have been told of yet")
    return found


def _call_and_facts(tenant: str, named: str) -> Step[tuple[bytes, list[StoredFact]] | None]:
    """Both against one state of the database, so that they fit."""
    record = yield from find_call(tenant, named)
    facts = yield from facts_of_call(tenant, named)
    if record is None or facts is None:
        return None
    return record, facts


def _event(stored: StoredFact) -> Event:
    return Event(**_told(stored))


def _raw_event(stored: StoredFact, *, shows_raw: bool) -> RawEvent:
    raw, encoding = _readable(stored.fact.raw) if shows_raw else (None, None)
    return RawEvent(**_told(stored), raw=raw, raw_encoding=encoding)


def _told(stored: StoredFact) -> dict[str, Any]:
    fact = stored.fact
    return {
        "call_sid": fact.call_sid,
        "door": DOOR_NAMES[Door(fact.door)],
        "provider": fact.provider or None,
        "account": fact.account or None,
        "event_id": fact.event_id or None,
        "sequence": fact.sequence,
        "occurred_at": utc_text(fact.occurred_us),
        "received_at": utc_text(fact.received_us),
        "outcome": stored.outcome,
        "reason": stored.reason,
        "repeats": stored.repeats,
        "said": _said(fact.said),
    }


def _said(said: Said) -> dict[str, Any]:
    """What was said, under the names that own events use, with times as text."""
    shown: dict[str, Any] = {}
    for name, value in said.items():
        if name in _INSTANTS and isinstance(value, int):
            shown[_INSTANTS[name]] = utc_text(value)
        else:
            shown["duration_seconds" if name == "talk_seconds" else name] = value
    return shown


def _readable(raw: bytes) -> tuple[str, str]:
    try:
        return raw.decode(), "utf-8"
    except UnicodeDecodeError:
        return b64encode(raw).decode(), "base64"
