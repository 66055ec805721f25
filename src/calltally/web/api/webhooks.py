"""`/api/v1/webhook-endpoints`: where events go, what became of each, and having it made again."""

import re
import secrets
from typing import Final

from litestar import delete, get, post, put
from litestar.handlers import HTTPRouteHandler

from calltally.calls.errors import Fault, InvalidBody, InvalidInput, NotFound
from calltally.calls.event_types import SUBSCRIBABLE, TEST
from calltally.calls.identity import parse_uuid, uuid_text
from calltally.calls.model import DIRECTIONS
from calltally.calls.parameters import instant_value, read_values
from calltally.calls.times import SECOND_US, utc_text
from calltally.deliveries.forms import FORMS
from calltally.deliveries.signing import SECRET_BYTES, write_secret
from calltally.store.announcements import Instant, event_time, freeze
from calltally.store.deliveries import (
    DEAD,
    LAST_ID,
    STATES,
    Again,
    Notice,
    Shown,
    find_delivery,
    list_deliveries,
    put_notice,
    replay_one,
    replay_some,
)
from calltally.store.endpoints import (
    Endpoint,
    Rotation,
    Wanted,
    add_endpoint,
    change_endpoint,
    delete_endpoint,
    endpoints_of,
    lock_deliveries,
    need_endpoint,
    pause_endpoint,
    resume_endpoint,
    rotate_secret,
    seal_secret,
)
from calltally.store.routes import WORD_PATTERN
from calltally.store.steps import Step
from calltally.web.admission import without_tenant
from calltally.web.api import webhook_operations as operations
from calltally.web.api.webhook_shapes import (
    MOST_DESCRIBED,
    MOST_GRACE_HOURS,
    PATH,
    DeliveryPage,
    EndpointBody,
    EndpointList,
    ReplayBody,
    Replayed,
    RotationBody,
    show_delivery,
    show_detail,
    show_endpoint,
    show_new_endpoint,
)
from calltally.web.bodies import json_body
from calltally.web.exchange import AnyRequest, parts_of, tenant_of
from calltally.web.paths import part_after
from calltally.web.reply import Reply

_ONE: Final = PATH + "/{id:str}"
_DELIVERY: Final = _ONE + "/deliveries/{delivery:str}"
_HOUR_US: Final = 3600 * SECOND_US
_HASHED: Final = 10
_MESSAGE: Final = "msg_"
PAUSED_BY_HAND: Final = "paused by request"
_WORD: Final = re.compile(WORD_PATTERN, re.ASCII)
_EVENTS: Final = ", ".join(SUBSCRIBABLE)
_KNOWN: Final = {each.name: each for each in operations.FILTERS}


@post(PATH, operation=operations.ADD, status_code=200)
async def add(request: AnyRequest) -> Reply:
    """The secret is made here, and shown once."""
    wanted = _wanted(request, await json_body(request, EndpointBody))
    parts, tenant = parts_of(request), tenant_of(request)
    endpoint, secret = secrets.token_bytes(16), _new_secret()
    sealed = seal_secret(parts.vault, tenant, endpoint, secret)
    made: Endpoint = await parts.store.write(add_endpoint(tenant, endpoint, wanted, sealed, parts.clock()))
    place = f"{parts.public_url or ''}{PATH}/{uuid_text(endpoint)}".encode()
    return Reply.json(show_new_endpoint(made, secret), status=201, headers=((b"location", place),))


@get(PATH, operation=operations.LIST)
async def list_all(request: AnyRequest) -> Reply:
    """Few: there are no pages."""
    found = await parts_of(request).store.read(endpoints_of(tenant_of(request)))
    return Reply.json(EndpointList([show_endpoint(each) for each in found]))


@get(_ONE, operation=operations.READ)
async def read(request: AnyRequest) -> Reply:
    """Another tenant's is not there."""
    found: Endpoint = await parts_of(request).store.read(need_endpoint(tenant_of(request), _id(request)))
    return Reply.json(show_endpoint(found))


@put(_ONE, operation=operations.CHANGE)
async def change(request: AnyRequest) -> Reply:
    """As a whole."""
    wanted = _wanted(request, await json_body(request, EndpointBody))
    return await _changed(
        request, change_endpoint(tenant_of(request), _id(request), wanted, parts_of(request).clock())
    )


