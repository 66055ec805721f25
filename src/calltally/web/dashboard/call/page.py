"""`/calls/{id}`: one call, summarized for support in one sentence, with its details."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import msgspec
from litestar import get

from calltally.calls.times import EPOCH, SECOND_US, parse_instant
from calltally.web.api.call_logs.one_call import FoundCall, call_detail_json, requested_call
from calltally.web.api.call_logs.schemas import raw_event_resource
from calltally.web.dashboard.call.conflicts import field_conflicts, other_ids, source_name
from calltally.web.dashboard.call.conversation import conversation
from calltally.web.dashboard.call.raw_body import pretty_body
from calltally.web.dashboard.call.sentence import sentence, span
from calltally.web.dashboard.call.timeline import timeline
from calltally.web.dashboard.call_format import DASH, ago, call_path, full_time, local
from calltally.web.dashboard.calls.links import first_value, url
from calltally.web.dashboard.calls.page import API, curl_of, renewed
from calltally.web.dashboard.error_page import handle_page_exception
from calltally.web.dashboard.operations import page_operation
from calltally.web.dashboard.rendering import render_page
from calltally.web.dashboard.sign_in.visitor import Visitor, visitor_of
from calltally.web.request.access import TRANSCRIPTS_READ
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.query import query_pairs
from calltally.web.response.response import Response

# Tabs below the timeline. The print view shows all of them.
TABS: Final = ("facts", "deliveries", "record", "json")
PRINTED: Final = "print"
_HANDLING: Final[Any] = {Exception: handle_page_exception}
_TIMES: Final = ("created_at", "answered_at", "ended_at", "updated_at")
# Fields that the page shows elsewhere, or that are too long.
_OMITTED: Final = frozenset(
    ("summary", "metadata", "revision", "ending", "events", "session", "deliveries", "conflicts")
)
_LATE_S: Final = 60
_LONG_S: Final = 3_600


@get("/calls/{id:str}", operation=page_operation("/calls/{id}"), exception_handlers=_HANDLING)
async def show_call(request: AnyRequest) -> Response:
    """Show a call by any of its current or former ids or SIDs."""
    return await call_response(request, await visitor_of(request), await requested_call(request, "calls"))


async def call_response(request: AnyRequest, visitor: Visitor, found: FoundCall) -> Response:
    """Return the page of a call with the visitor's rights."""
    call = msgspec.json.decode(visitor.mask(await call_detail_json(request, found)))
    may_read = visitor.access.has_scope(TRANSCRIPTS_READ)
    shows_raw = visitor.can_read_bodies
    events = msgspec.json.encode([raw_event_resource(fact, shows_raw=shows_raw) for fact in found.facts])
    facts = msgspec.json.decode(visitor.mask(events))
    here = call_path(call["id"])
    tab = first_value(query_pairs(request.scope["query_string"]), "tab")
    values = {
        **_values(visitor, call),
        "facts": [_fact(visitor, call, fact) for fact in facts],
        "curl": curl_of(request, f"{API}/{call['id']}"),
        "may_read": may_read,
        "ago": ago(local(call["created_at"], visitor.zone), _now(request)),
        "tab": tab if tab in {*TABS, PRINTED} else TABS[0],
        "tabs": [(name, f"{here}?tab={name}#tabs") for name in TABS],
        "is_revealed": visitor.access.masks and not visitor.is_masked,
        "printed": f"{here}?tab={PRINTED}",
        "here": here,
    }
    return render_page("call.html", visitor, values, headers=renewed(request, visitor))


def _now(request: AnyRequest) -> Any:  # noqa: ANN401 (a datetime, as `ago` takes it)
    return EPOCH + timedelta(microseconds=dependencies_of(request).clock())


def _values(visitor: Visitor, call: dict[str, Any]) -> dict[str, Any]:
    entries = conversation(call)
    return {
        "call": call,
        "sentence": sentence(call),
        "times": {name: full_time(call[name], visitor.zone) for name in _TIMES},
        "answers": list(_answers(call)),
        "fields": [(name, _plain(value)) for name, value in call.items() if _is_listed(name, value)],
        "metadata": _indented(call["metadata"]) if call["metadata"] else "",
        "entries": entries,
        "timeline": timeline(call, entries),
        "disputes": list(field_conflicts(call)),
        "other_ids": other_ids(call),
        "deliveries": [_delivery(visitor, each) for each in call["deliveries"]],
        "json": _indented(call),
        "related": list(_related(call, sees_numbers=not visitor.is_masked)),
    }


def _indented(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _answers(call: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the most requested facts: durations, end reason, codes and escalation."""
    yield "talk", span(call["duration_seconds"])
    yield "ring", span(call["ring_seconds"])
    ending = call["ending"] or {}
    yield "why", ending.get("explanation") or ""
    yield "fault_with", (ending.get("side") or "").replace("-", " ")
    yield "provider_word", ending.get("provider_word") or ""
    codes = (("SIP", call["sip_code"]), ("Q.850", call["hangup_cause"]), ("", call["error_code"]))
    yield "codes", ", ".join(f"{name} {code}".strip() for name, code in codes if code)
    yield "escalation", _words(call["escalation"], ("target", "initiated_by", "reason"))
    yield "transfer", _words(call["transfer"], ("target", "outcome"))
    evaluation = (call["session"] or {}).get("evaluation") or {}
    yield "evaluation", _words(evaluation, ("score", "reason"))


def _words(values: dict[str, Any] | None, names: tuple[str, ...]) -> str:
    return ", ".join(str(values[name]) for name in names if values.get(name) is not None) if values else ""


def _delivery(visitor: Visitor, delivery: dict[str, Any]) -> dict[str, Any]:
    named = ("created_at", "updated_at", "next_attempt_at")
    return {**delivery, **{name: full_time(delivery[name], visitor.zone) for name in named}}


def _is_listed(name: str, value: object) -> bool:
    return name not in _OMITTED and name not in _TIMES and value not in (None, [], {})


def _plain(value: object) -> str:
    """Format a value of a fact or record."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_plain(each)}" for name, each in value.items() if each is not None)
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _fact(visitor: Visitor, call: dict[str, Any], fact: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the table: time, source, content and outcome."""
    occurred_us, received_us = parse_instant(fact["occurred_at"]), parse_instant(fact["received_at"])
    offset_s = (occurred_us - parse_instant(call["created_at"])) / SECOND_US
    late_s = (received_us - occurred_us) // SECOND_US
    raw = fact["raw"] or ""
    return {
        **fact,
        "pretty": pretty_body(raw) if fact["raw_encoding"] == "utf-8" else raw,
        "full": full_time(fact["occurred_at"], visitor.zone),
        "at": f"{local(fact['occurred_at'], visitor.zone):%H:%M:%S.%f}"[:-3],
        "offset": f"{offset_s:+.1f} s" if offset_s < _LONG_S else f"+{span(int(offset_s))}",
        "late": span(late_s) if late_s >= _LATE_S else "",
        "by": source_name(fact) or DASH,
        "says": [(name, _plain(value)) for name, value in fact["said"].items()],
    }


def _related(call: dict[str, Any], *, sees_numbers: bool) -> Any:  # noqa: ANN401 (pairs of a text's name, its value and a link)
    for name in ("from_number", "to_number") if sees_numbers else ():
        if call[name]:
            yield "same_number", {"number": call[name]}, url([("number", call[name])])
    for name in ("route", "agent"):
        if call[name]:
            yield f"same_{name}", {name: call[name]}, url([(name, call[name])])
