"""`/calls/{id}`: one call, summarized for support in a sentence, with its details and contradicting facts."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from calltally.calls.identity import parse_uuid
from calltally.calls.model import FINAL, Status
from calltally.calls.times import EPOCH, SECOND_US, parse_instant
from calltally.store.tenants.tenants import StoredReveal, record_reveal
from calltally.web.api.call_logs.one_call import FoundCall, call_detail_json, requested_call
from calltally.web.api.call_logs.schemas import raw_event_resource
from calltally.web.dashboard.call.conversation import conversation
from calltally.web.dashboard.call.fact_changes import changes_by_fact
from calltally.web.dashboard.call.sentence import sentence, span
from calltally.web.dashboard.call.timeline import timeline
from calltally.web.dashboard.calls.links import WITHIN, first_value, url
from calltally.web.dashboard.calls.page import API, curl_of
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import DASH, ago, call_path, full_time, local
from calltally.web.dashboard.pages import form, page
from calltally.web.dashboard.rendering import render_page
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.access import PII_READ, TRANSCRIPTS_READ
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.query import Pairs
from calltally.web.response.response import Response

# Tabs below the timeline. The print view shows all of them.
TABS: Final = ("facts", "deliveries", "record", "json")
PRINTED: Final = "print"
_DELIVERY_TIMES: Final = ("created_at", "updated_at", "next_attempt_at")
_TIMES: Final = ("created_at", "answered_at", "ended_at", "updated_at")
# Fields that the page shows elsewhere, or that are too long.
_OMITTED: Final = frozenset(
    ("summary", "metadata", "revision", "ending", "events", "session", "deliveries", "conflicts", *_TIMES)
)
_LATE_S: Final = 60
_LONG_S: Final = 3_600
Record = Mapping[str, Any]

_PARTIES: Final = ("direction", "from_number", "to_number")


@page("/calls/{id:str}")
async def show_call(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    """Show a call by any of its current or former ids or SIDs."""
    return await _call_response(request, visitor, pairs, await requested_call(request, "calls"))


@form("/calls/{id:str}/reveal", PII_READ)
async def reveal_call(request: AnyRequest, visitor: Visitor, _pairs: Pairs) -> Response:
    """Show a call of a masking tenant with full numbers.

    The page has no URL of its own, so each reveal is requested, and logged first.
    """
    deps, found = dependencies_of(request), await requested_call(request, "calls")
    call_id = parse_uuid(msgspec.json.decode(found.record)["id"]) or b""
    reveal = StoredReveal(deps.clock(), visitor.access.key_id, call_id)
    await deps.store.write(record_reveal(visitor.tenant, reveal))
    return await _call_response(request, visitor._replace(is_masked=False), (), found)


async def _call_response(request: AnyRequest, visitor: Visitor, pairs: Pairs, found: FoundCall) -> Response:
    call = msgspec.json.decode(visitor.mask(await call_detail_json(request, found)))
    may_read = visitor.access.has_scope(TRANSCRIPTS_READ)
    shows_raw = visitor.can_read_bodies
    changes = changes_by_fact(visitor.tenant, [stored.fact for stored in found.facts])
    events = msgspec.json.encode(
        [
            {**raw_event_resource(fact, shows_raw=shows_raw), "changed": changes[at] if changes else {}}
            for at, fact in enumerate(found.facts)
        ]
    )
    facts = msgspec.json.decode(visitor.mask(events))
    here = call_path(call["id"])
    tab = first_value(pairs, "tab")
    now = EPOCH + timedelta(microseconds=dependencies_of(request).clock())
    values = {
        **_values(visitor, call),
        "facts": [_fact(visitor, call, fact) for fact in facts],
        "curl": curl_of(request, f"{API}/{call['id']}"),
        "may_read": may_read,
        "ago": ago(local(call["created_at"], visitor.zone), now),
        "tab": tab if tab in {*TABS, PRINTED} else TABS[0],
        "tabs": [(name, f"{here}?tab={name}#tabs") for name in TABS],
        "is_revealed": visitor.access.masks and not visitor.is_masked,
        "printed": f"{here}?tab={PRINTED}",
        "here": here,
        "within": first_value(pairs, WITHIN),
    }
    return render_page("call.html", visitor, values)


def _values(visitor: Visitor, call: dict[str, Any]) -> dict[str, Any]:
    entries = conversation(call)
    return {
        "call": call,
        "sentence": sentence(call),
        "times": {name: full_time(call[name], visitor.zone) for name in _TIMES},
        "answers": list(_answers(call)),
        "fields": [
            (name, _plain(value))
            for name, value in call.items()
            if name not in _OMITTED and value not in (None, [], {})
        ],
        "metadata": _indented(call["metadata"]) if call["metadata"] else "",
        "entries": entries,
        "timeline": timeline(call, entries),
        "disputes": list(field_conflicts(call)),
        "other_ids": other_ids(call),
        "deliveries": [
            {**each, **{name: full_time(each[name], visitor.zone) for name in _DELIVERY_TIMES}}
            for each in call["deliveries"]
        ],
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
    yield "escalation", _escalation(call["escalation"] or {})
    yield "transfer", _words(call["transfer"], ("target", "outcome"))
    evaluation = (call["session"] or {}).get("evaluation") or {}
    yield "evaluation", _words(evaluation, ("score", "reason"))


def _escalation(escalation: dict[str, Any]) -> str:
    names = [name for name in ("target", "initiated_by", "reason") if escalation.get(name)]
    return ", ".join(text(f"escalation_{name}", value=escalation[name]) for name in names)


def _words(values: dict[str, Any] | None, names: tuple[str, ...]) -> str:
    return ", ".join(str(values[name]) for name in names if values.get(name) is not None) if values else ""


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_plain(each)}" for name, each in value.items() if each is not None)
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _fact(visitor: Visitor, call: dict[str, Any], fact: dict[str, Any]) -> dict[str, Any]:
    occurred_us, received_us = parse_instant(fact["occurred_at"]), parse_instant(fact["received_at"])
    offset_s = (occurred_us - parse_instant(call["created_at"])) / SECOND_US
    late_s = (received_us - occurred_us) // SECOND_US
    raw = fact["raw"] or ""
    contradicted = _contradicted(call, fact)
    unchanged = {name: value for name, value in fact["said"].items() if name not in fact["changed"]}
    return {
        **fact,
        "pretty": pretty_body(raw) if fact["raw_encoding"] == "utf-8" else raw,
        "full": full_time(fact["occurred_at"], visitor.zone),
        "at": f"{local(fact['occurred_at'], visitor.zone):%H:%M:%S.%f}"[:-3],
        "offset": f"{offset_s:+.1f} s" if offset_s < _LONG_S else f"+{span(int(offset_s))}",
        "late": span(late_s) if late_s >= _LATE_S else "",
        "by": source_name(fact) or DASH,
        "changes": [(name, _changed_value(name, value, visitor)) for name, value in fact["changed"].items()],
        "contradicted": [(name, _plain(fact["said"][name])) for name in contradicted],
        "others": [(name, _plain(value)) for name, value in unchanged.items() if name not in contradicted],
    }


def _contradicted(call: Record, fact: Record) -> list[str]:
    """Return the fields of a fact with another value than the record's, if the two contradict each other."""
    stated = fact["said"]
    return [
        name
        for name in ("status", *_PARTIES)
        if stated.get(name) not in (None, call[name])
        and name not in fact["changed"]
        and (name != "status" or (stated[name] in FINAL and call[name] in FINAL))
    ]