# The framework lets no handler that it knows as a 204 return a Reply, which brings that status itself.
@delete(_ONE, operation=operations.DELETE, status_code=200)
async def remove(request: AnyRequest) -> Reply:
    """Its deliveries go with the next rounds of upkeep."""
    parts = parts_of(request)
    await parts.store.write(delete_endpoint(tenant_of(request), _id(request), parts.clock()))
    return Reply.empty()


@post(_ONE + "/rotate", operation=operations.ROTATE, status_code=200)
async def rotate(request: AnyRequest) -> Reply:
    """Both secrets are good for a while."""
    asked = await json_body(request, RotationBody)
    if not 0 <= asked.grace_hours <= MOST_GRACE_HOURS:
        raise InvalidBody.of("grace_hours", f"grace_hours must be from 0 to {MOST_GRACE_HOURS}")
    parts, tenant, endpoint, secret = parts_of(request), tenant_of(request), _id(request), _new_secret()
    now_us = parts.clock()
    sealed = seal_secret(parts.vault, tenant, endpoint, secret)
    rotation = Rotation(sealed, now_us + int(asked.grace_hours) * _HOUR_US)
    found: Endpoint = await parts.store.write(rotate_secret(tenant, endpoint, rotation, now_us))
    return Reply.json(show_new_endpoint(found, secret))


@post(_ONE + "/pause", operation=operations.PAUSE, status_code=200)
async def pause(request: AnyRequest) -> Reply:
    """Its events wait."""
    clock = parts_of(request).clock
    return await _changed(request, pause_endpoint(tenant_of(request), _id(request), PAUSED_BY_HAND, clock()))


@post(_ONE + "/resume", operation=operations.RESUME, status_code=200)
async def resume(request: AnyRequest) -> Reply:
    """What waits is due at once."""
    clock = parts_of(request).clock
    return await _changed(request, resume_endpoint(tenant_of(request), _id(request), clock()))


@post(_ONE + "/test", operation=operations.TEST, status_code=200)
async def test(request: AnyRequest) -> Reply:
    """An event of no call."""
    parts, tenant, endpoint = parts_of(request), tenant_of(request), _id(request)
    now_us = parts.clock()
    event_id = event_time(now_us) + secrets.token_bytes(_HASHED)
    data = {"endpoint_id": uuid_text(endpoint), "sent_at": utc_text(now_us)}
    notice = Notice(TEST, event_id, freeze(TEST, event_id, Instant(tenant, "", 0, now_us), data))
    await parts.store.write(_with_notice(tenant, endpoint, notice, now_us))
    found, attempts = await parts.store.read(find_delivery(tenant, endpoint, event_id))
    return Reply.json(show_detail(found, attempts), status=202)


@get(_ONE + "/deliveries", operation=operations.DELIVERIES)
async def list_some(request: AnyRequest) -> Reply:
    """By the time of their events."""
    asked = read_values(without_tenant(request), _KNOWN)
    limit: int = asked.pop("limit", operations.LISTED)
    before = _event_id(asked.pop("before")) if "before" in asked else LAST_ID
    if not before:
        raise InvalidInput.of("before", "before must be `next` of the page before")
    shown = Shown(before=before, **asked)
    found = await parts_of(request).store.read(
        list_deliveries(tenant_of(request), _id(request), shown, limit + 1)
    )
    page = [show_delivery(each) for each in found[:limit]]
    return Reply.json(DeliveryPage(page, limit, page[-1].id if len(found) > limit else None))


@get(_DELIVERY, operation=operations.DELIVERY)
async def read_delivery(request: AnyRequest) -> Reply:
    """Every attempt, the first first."""
    found, attempts = await parts_of(request).store.read(
        find_delivery(tenant_of(request), _id(request), _delivery_id(request))
    )
    return Reply.json(show_detail(found, attempts))


@post(_DELIVERY + "/replay", operation=operations.REPLAY_ONE, status_code=200)
async def replay_delivery(request: AnyRequest) -> Reply:
    """Under its id."""
    parts = parts_of(request)
    await parts.store.write(
        replay_one(tenant_of(request), _id(request), _delivery_id(request), parts.clock())
    )
    return Reply.json(Replayed(1), status=202)


