"""A call as the pages write it: times in the reader's zone, spans in words, what is unknown as a dash."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final, NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

from calltally.web.dashboard.sentence import span

DASH: Final = "\N{EN DASH}"
_SHORT_CHARS: Final = 15
_ENDS_CHARS: Final = 6


class Row(NamedTuple):
    """One line of the list."""

    id: str
    path: str
    instant: str
    full: str
    time: str
    status: str
    direction: str
    from_number: str
    to_number: str
    route: str
    agent: str
    talk: str
    ring: str
    summary: str
    escalated: bool
    erased: bool


class Day(NamedTuple):
    """The calls of one day of the reader's zone."""

    name: str
    rows: Sequence[Row]


def days(calls: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> list[Day]:
    """The lines of a page under their days, in the order of the list."""
    dated = [(local(call["created_at"], zone), call) for call in calls]
    grouped = groupby(dated, key=lambda pair: pair[0].date())
    return [
        Day(day.strftime("%A, %-d %B %Y"), [_row(moment, call) for moment, call in pairs])
        for day, pairs in grouped
    ]


def local(text: str, zone: ZoneInfo) -> datetime:
    """An instant of a record in the reader's zone."""
    return datetime.fromisoformat(text).astimezone(zone)


def full_time(text: str | None, zone: ZoneInfo) -> str:
    """`2026-10-01 09:32:30.198 CEST`; a dash where it is not known."""
    if text is None:
        return DASH
    moment = local(text, zone)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d} {moment:%Z}"


def call_path(named: str) -> str:
    """Where the page of a call is."""
    return f"/calls/{quote(named, safe='')}"


def short(text: str) -> str:
    """An id shortened in the middle: its two ends are what people compare."""
    if len(text) <= _SHORT_CHARS:
        return text
    return f"{text[:_ENDS_CHARS]}…{text[-_ENDS_CHARS:]}"


def _row(moment: datetime, call: Mapping[str, Any]) -> Row:
    return Row(
        id=call["id"],
        path=call_path(call["id"]),
        instant=call["created_at"],
        full=f"{moment:%Y-%m-%d %H:%M:%S %Z}",
        time=f"{moment:%H:%M:%S}",
        status=call["status"] or "",
        direction=call["direction"] or "",
        from_number=call["from_number"] or DASH,
        to_number=call["to_number"] or DASH,
        route=call["route"] or "",
        agent=call["agent"] or "",
        talk=span(call["duration_seconds"]),
        ring=span(call["ring_seconds"]),
        summary=call["summary"] or "",
        escalated=bool(call["escalated"]),
        erased=bool(call.get("erased")),
    )
