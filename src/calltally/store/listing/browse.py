"""A page for people of a filter without counters: its rows first, and a total where that is cheap.

The rows are those of the API's page. They are read from where the page begins, in time that depends on the
page: by a number from its index; by words through the newest calls, each asked whether it has them. Only
where too few of those do, it begins at the index of words, as the API does. What the page does not wait for,
`count` counts.
"""

from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from calltally.calls.filters import ListQuery
from calltally.store.db.operation import Clauses, Statement, Step
from calltally.store.listing.list_calls import View, created_in, now_of, view_of
from calltally.store.listing.scan import EVERY, HAS_WORDS, KnownScan
from calltally.store.listing.seek import SEPARATOR
from calltally.store.snapshots.ledger_head import standing_of
from calltally.store.snapshots.tokens import Standing

# How many calls are looked at for the rows of words, in less than a microsecond each (as of the past
# two): before the index is asked whether they are few, and before it is begun at.
_LOOKED_AT_FIRST: Final = 2_000
_LOOKED_AT: Final = 20_000
# How many more for each row that is wanted or passed over: frequent words are in one call of eight, or more.
_LOOKED_AT_A_ROW: Final = 8
# How many are looked at to tell how many there are, at the least.
_COUNTED: Final = 5_000
# Texts so few that to begin at them costs no more than that.
_FEW: Final = 2_000
# A page of so many calls that have some words tells by itself that there are many.
_TELLING: Final = 500
# So few matches among those that are counted may be all there are.
_SELDOM: Final = 100
# What a call costs that is found by its words, in calls that are looked at.
_OF_ONE_FOUND: Final = 6
# By whether a number is asked for, and whether as of the past.
_LOOKS: Final = {
    (False, False): "look_total",
    (False, True): "look_total_as_of",
    (True, False): "number_look_total",
    (True, True): "number_look_total_as_of",
}


class Place(NamedTuple):
    """Where a page begins: after a call; or ends: before one. Nothing is passed over then."""

    call_id: bytes
    is_before: bool = False


class Glanced(NamedTuple):
    """One page: its records joined by SEPARATOR, whether more follow, and how many calls there are in all.

    `total` is None where it was not counted; there are `at_least` so many then.
    """

    records: bytes
    has_more: bool
    total: int | None
    at_least: int
    snapshot: str


def glance(tenant: str, query: ListQuery, place: Place | None = None) -> Step[Glanced]:
    """The page that `query` asks for, or the one beside a call.

    Beside a call, the offset only says which rows those are. Raises InvalidInput and SnapshotGone as the
    list does.
    """
    view = yield from _view(tenant, query)
    whole = _look(view, query)
    if place is None:
        rows, has_more = yield from _at_offset(view, query, whole)
    else:
        rows, has_more = yield from _beside(view, query, place, whole)
    shown = rows[: query.limit]
    is_telling = has_more and len(shown) >= _TELLING and query.filter.q is not None
    total, at_least = (whole.known_total(), 0) if is_telling else (yield from whole.at_least())
    if total is None and shown:
        at_least = max(at_least, query.offset + len(shown) + has_more)
    return Glanced(SEPARATOR.join(shown), has_more, total, at_least, view.token)


def _at_offset(view: View, query: ListQuery, whole: "_Look") -> Step[tuple[list[bytes], bool]]:
    """The rows from the offset on; from the other end of the list, where that is known to be nearer."""
    total = whole.known_total()
    if total is not None and query.offset > total // 2:
        left = max(total - query.offset, 0)
        most = min(left, query.limit)
        back = _look(view, replace(query, order=_other(query.order)))
        rows = (yield from back.rows(left - most, most, within=whole)) if most else []
        return rows[::-1], left > most
    rows = yield from whole.rows(query.offset, query.limit + 1, within=whole)
    has_more = len(rows) > query.limit
    if not has_more and (rows or not query.offset):
        whole.note(query.offset + len(rows))
    return rows, has_more


def _beside(view: View, query: ListQuery, place: Place, whole: "_Look") -> Step[tuple[list[bytes], bool]]:
    """The rows beside a call, in the order asked for, and whether more follow."""
    at_us = yield from created_in(view, place.call_id)
    order = _other(query.order) if place.is_before else query.order
    look = _Look(view.standing, replace(query, order=order), _as_of(view), (at_us, place.call_id))
    if place.is_before:
        return (yield from look.rows(0, query.limit, within=whole))[::-1], True
    rows = yield from look.rows(0, query.limit + 1, within=whole)
    return rows, len(rows) > query.limit


def count(tenant: str, query: ListQuery) -> Step[int]:
    """How many calls a query finds, however long that takes."""
    view = yield from _view(tenant, query)
    return (yield from _look(view, query).total())


def count_fresh(tenant: str, query: ListQuery) -> Step[int]:
    """How many more calls a query finds now than under its snapshot: linear in what has changed since."""
    view = yield from _view(tenant, query)
    return (yield from _look(view, query).fresh())


def _view(tenant: str, query: ListQuery) -> Step[View]:
    view = yield from view_of(tenant, query)
    return view or now_of((yield from standing_of(tenant)))


