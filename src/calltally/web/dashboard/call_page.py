"""`/calls/{id}`: one call, so that a support person can say in ten seconds what happened on it."""

from typing import Any, Final

import msgspec
from litestar import get

from calltally.calls.times import SECOND_US, parse_instant
from calltally.web.access import TRANSCRIPTS_READ
from calltally.web.api.call_logs import found_call, shown_fact
from calltally.web.dashboard.calls_page import API, curl_of, renewed
from calltally.web.dashboard.faults import answer_page
from calltally.web.dashboard.operations import of_page
from calltally.web.dashboard.paging import url
from calltally.web.dashboard.rendering import page
from calltally.web.dashboard.sentence import sentence
from calltally.web.dashboard.shown import DASH, full_time
from calltally.web.dashboard.timeline import WIDTH, timeline
from calltally.web.dashboard.visitors import Visitor, visitor_of
from calltally.web.exchange import AnyRequest
from calltally.web.reply import Reply

_HANDLING: Final[Any] = {Exception: answer_page}
_TIMES: Final = ("created_at", "answered_at", "ended_at", "updated_at")
# Told in the sentence or elsewhere on the page, or long.
_APART: Final = frozenset({"summary", "metadata", "id", "revision"})
_LATE_S: Final = 60


@get("/calls/{id:str}", operation=of_page("/calls/{id}"), exception_handlers=_HANDLING)
async def show_call(request: AnyRequest) -> Reply:
    """The page of one call, by any id or SID that ever was its own."""
    visitor = await visitor_of(request)
    record, facts, _session = await found_call(request, "calls")
    may_read = visitor.access.may(TRANSCRIPTS_READ)
    told = [msgspec.to_builtins(shown_fact(fact, shows_raw=may_read)) for fact in facts]
    values = _values(visitor, msgspec.json.decode(record), told)
    shown = {**values, "curl": curl_of(request, f"{API}/{values['call']['id']}"), "shows_raw": may_read}
    return page("call.html", visitor, shown, headers=renewed(request, visitor))


def _values(visitor: Visitor, call: dict[str, Any], told: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "call": call,
        "sentence": sentence(call),
        "times": {name: full_time(call[name], visitor.zone) for name in _TIMES},
        "fields": [(name, _plain(value)) for name, value in call.items() if _is_listed(name, value)],
        "facts": [_fact(visitor, call, fact) for fact in told],
        "timeline": timeline(call, told),
        "width": WIDTH,
        "json": msgspec.json.format(msgspec.json.encode(call), indent=2).decode(),
        "here": f"/calls/{call['id']}",
        "related": list(_related(call)),
    }


def _is_listed(name: str, value: object) -> bool:
    return name not in _APART and name not in _TIMES and value not in (None, [], {})


def _plain(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _fact(visitor: Visitor, call: dict[str, Any], fact: dict[str, Any]) -> dict[str, Any]:
    """One line of the table: when on the call's clock, by whom, what, and what became of it."""
    occurred_us, received_us = parse_instant(fact["occurred_at"]), parse_instant(fact["received_at"])
    offset_s = (occurred_us - parse_instant(call["created_at"])) / SECOND_US
    late_s = (received_us - occurred_us) // SECOND_US
    return {
        **fact,
        "at": full_time(fact["occurred_at"], visitor.zone),
        "offset": f"+{offset_s:.1f} s" if offset_s >= 0 else f"{offset_s:.1f} s",
        "late_s": late_s if late_s >= _LATE_S else 0,
        "by": " / ".join(part for part in (fact["provider"], fact["door"].replace("_", " ")) if part) or DASH,
        "says": [(name, _plain(value)) for name, value in fact["said"].items()],
    }


def _related(call: dict[str, Any]) -> Any:  # noqa: ANN401 (pairs of a text's name, its value and a link)
    for name in ("from_number", "to_number"):
        if call[name]:
            yield "same_number", {"number": call[name]}, url([("number", call[name])])
    for name in ("route", "agent"):
        if call[name]:
            yield f"same_{name}", {name: call[name]}, url([(name, call[name])])
