"""Links to the list of calls. The URL contains the whole state, so that it can be shared."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import urlencode

from calltally.web.request.query import Pairs
from calltally.web.response.paging import PageWindow

LIST: Final = "/calls"
_NUMBER: Final = re.compile(r"[0-9]{1,19}")
AFTER: Final = "after"
BEFORE: Final = "before"
# Requests the exact total, however long the count takes.
COUNTED: Final = "counted"
# The text of the search field, as typed.
SOUGHT: Final = "sought"
# Word to find in the conversation of a call's page.
WITHIN: Final = "within"
_POSITION_NAMES: Final = frozenset({"offset", "snapshot", "page", AFTER, BEFORE, COUNTED, SOUGHT})
# Parameters that are not filters and have no chip.
_NO_CHIP: Final = _POSITION_NAMES | {"limit", "order"}
# Keys of measured groups with a list filter of the same name.
_LIST_FILTERS: Final = frozenset({"route", "provider", "agent", "direction"})
# Filter of the calls in the numerator of a rate.
NARROWED: Final[Mapping[str, tuple[str, str]]] = {
    "completion_rate": ("status", "completed"),
    "no_answer_rate": ("status", "no-answer"),
    "busy_rate": ("status", "busy"),
    "cancel_rate": ("status", "canceled"),
    "failure_rate": ("status", "failed"),
    "provider_failure_rate": ("status", "failed"),
    "escalation_rate": ("escalated", "true"),
}


class Chip(NamedTuple):
    """One active filter, and the list without it."""

    name: str
    value: str
    without: str


class ListPosition(NamedTuple):
    """Part of the list on a page: `rows` calls from `offset`, with pages of `limit`.

    `total` is None if not counted: the list has more than `at_least` calls. `ends` are the ids of the first
    and last call, if the adjacent pages are addressed by them instead of by offset.
    """

    limit: int
    offset: int
    rows: int
    total: int | None
    at_least: int
    has_more: bool = False
    ends: tuple[str, str] | None = None


class Pager(NamedTuple):
    """Row range, 0 to 0 without rows; page number, and links to pages, None for a missing or unknown one."""

    first_row: int
    last_row: int
    page: int
    pages: int | None
    first: str | None
    previous: str | None
    next: str | None
    last: str | None


def non_empty(pairs: Pairs) -> Pairs:
    """Drop parameters of empty form fields."""
    return tuple((name, value) for name, value in pairs if value)


def chips(pairs: Pairs) -> list[Chip]:
    filter_pairs = [pair for pair in pairs if pair[0] not in _POSITION_NAMES]
    return [
        Chip(name, value, url(pair for pair in filter_pairs if pair != (name, value)))
        for name, value in filter_pairs
        if name not in _NO_CHIP
    ]


def pager(pairs: Pairs, snapshot: str, position: ListPosition) -> Pager:
    limit, offset, total = position.limit, position.offset, position.total
    filter_pairs = [pair for pair in pairs if pair[0] not in _POSITION_NAMES]

    def at(offset: int, neighbour: tuple[str, str] | None = None) -> str:
        extra = (neighbour,) if neighbour is not None and offset else ()
        return url([*filter_pairs, ("snapshot", snapshot), ("offset", str(offset)), *extra])

    first_id, last_id = position.ends or ("", "")
    has_after = position.has_more if total is None else offset + limit < total
    last_offset = None if total is None else max(total - 1, 0) // limit * limit
    before = offset - limit if total is None else min(offset, total) - limit
    return Pager(
        first_row=offset + 1 if position.rows else 0,
        last_row=offset + position.rows if position.rows else 0,
        page=offset // limit + 1,
        pages=None if last_offset is None else last_offset // limit + 1,
        first=at(0) if offset else None,
        previous=at(max(before, 0), (BEFORE, first_id) if first_id else None) if offset else None,
        next=at(offset + limit, (AFTER, last_id) if last_id else None) if has_after else None,
        last=at(last_offset) if last_offset is not None and (has_after or offset > last_offset) else None,
    )


def filters_only(pairs: Pairs) -> Pairs:
    return tuple(pair for pair in pairs if pair[0] not in _POSITION_NAMES)


def with_page_offset(pairs: Pairs, limit: int) -> Pairs:
    """Replace `page=7` from the page field by its offset."""
    named = [value for name, value in pairs if name == "page"]
    if not named:
        return pairs
    rest = tuple(pair for pair in pairs if pair[0] not in {"page", "offset"})
    number = parse_number(named[-1], otherwise=1)
    return (*rest, ("offset", str((max(number, 1) - 1) * limit)))


def parse_number(text: str, *, otherwise: int) -> int:
    """Parse a whole number of the URL; `otherwise` if it is invalid or too long."""
    return int(text) if _NUMBER.fullmatch(text) else otherwise


def url(pairs: Iterable[tuple[str, str]], path: str = LIST) -> str:
    query = urlencode(list(pairs))
    return f"{path}?{query}" if query else path


def adjacent_pages(pairs: Sequence[tuple[str, str]], path: str, window: PageWindow) -> dict[str, str | None]:
    """Return the links to the previous and next page of a query without an offset; None for a missing one."""
    before, after = max(window.offset - window.limit, 0), window.offset + window.limit
    return {
        "previous": url([*pairs, ("offset", str(before))], path) if window.offset else None,
        "next": url([*pairs, ("offset", str(after))], path) if after < window.total else None,
    }


def first_value(pairs: Sequence[tuple[str, str]], name: str) -> str:
    """Return the value of a parameter; empty if it is missing."""
    return next((value for each, value in pairs if each == name), "")


def calls_of(key: Mapping[str, str | None], filters: Pairs) -> Pairs | None:
    """Return the list's filters for a group's calls; None if a key has no filter."""
    if any(name not in _LIST_FILTERS or value is None for name, value in key.items()):
        return None
    other_pairs = [pair for pair in filters if pair[0] not in key]
    return (*other_pairs, *((name, value) for name, value in key.items() if value is not None))


def calls_url(calls: Pairs, from_: str, to: str) -> str:
    return f"/calls?{_group_part(calls)}from={_instant(from_)}&to={_instant(to)}"


@lru_cache(maxsize=256)
def _group_part(calls: Pairs) -> str:
    """Return the group's part of the URL. A page has hundreds of links with the same part."""
    return f"{urlencode(calls)}&" if calls else ""


def _instant(text: str) -> str:
    return text.replace(":", "%3A")
