"""`/dead-letters` and `/dead-letters/{id}`: callbacks that could not be read, and their replay."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from calltally.calls.errors import NotFound
from calltally.calls.times import utc_text
from calltally.ingest.callbacks import read_letter
from calltally.ingest.replay import ReplayReport
from calltally.store.tenants.dead_letters import (
    DeadLetter,
    StoredDeadLetter,
    browse_dead_letters,
    count_dead_letters,
    find_dead_letter,
)
from calltally.web.api.call_logs.schemas import text_and_encoding
from calltally.web.dashboard.call.page import pretty_body
from calltally.web.dashboard.calls.links import adjacent_pages, first_value, url
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import grouped, minute
from calltally.web.dashboard.pages import form, page
from calltally.web.dashboard.rendering import render_page
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.access import EVENTS_WRITE
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.paths import segment_after
from calltally.web.request.query import Pairs
from calltally.web.response.paging import PageWindow, page_in, page_parameters
from calltally.web.response.response import Response

PATH: Final = "/dead-letters"
ONE: Final = PATH + "/{id:str}"
# A replay of one page is one request.
MAX_REPLAYED: Final = 50
_PAGE: Final = page_parameters("dead letters", most=MAX_REPLAYED, default=MAX_REPLAYED)
_ID_BYTES: Final = 16


@page(PATH)
async def show_dead_letters(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    """List the dead letters that wait for a replay, newest first; those of one provider with `provider=`."""
    return await _list_response(request, visitor, pairs)


@form(PATH, EVENTS_WRITE)
async def replay_dead_letters(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    """Replay the dead letters of a page, and show the rest with the result."""
    ids = [value for name, value in pairs if name == "letter"][:MAX_REPLAYED]
    result = await _replay(request, visitor, pairs, [_letter_id(each) for each in ids])
    return await _list_response(request, visitor, (), result)


async def _list_response(request: AnyRequest, visitor: Visitor, pairs: Pairs, result: str = "") -> Response:
    store, provider = dependencies_of(request).store, first_value(pairs, "provider")
    paging = page_in(pairs, _PAGE)
    counts = await store.read(count_dead_letters(visitor.tenant))
    total = counts.get(provider, 0) if provider else sum(counts.values())
    found = await store.read(browse_dead_letters(visitor.tenant, provider, **paging))
    rest = [pair for pair in pairs if pair[0] != "offset"]
    values = {
        "lines": [_line(visitor, letter) for letter in found],
        "total": grouped(total),
        "provider": provider,
        "result": result,
        **adjacent_pages(rest, PATH, PageWindow(paging["limit"], paging["offset"], total)),
        "may_write": visitor.access.has_scope(EVENTS_WRITE),
        "path": PATH,
        "here": url(pairs, PATH),
    }
    return render_page("dead_letters.html", visitor, values)


def _line(visitor: Visitor, letter: DeadLetter) -> dict[str, Any]:
    letter_id = letter.letter_id.hex()
    return {
        "id": letter_id,
        "path": f"{PATH}/{letter_id}",
        "provider": letter.provider,
        # The cause may quote the body, so that it may contain a number.
        "reason": msgspec.json.decode(visitor.mask(msgspec.json.encode(letter.reason))),
        "received": minute(utc_text(letter.received_us), visitor.zone),
        "repeats": letter.repeats,
        "count": grouped(letter.repeats + 1),
    }


@page(ONE)
async def show_dead_letter(request: AnyRequest, visitor: Visitor, _pairs: Pairs) -> Response:
    return await _letter_response(request, visitor)


@form(ONE + "/replay", EVENTS_WRITE)
async def replay_dead_letter(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    letter_id = _letter_id(segment_after(request, PATH.strip("/")))
    result = await _replay(request, visitor, pairs, [letter_id])
    return await _letter_response(request, visitor, result)


async def _letter_response(request: AnyRequest, visitor: Visitor, result: str = "") -> Response:
    letter_id = _letter_id(segment_after(request, PATH.strip("/")))
    stored = await dependencies_of(request).store.read(find_dead_letter(visitor.tenant, letter_id))
    if stored is None:
        raise NotFound(text("letter_gone"))
    line = _line(visitor, stored.letter)
    values = {
        "letter": {**line, "waits": stored.replayed_us is None, "state": _state(visitor, stored)},
        "sent": _request(stored.letter) if visitor.can_read_bodies else None,
        "result": result,
        "may_write": visitor.access.has_scope(EVENTS_WRITE),
        "path": PATH,
        "here": line["path"],
    }
    return render_page("dead_letter.html", visitor, values)


def _state(visitor: Visitor, stored: StoredDeadLetter) -> str:
    if stored.replayed_us is None:
        return text("letter_waits")
    if stored.replayed_us == stored.letter.received_us:
        return text("letter_kept")
    return text("letter_replayed", at=minute(utc_text(stored.replayed_us), visitor.zone))


def _request(letter: DeadLetter) -> dict[str, Any]:
    """Return the original request. Its URL and headers may contain numbers too."""
    callback = read_letter(letter)
    raw, encoding = text_and_encoding(callback.body)
    return {
        "method": callback.method,
        "url": callback.url,
        "headers": sorted(callback.headers.items()),
        "raw": raw,
        "pretty": pretty_body(raw) if encoding == "utf-8" else raw,
    }


async def _replay(request: AnyRequest, visitor: Visitor, pairs: Pairs, ids: Sequence[bytes]) -> str:
    """Replay the letters that still wait; return the result in words."""
    deps = dependencies_of(request)
    stored = [await deps.store.read(find_dead_letter(visitor.tenant, letter_id)) for letter_id in ids]
    letters = [each.letter for each in stored if each is not None and each.replayed_us is None]
    if not letters:
        return text("replayed_gone")
    replay = deps.intake.dead_letter_replay(deliver=first_value(pairs, "deliver") == "on")
    return _result_text(await replay.replay(visitor.tenant, letters))


def _result_text(report: ReplayReport) -> str:
    facts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(report.facts.items()))
    return text(
        "replayed_some",
        understood=report.understood + report.kept,
        facts=facts or text("replayed_nothing"),
        dead=report.still_dead,
    )


def _letter_id(given: str) -> bytes:
    """Return the id of a letter. Raises NotFound for a text that is no id."""
    try:
        letter_id = bytes.fromhex(given)
    except ValueError:
        letter_id = b""
    if len(letter_id) != _ID_BYTES:
        raise NotFound(text("letter_gone"))
    return letter_id
