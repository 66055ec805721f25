"""Pages of filters for which there are no counters: found by an index of their own, else row by row.

Linear in the calls that match. As of an older revision also in what changed since: what the
index finds today is put right by the calls that changed and by what they were. A page for people (`browse`)
has the same rows, and a lower bound in place of the total.
"""

from typing import Any, Final, NamedTuple

from calltally.calls.errors import SnapshotGone
from calltally.calls.filters import ListQuery, active_fields
from calltally.calls.identity import call_uuid
from calltally.store.db.operation import Clauses, Statement, StoreOperation
from calltally.store.ledger.lookup import resolve
from calltally.store.ledger.text_index import matches_of
from calltally.store.listing.conditions import HAS_WORDS, bound_params, texts_of
from calltally.store.listing.refold_as_of import documents_of, ids_as_of
from calltally.store.listing.seek import SEPARATOR, Page
from calltally.store.listing.total_cache import TOTALS
from calltally.store.snapshots.tokens import LedgerHead

_FIRST_US: Final = 0
_LAST_US: Final = 2**62
# The words of now have begun at some revision, and not ended.
NOW: Final = 2**62

# The condition of `q` by the index of words, for statements that do not begin at it.
_OF_WORDS: Final = "AND c.id IN ({ids_of_words})"
# The filters whose condition a statement has itself, by the index that it begins at.
_BUILT_IN: Final = {"number": "number", "search": "q"}
_ANY: Final = (("filters", ""),)
# The statements of rows by the index that they begin at, now and as of the past.
_ROWS: Final = {
    "look": ("look_records", "look_rows_as_of"),
    "number": ("number_records", "number_rows_as_of"),
    "search": ("search_records", "search_rows_as_of"),
    "scan": ("scan_records", "scan_rows_as_of"),
}
# By whether a number is asked for, and whether as of the past.
_NEWEST: Final = {
    (False, False): "look_total",
    (False, True): "look_total_as_of",
    (True, False): "number_look_total",
    (True, True): "number_look_total_as_of",
}
# More than there are.
_EVERY: Final = 2**62
# The newest calls that are looked at for a lower bound of a total, in less than a microsecond each.
_COUNTED: Final = 5_000
# Words are frequent where one of so many of these calls has them. Their rows are then found by looking at so
# many calls; at the index of words, all calls that have them would be read first.
_OFTEN: Final = 200
_LOOKED_AT: Final = 20_000
# So few calls are read at once from the index of words.
_FEW: Final = 2_000