def _changed_value(name: str, value: object, visitor: Visitor) -> str:
    """Format a value of the record after a fact; a time in the reader's zone, a dash for a lost value."""
    if name in _TIMES and isinstance(value, str):
        return full_time(value, visitor.zone)
    return DASH if value in (None, [], {}) else _plain(value)


def _related(call: dict[str, Any], *, sees_numbers: bool) -> Any:  # noqa: ANN401 (pairs of a text's name, its value and a link)
    for name in ("from_number", "to_number") if sees_numbers else ():
        if call[name]:
            yield "same_number", {"number": call[name]}, url([("number", call[name])])
    if parent := call["parent_call_sid"]:
        yield "same_parent", {"parent": parent}, url([("parent_call_sid", parent)])
    for name in ("route", "agent"):
        if call[name]:
            yield f"same_{name}", {name: call[name]}, url([(name, call[name])])


def pretty_body(raw: str) -> str:
    """Indent JSON, and split a form into lines; other bodies are unchanged."""
    try:
        return msgspec.json.format(raw, indent=2)
    except ValueError:
        pass
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        return raw
    return "\n".join(f"{name}: {value}" for name, value in pairs) or raw


class ConflictingValue(NamedTuple):
    """One value, its sources, and whether the record uses it."""

    value: str
    by: Sequence[str]
    counts: bool


class FieldConflict(NamedTuple):
    """Field of the record with different values in its facts, and why the record uses one of them."""

    name: str
    values: Sequence[ConflictingValue]
    reason: str


def field_conflicts(call: Record) -> Iterator[FieldConflict]:
    """Yield the fields with contradicting values, of a call as the API returns it."""
    for name in ("status", *_PARTIES):
        values: dict[str, list[str]] = {}
        for fact in call["events"]:
            value = fact["said"].get(name)
            if value is not None and (name != "status" or value in FINAL):
                values.setdefault(str(value), []).append(source_name(fact))
        if len(values) > 1:
            yield FieldConflict(
                name,
                [
                    ConflictingValue(value, list(dict.fromkeys(by)), value == call[name])
                    for value, by in values.items()
                ],
                text(_reason(name, call, values.keys() - {call[name]}), value=call[name]),
            )


def _reason(name: str, call: Record, others: AbstractSet[str]) -> str:
    """Return the name of the text with the rule of the fold that decides between the values."""
    if name == "status" and call["answered_at"] and call[name] == Status.COMPLETED:
        return "counts_answered"
    if name == "status" and others == {Status.COMPLETED}:
        return "counts_unproven"
    return "counts_rank"


def other_ids(call: Record) -> list[str]:
    sids = dict.fromkeys(fact["call_sid"] for fact in call["events"])
    return [sid for sid in sids if sid != call["call_sid"]]


def source_name(fact: Record) -> str:
    """Return the source of a fact: its provider and channel."""
    return " / ".join(part for part in (fact["provider"], fact["door"].replace("_", " ")) if part)