def _other(order: str) -> str:
    return "asc" if order == "desc" else "desc"


def _as_of(view: View) -> int | None:
    return view.as_of if view.is_past else None


def _look(view: View, query: ListQuery) -> "_Look":
    return _Look(view.standing, query, _as_of(view))


class _Look(KnownScan):
    """A glance at one state of a ledger; where `behind` is a call, at those that follow it alone."""

    def __init__(
        self, standing: Standing, query: ListQuery, as_of: int | None, behind: tuple[int, bytes] | None = None
    ) -> None:
        super().__init__(standing, query, as_of)
        self._behind = behind
        self._seen: tuple[int, int] | None = None
        self._few: bool | None = None

    def rows(self, skip: int, most: int, *, within: "_Look") -> Step[list[bytes]]:
        """At most so many rows; `within` is the same question without a place."""
        window = {**(yield from self._params()), "skip": skip, "most": most}
        if self._words and not self._number:
            return (yield from self._rows_of_words(window, within))
        # Of a number and words those are begun at that are few.
        few = self._number and (yield from within.has_few())
        return (yield from (self._begun_at_words(window) if few else self._read_rows(window)))

    def _rows_of_words(self, window: dict[str, Any], within: "_Look") -> Step[list[bytes]]:
        skip, most = window["skip"], window["most"]
        frequent = _LOOKED_AT_A_ROW * (skip + most)
        rows = yield from self._looked_through(window, _LOOKED_AT_FIRST + frequent)
        if len(rows) == most:
            return rows
        if (yield from within.has_few()):
            return (yield from self._begun_at_words(window))
        rows = yield from self._looked_through(window, _LOOKED_AT + frequent)
        if len(rows) == most or (yield from within.is_looked_through()):
            return rows
        # To go on so would be to look at about so many; to begin at the words, at each call that has them.
        worth = _LOOKED_AT * most // max(len(rows), 1) // _OF_ONE_FOUND
        if (yield from self._count_words(window, worth)) < worth:
            return (yield from self._begun_at_words(window))
        return (yield from self._looked_through(window, EVERY))

    def at_least(self) -> Step[tuple[int | None, int]]:
        """How many match, None where that would take long; and how many at the least."""
        known = self.known_total()
        if known is None and self._few:
            known = yield from self.total()
        if known is not None:
            return known, known
        matched = (yield from self._looked_at_newest())[1]
        if (yield from self.is_looked_through()):
            return self.note(matched), matched
        # Of words that are only begun the index first collects every text that has them: not asked in vain.
        if matched < _SELDOM and (yield from self.has_few()):
            total = yield from self.total()
            return total, total
        return None, matched

    def has_few(self) -> Step[bool]:
        """Whether words are asked for that few texts have."""
        if self._few is None:
            params = yield from self._params()
            self._few = self._words and (yield from self._count_words(params, _FEW)) < _FEW
        return self._few

    def is_looked_through(self) -> Step[bool]:
        """Whether there are no more calls to look at than are looked at to count."""
        return (yield from self._looked_at_newest())[0] < _COUNTED

    def _looked_at_newest(self) -> Step[tuple[int, int]]:
        """How many calls the newest are that are looked at, and how many of them match."""
        if self._seen is None:
            name = _LOOKS[self._number, self._as_of is not None]
            params = {**(yield from self._params()), "look": _COUNTED}
            [(looked_at, matched)] = yield Statement(name, params, self._beside_number())
            self._seen = looked_at, matched
        return self._seen

    def _looked_through(self, window: dict[str, Any], look: int) -> Step[list[bytes]]:
        """The rows of words among the first so many calls."""
        window = {**window, "look": look}
        if self._as_of is not None:
            return (yield from self._documents("look_rows_as_of", window, self._beside_number()))
        rows = yield Statement("look_records", window, (*self._beside_number(), self._way))
        return [record for (record,) in rows]

    def _begun_at_words(self, window: dict[str, Any]) -> Step[list[bytes]]:
        clauses = self._clauses(number=True, words="")
        if self._as_of is not None:
            return (yield from self._documents("search_rows_as_of", window, clauses))
        rows = yield Statement("search_records", window, (*clauses, self._way))
        return [record for (record,) in rows]

    def _beside_number(self) -> Clauses:
        return self._clauses(number=False, words=HAS_WORDS)

    def _clauses(self, *, number: bool, words: str) -> Clauses:
        [(name, text)] = super()._clauses(number=number, words=words)
        if self._behind is None:
            return ((name, text),)
        side = "<" if self._query.order == "desc" else ">"
        return ((name, f"{text} AND (c.created_us, c.id) {side} (:behind_us, :behind_id)"),)

    def _params(self) -> Step[dict[str, Any]]:
        params = yield from super()._params()
        if self._behind is None:
            return params
        at_us, call_id = self._behind
        params |= {"behind_us": at_us, "behind_id": call_id}
        if self._query.order == "desc":
            return params | {"hi_us": min(params["hi_us"], at_us + 1)}
        return params | {"lo_us": max(params["lo_us"], at_us)}