@post(_ONE + "/replay", operation=operations.REPLAY, status_code=200)
async def replay(request: AnyRequest) -> Reply:
    """Some hundred a transaction, so that what comes in meanwhile need not wait for all."""
    parts, tenant, endpoint = parts_of(request), tenant_of(request), _id(request)
    again: Again | None = _again(await json_body(request, ReplayBody))
    replayed = 0
    while again is not None:
        count, again = await parts.store.write(replay_some(tenant, endpoint, again, parts.clock()))
        replayed += count
    return Reply.json(Replayed(replayed), status=202)


def _again(asked: ReplayBody) -> Again:
    if asked.only not in ("all", "dead"):
        raise InvalidBody.of("only", "only must be all or dead")
    since_us = _instant("from", asked.from_)
    until_us = _instant("to", asked.to) if asked.to is not None else None
    if until_us is not None and until_us <= since_us:
        raise InvalidBody.of("from", "from must be earlier than to")
    return Again.of_window(since_us, until_us, (DEAD,) if asked.only == "dead" else STATES[1:])


def _instant(name: str, text: str) -> int:
    try:
        return max(0, instant_value(text))
    except ValueError as fault:
        raise InvalidBody.of(name, f"{name} {fault}") from fault


def _with_notice(tenant: str, endpoint: bytes, notice: Notice, now_us: int) -> Step[None]:
    yield from lock_deliveries(tenant)
    yield from need_endpoint(tenant, endpoint)
    yield from put_notice(tenant, endpoint, notice, now_us)


async def _changed(request: AnyRequest, step: Step[Endpoint]) -> Reply:
    found: Endpoint = await parts_of(request).store.write(step)
    return Reply.json(show_endpoint(found))


def _wanted(request: AnyRequest, body: EndpointBody) -> Wanted:
    """What a body asks for; raises InvalidBody with every fault in it."""
    faults = [*_word_faults(body)]
    try:
        parts_of(request).outgoing.check(body.url)
    except ValueError as fault:
        faults.append(Fault("url", f"the url cannot be used: {fault}"))
    if faults:
        raise InvalidBody("; ".join(fault.detail for fault in faults), tuple(faults))
    events = tuple(name for name in SUBSCRIBABLE if name in body.events)
    return Wanted(
        body.url, body.description or None, body.form, events, body.direction, body.route, body.agent
    )


def _word_faults(body: EndpointBody) -> list[Fault]:
    faults = []
    if unknown := [name for name in body.events if name not in SUBSCRIBABLE]:
        faults.append(Fault("events", f"{unknown[0][:64]!r} is no event; choose of {_EVENTS}"))
    if body.form not in FORMS:
        faults.append(Fault("form", f"form must be one of {', '.join(FORMS)}"))
    if body.direction not in (None, *DIRECTIONS):
        faults.append(Fault("direction", f"direction must be one of {', '.join(DIRECTIONS)}"))
    described = body.description or ""
    if len(described) > MOST_DESCRIBED or not (described.isprintable()):
        faults.append(Fault("description", f"a description is a line of at most {MOST_DESCRIBED} characters"))
    return [*faults, *_filter_faults(body)]


def _filter_faults(body: EndpointBody) -> list[Fault]:
    asked = (("route", body.route), ("agent", body.agent))
    told = "must be up to 64 printable ASCII characters without spaces"
    return [Fault(name, f"{name} {told}") for name, value in asked if value and not _WORD.fullmatch(value)]


def _new_secret() -> str:
    return write_secret(secrets.token_bytes(SECRET_BYTES))


def _id(request: AnyRequest) -> bytes:
    return parse_uuid(part_after(request, "webhook-endpoints")) or b""


def _delivery_id(request: AnyRequest) -> bytes:
    found = _event_id(part_after(request, "deliveries"))
    if not found:
        raise NotFound("there is no delivery of that id")
    return found


def _event_id(text: str) -> bytes:
    return (parse_uuid(text.removeprefix(_MESSAGE)) or b"") if text.startswith(_MESSAGE) else b""


WEBHOOK_HANDLERS: Final[tuple[HTTPRouteHandler, ...]] = (
    add,
    list_all,
    read,
    change,
    remove,
    rotate,
    pause,
    resume,
    test,
    list_some,
    read_delivery,
    replay_delivery,
    replay,
)
