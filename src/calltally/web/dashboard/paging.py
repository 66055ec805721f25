"""Where the list's links lead: all is in the URL, so that what one sees can be sent."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlencode

from calltally.web.query import Pairs

LIST: Final = "/calls"
_NUMBER: Final = re.compile(r"[0-9]{1,19}")
_PLACE: Final = frozenset({"offset", "snapshot", "page"})
# What is no filter, and so has no chip.
_NO_CHIP: Final = _PLACE | {"limit", "order"}


class Chip(NamedTuple):
    """One filter that is on, and the list without it."""

    name: str
    value: str
    without: str


class Pager(NamedTuple):
    """Which rows of how many are shown, and the pages around; None where there is none."""

    first_row: int
    last_row: int
    page: int
    pages: int
    first: str | None
    previous: str | None
    next: str | None
    last: str | None


def meant(pairs: Pairs) -> Pairs:
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


def pager(pairs: Pairs, snapshot: str, shown: tuple[int, int, int]) -> Pager:
    """The pages around one of `limit` rows from `offset` on, of `total`."""
    limit, offset, total = shown
    last_offset = max(total - 1, 0) // limit * limit
    stays = [pair for pair in pairs if pair[0] not in _PLACE]

    def at(place: int) -> str:
        return url([*stays, ("snapshot", snapshot), ("offset", str(place))])

    has_before, has_after = offset > 0, offset + limit < total
    return Pager(
        first_row=min(offset + 1, total),
        last_row=min(offset + limit, total),
        page=offset // limit + 1,
        pages=last_offset // limit + 1,
        first=at(0) if has_before else None,
        previous=at(max(min(offset, total) - limit, 0)) if has_before else None,
        next=at(offset + limit) if has_after else None,
        last=at(last_offset) if has_after else None,
    )


def filters_alone(pairs: Pairs) -> Pairs:
    """The query without a place in it."""
    return tuple(pair for pair in pairs if pair[0] not in _PLACE)


def placed(pairs: Pairs, limit: int) -> Pairs:
    """`page=7` as the offset that it stands for, for the field that people jump with."""
    named = [value for name, value in pairs if name == "page"]
    if not named:
        return pairs
    rest = tuple(pair for pair in pairs if pair[0] not in {"page", "offset"})
    number = number_in(named[-1], otherwise=1)
    return (*rest, ("offset", str((max(number, 1) - 1) * limit)))


def number_in(text: str, *, otherwise: int) -> int:
    """A whole number of the address bar; another where it is none, or longer than any that is meant."""
    return int(text) if _NUMBER.fullmatch(text) else otherwise


def url(pairs: Iterable[tuple[str, str]], path: str = LIST) -> str:
    """The list of such a query."""
    query = urlencode(list(pairs))
    return f"{path}?{query}" if query else path


def only(pairs: Sequence[tuple[str, str]], name: str) -> str:
    """The value of a parameter, empty where it is not given."""
    return next((value for each, value in pairs if each == name), "")