class Rows(NamedTuple):
    """The rows to read: so many in an order, after some that are skipped, behind a call (its time and id)."""

    skip: int
    most: int
    order: str
    behind: tuple[int, bytes] | None = None

    @property
    def way(self) -> tuple[str, str]:
        """The order as a clause."""
        return ("way", "DESC" if self.order == "desc" else "ASC")

    @property
    def condition(self) -> str:
        """The condition that keeps what is behind the call."""
        side = "<" if self.order == "desc" else ">"
        return f"AND (c.created_us, c.id) {side} (:behind_us, :behind_id)" if self.behind else ""

    def window(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters of a query with those of the rows."""
        params = {**params, "skip": self.skip, "most": self.most}
        if self.behind is None:
            return params
        at_us, call_id = self.behind
        params |= {"behind_us": at_us, "behind_id": call_id}
        if self.order == "desc":
            return params | {"hi_us": min(params["hi_us"], at_us + 1)}
        return params | {"lo_us": max(params["lo_us"], at_us)}


class Scan:
    """One query on one tenant; `as_of` is None for the present."""

    def __init__(self, ledger_head: LedgerHead, query: ListQuery, as_of: int | None) -> None:
        self._standing = ledger_head
        self._tenant = ledger_head.tenant
        self._query = query
        self._as_of = as_of
        self._words = query.filter.q is not None
        self._number = query.filter.number is not None
        self._parameters: dict[str, Any] | None = None
        self._newest: tuple[int, int] | None = None

    def page(self) -> StoreOperation[Page]:
        """The page and its total."""
        params = yield from self._params()
        total = yield from self._counted(params)
        if self._query.offset >= total:
            return Page(b"", total)
        return Page(SEPARATOR.join((yield from self.records())), total)

    def records(self) -> StoreOperation[list[bytes]]:
        """The page alone, for whom the total is known already: to count is most of what a page costs."""
        query = self._query
        return (yield from self.rows(Rows(query.offset, query.limit, query.order)))

    def rows(self, rows: Rows) -> StoreOperation[list[bytes]]:
        """Return these rows of all that match."""
        window = rows.window((yield from self._params()))
        if self._words and not self._number and (yield from self._is_frequent()):
            found = yield from self._begun_at("look", {**window, "look": _LOOKED_AT}, rows)
            if len(found) == rows.most:
                return found
        index = "number" if self._number else "search" if self._words else "scan"
        return (yield from self._begun_at(index, window, rows))

    def known_total(self) -> int | None:
        """Return how many match, where that was counted before."""
        return None

    def total(self) -> StoreOperation[int]:
        """How many calls match, without any of them."""
        return (yield from self._counted((yield from self._params())))

    def count_at(self, at_us: int, call_id: bytes) -> StoreOperation[int]:
        """How many matching calls of one instant stand at a call or before it, in the order asked for."""
        params = {**(yield from self._params()), "at_us": at_us, "after": call_id}
        side = "<=" if self._query.order == "asc" else ">="
        name = "calls_at" if self._as_of is None else "calls_at_as_of"
        [(count,)] = yield Statement(name, params, (("side", side), *self._looked_at()))
        return int(count)

    def fresh(self) -> StoreOperation[int]:
        """How many more match now than did as of the revision: linear in what has changed since."""
        if self._as_of is None:
            return 0
        params = yield from self._params()
        # A SID may lead to another call now.
        now, _ = yield from Scan(self._standing, self._query, None).conditions()
        [(changed,)] = yield Statement("fresh_total", {**now, "since": self._as_of}, self._looked_at())
        [(superseded,)] = yield Statement("superseded_total", params, self._looked_at())
        return int(changed) - int(superseded)

    def conditions(self) -> StoreOperation[tuple[dict[str, Any], Clauses]]:
        """The parameters and conditions of the filter, for a statement over the calls themselves."""
        return (yield from self._params()), self._everywhere()

    def _counted(self, params: dict[str, Any]) -> StoreOperation[int]:
        if self._is_of_words_alone:
            return (yield from self._count_words(params, _EVERY))
        name = "number_total" if self._number else "search_total" if self._words else "scan_total"
        [(total,)] = yield Statement(name, params, self._beside_index())
        if self._as_of is None:
            return int(total)
        [(changed,)] = yield Statement("changed_total", params, self._looked_at())
        [(superseded,)] = yield Statement("superseded_total", params, self._looked_at())
        return int(total) - int(changed) + int(superseded)

    @property
    def _is_of_words_alone(self) -> bool:
        return active_fields(self._query.filter) == ("q",)

    def _count_words(self, params: dict[str, Any], most: int) -> StoreOperation[int]:
        """How many calls have the words, up to `most`, by the texts alone: a tenth of finding the calls."""
        [(count,)] = yield Statement("words_total", {**params, "most": most}, _ANY)
        return int(count)

    def _begun_at(self, index: str, window: dict[str, Any], rows: Rows) -> StoreOperation[list[bytes]]:
        """Read rows from one index on: of numbers, words, or times."""
        [(name, text)] = self._clauses(without=_BUILT_IN.get(index))
        clauses = ((name, f"{text} {rows.condition}"), rows.way)
        of_now, of_past = _ROWS[index]
        if self._as_of is None:
            found = yield Statement(of_now, window, clauses)
            return [record for (record,) in found]
        found = yield Statement(of_past, window, clauses)
        flat = [tuple(row) for _place, *row in found]
        return (yield from documents_of(self._tenant, self._as_of, flat))

    def _is_frequent(self) -> StoreOperation[bool]:
        """Decide whether words are found sooner by looking at calls than by the index of words."""
        known = self.known_total()
        if known is not None and known < _FEW:
            return False
        looked_at, matched = yield from self._count_newest()
        return matched * _OFTEN >= looked_at

    def _count_newest(self) -> StoreOperation[tuple[int, int]]:
        """Return how many calls the newest are that are looked at, and how many of them match."""
        if self._newest is None:
            name = _NEWEST[self._number, self._as_of is not None]
            params = {**(yield from self._params()), "look": _COUNTED}
            clauses = self._clauses(without="number")
            [(looked_at, matched)] = yield Statement(name, params, clauses)
            self._newest = looked_at, matched
        return self._newest

    def _everywhere(self) -> Clauses:
        """All conditions, for statements that do not begin at the index of numbers or words."""
        return self._clauses(words=_OF_WORDS)

    def _looked_at(self) -> Clauses:
        """The same, for those that look at each of a few calls."""
        return self._clauses()

    def _beside_index(self) -> Clauses:
        """The conditions beside the one whose index the statement begins at."""
        return self._clauses(without="number" if self._number else "q")

    def _clauses(self, *, without: str | None = None, words: str = HAS_WORDS) -> Clauses:
        """The conditions of all filters; `words` is that of `q`, by each call's text if it is left out."""
        calls = self._query.filter
        fields = [field for field in active_fields(calls) if field != without]
        texts = texts_of({field: getattr(calls, field) for field in fields})
        return (("filters", " ".join(words if text == HAS_WORDS else text for text in texts if text)),)

    def _params(self) -> StoreOperation[dict[str, Any]]:
        if self._parameters is None:
            self._parameters = yield from self._read_params()
        return self._parameters

    def _read_params(self) -> StoreOperation[dict[str, Any]]:
        calls = self._query.filter
        params: dict[str, Any] = {
            "tenant": self._tenant,
            "lo_us": _FIRST_US if calls.from_us is None else calls.from_us,
            "hi_us": _LAST_US if calls.to_us is None else calls.to_us,
            "as_of": NOW if self._as_of is None else self._as_of,
        }
        params |= bound_params(calls)
        if self._as_of is not None and (self._number or self._words or calls.call_sid is not None):
            yield from self._check_unerased(self._as_of)
        if calls.call_sid is not None:
            params["id"] = yield from self._id_of(call_uuid(self._tenant, calls.call_sid))
        return params | matches_of(self._tenant, calls)

    def _check_unerased(self, as_of: int) -> StoreOperation[None]:
        """What erased calls said, and whose they were, is in no index any more: privacy outranks history."""
        if (yield Statement("erased_since", {"tenant": self._tenant, "as_of": as_of})):
            message = (
                "calls were erased since this snapshot: it has no numbers, SIDs and words of its own any more"
            )
            raise SnapshotGone(f"{message}; begin again without it")

    def _id_of(self, node: bytes) -> StoreOperation[bytes]:
        """The call that a SID belongs to, or belonged to."""
        if self._as_of is None:
            return (yield from resolve(self._tenant, node))
        ids = yield from ids_as_of(self._tenant, self._as_of, [node])
        return ids[0] if ids else node


class KnownScan(Scan):
    """One that remembers what it counted."""

    @property
    def _revision(self) -> int:
        return self._standing.revision if self._as_of is None else self._as_of

    def at_least(self) -> StoreOperation[tuple[int | None, int]]:
        """Return how many match, None where that would take long; and a lower bound."""
        total = self.known_total()
        if total is None:
            looked_at, matched = yield from self._count_newest()
            if looked_at == _COUNTED:
                return None, matched
            total = self.note(matched)
        return total, total

    def known_total(self) -> int | None:
        """Return how many match, where that was counted before."""
        return TOTALS.of(self._standing, self._revision, self._query.filter)

    def note(self, total: int) -> int:
        """Remember how many match."""
        return TOTALS.note(self._standing, self._revision, self._query.filter, total)

    def _counted(self, params: dict[str, Any]) -> StoreOperation[int]:
        known = self.known_total()
        return self.note((yield from super()._counted(params))) if known is None else known
