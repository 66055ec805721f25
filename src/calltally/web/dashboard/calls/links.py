"""Where the list's links lead: all is in the URL, so that what one sees can be sent."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlencode

from calltally.web.request.query import Pairs

LIST: Final = "/calls"
_NUMBER: Final = re.compile(r"[0-9]{1,19}")
AFTER: Final = "after"
BEFORE: Final = "before"
# Whether the page is to say how many calls there are, however long it takes to count them.
COUNTED: Final = "counted"
_PLACE: Final = frozenset({"offset", "snapshot", "page", AFTER, BEFORE, COUNTED})
# What is no filter, and so has no chip.
_NO_CHIP: Final = _PLACE | {"limit", "order"}


class Chip(NamedTuple):
    """One filter that is on, and the list without it."""

    name: str
    value: str
    without: str


class ListPosition(NamedTuple):
    """What part of a list a page shows: `rows` calls from `offset` on, of pages of `limit`.

    `total` is None where it was not counted: there are `at_least` so many. `ends` are the ids of the first
    and last call, where the pages around are found by them rather than by their offset.
    """

    limit: int
    offset: int
    rows: int
    total: int | None
    at_least: int
    has_more: bool = False
    ends: tuple[str, str] | None = None


class Pager(NamedTuple):
    """Which rows of how many are shown, and the pages around; None where there is none, or nobody knows."""

    first_row: int
    last_row: int
    page: int
    pages: int | None
    first: str | None
    previous: str | None
    next: str | None
    last: str | None


def non_empty(pairs: Pairs) -> Pairs:
    """The query without what a form sends for a field that was left empty."""
    return tuple((name, value) for name, value in pairs if value)


def chips(pairs: Pairs) -> list[Chip]:
    """The filters that are on, in their order."""
    stays = [pair for pair in pairs if pair[0] not in _PLACE]
    return [
        Chip(name, value, url(pair for pair in stays if pair != (name, value)))
        for name, value in stays
        if name not in _NO_CHIP
    ]


def pager(pairs: Pairs, snapshot: str, shown: ListPosition) -> Pager:
    """The pages around the one that is shown."""
    limit, offset, total = shown.limit, shown.offset, shown.total
    stays = [pair for pair in pairs if pair[0] not in _PLACE]

    def at(place: int, beside: tuple[str, str] | None = None) -> str:
        found = (beside,) if beside is not None and place else ()
        return url([*stays, ("snapshot", snapshot), ("offset", str(place)), *found])

    first_id, last_id = shown.ends or ("", "")
    has_after = shown.has_more if total is None else offset + limit < total
    last_offset = None if total is None else max(total - 1, 0) // limit * limit
    before = offset - limit if total is None else min(offset, total) - limit
    return Pager(
        first_row=offset + 1 if shown.rows else min(offset + 1, shown.at_least),
        last_row=offset + shown.rows,
        page=offset // limit + 1,
        pages=None if last_offset is None else last_offset // limit + 1,
        first=at(0) if offset else None,
        previous=at(max(before, 0), (BEFORE, first_id) if first_id else None) if offset else None,
        next=at(offset + limit, (AFTER, last_id) if last_id else None) if has_after else None,
        last=at(last_offset) if has_after and last_offset is not None else None,
    )


def filters_only(pairs: Pairs) -> Pairs:
    """The query without a place in it."""
    return tuple(pair for pair in pairs if pair[0] not in _PLACE)


def with_page_offset(pairs: Pairs, limit: int) -> Pairs:
    """`page=7` as the offset that it stands for, for the field that people jump with."""
    named = [value for name, value in pairs if name == "page"]
    if not named:
        return pairs
    rest = tuple(pair for pair in pairs if pair[0] not in {"page", "offset"})
    number = parse_number(named[-1], otherwise=1)
    return (*rest, ("offset", str((max(number, 1) - 1) * limit)))


def parse_number(text: str, *, otherwise: int) -> int:
    """A whole number of the address bar; another where it is none, or longer than any that is meant."""
    return int(text) if _NUMBER.fullmatch(text) else otherwise


def url(pairs: Iterable[tuple[str, str]], path: str = LIST) -> str:
    """The list of such a query."""
    query = urlencode(list(pairs))
    return f"{path}?{query}" if query else path


def first_value(pairs: Sequence[tuple[str, str]], name: str) -> str:
    """The value of a parameter, empty where it is not given."""
    return next((value for each, value in pairs if each == name), "")
