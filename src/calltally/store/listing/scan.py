"""Pages of filters without counters: read from the index of the filter, else row by row.

The cost is linear in the calls that match. As of an older revision it is also linear in the changes since:
the calls that the index finds today are corrected by the calls that changed and their older versions. A page
of the dashboard (`browse`) has the same rows, and a lower bound instead of the total.
"""

from typing import Any, Final, NamedTuple

from calltally.calls.errors import SnapshotGone
from calltally.calls.filters import active_fields
from calltally.calls.identity import call_uuid
from calltally.calls.list_query import ListQuery
from calltally.store.db.operation import Clauses, Statement, StoreOperation
from calltally.store.ledger.lookup import resolve
from calltally.store.ledger.text_index import search_params
from calltally.store.listing import total_bound
from calltally.store.listing.caches import TOTAL_CACHE, TotalKey
from calltally.store.listing.conditions import HAS_WORDS, bound_params, texts_of
from calltally.store.listing.number_match import (
    NumberIndex,
    number_index,
    number_params,
    party_number_index,
    within_reach,
)
from calltally.store.listing.refold_as_of import documents_of, ids_as_of
from calltally.store.listing.scan_statements import (
    ANY,
    BUILT_IN,
    ERASED_FIELDS,
    IDS,
    NARROW,
    NEWEST,
    OF_WORDS,
    ROWS,
    TOTALS,
    UNRECORDED,
    party_of,
    scan_clauses,
)
from calltally.store.listing.seek import LINE_FEED, SEPARATOR, PageRecords
from calltally.store.listing.sid_prefix import prefix_param
from calltally.store.snapshots.tokens import LedgerHead

_FIRST_US: Final = 0
_LAST_US: Final = 2**62
# The current words of a call are valid from some revision on and have no end.
NOW: Final = 2**62

# More than any tenant has.
_NO_LIMIT: Final = 2**62
# Words are frequent if one of this many of the newest calls has them. Their rows are then found by inspecting
# this many calls; the index of words would first read all calls that have them.
_FREQUENT_RATIO: Final = 200
_INSPECTED: Final = 20_000
# The index of words is faster for fewer calls than this.
_FEW: Final = 2_000


class RowRange(NamedTuple):
    """Rows to read: `most` rows in an order after `skip` rows, optionally after a call (its time and id)."""

    skip: int
    most: int
    order: str
    after: tuple[int, bytes] | None = None

    @property
    def sort_order(self) -> tuple[str, str]:
        return ("sort_order", "DESC" if self.order == "desc" else "ASC")

    @property
    def condition(self) -> str:
        comparison = "<" if self.order == "desc" else ">"
        return f"AND (c.created_us, c.id) {comparison} (:after_us, :after_id)" if self.after else ""

    def window(self, params: dict[str, Any]) -> dict[str, Any]:
        params = {**params, "skip": self.skip, "most": self.most}
        if self.after is None:
            return params
        at_us, call_id = self.after
        params |= {"after_us": at_us, "after_id": call_id}
        if self.order == "desc":
            return params | {"hi_us": min(params["hi_us"], at_us + 1)}
        return params | {"lo_us": max(params["lo_us"], at_us)}


class Scan:
    """Query on one tenant; `as_of` is None for the present."""

    def __init__(self, ledger_head: LedgerHead, query: ListQuery, as_of: int | None) -> None:
        self._ledger_head = ledger_head
        self._tenant = ledger_head.tenant
        self._query = query
        self._as_of = as_of
        self._has_words = query.filter.q is not None
        self._has_number = query.filter.number is not None
        self._is_narrow = not NARROW.isdisjoint(active_fields(query.filter))
        self._parameters: dict[str, Any] | None = None
        self._newest: tuple[int, int] | None = None
        self._numbers: NumberIndex | None = None

    def page(self) -> StoreOperation[PageRecords]:
        params = yield from self._params()
        total = yield from self._counted(params)
        if self._query.offset >= total:
            return PageRecords(b"", total)
        return PageRecords(SEPARATOR.join((yield from self._records())), total)

    def records_of_stream(self) -> StoreOperation[bytes]:
        """Return the page, joined by LINE_FEED, without its total: counting is most of the cost of a page."""
        return LINE_FEED.join((yield from self._records()))

    def _records(self) -> StoreOperation[list[bytes]]:
        query = self._query
        return (yield from self.rows(RowRange(query.offset, query.limit, query.order)))

    def rows(self, rows: RowRange) -> StoreOperation[list[bytes]]:
        window = rows.window((yield from self._params()))
        starts_at_words = self._has_words and not self._has_number and not self._is_narrow
        if starts_at_words and (yield from self._is_frequent()):
            found = yield from self._read_from("inspect", {**window, "inspected": _INSPECTED}, rows)
            if len(found) == rows.most:
                return found
        return (yield from self._read_from(self._index, window, rows))

    def cached_total(self) -> int | None:
        return None

    def total(self) -> StoreOperation[int]:
        """Return the number of calls that match, without reading them."""
        return (yield from self._counted((yield from self._params())))

    def count_at(self, at_us: int, call_id: bytes) -> StoreOperation[int]:
        """Count the matching calls of one instant up to a call, in the order of the query."""
        params = {**(yield from self._params()), "at_us": at_us, "after": call_id}
        comparison = "<=" if self._query.order == "asc" else ">="
        name = "calls_at" if self._as_of is None else "calls_at_as_of"
        [(count,)] = yield Statement(name, params, (("comparison", comparison), *self._clauses()))
        return int(count)

    def fresh(self) -> StoreOperation[int]:
        """Count how many more calls match now than as of the revision: linear in the changes since."""
        if self._as_of is None:
            return 0
        params = yield from self._params()
        # A SID can belong to another call now.
        now, _ = yield from Scan(self._ledger_head, self._query, None).conditions()
        [(changed,)] = yield Statement("fresh_total", {**now, "since": self._as_of}, self._clauses())
        [(superseded,)] = yield Statement("superseded_total", params, self._clauses())
        return int(changed) - int(superseded)

    def conditions(self) -> StoreOperation[tuple[dict[str, Any], Clauses]]:
        """Return the parameters and conditions of the filter, for a statement over `calls`."""
        return (yield from self._params()), self._clauses(words=OF_WORDS)

    def _counted(self, params: dict[str, Any]) -> StoreOperation[int]:
        if active_fields(self._query.filter) == ("q",):
            # By the texts alone: a tenth of the cost.
            [(count,)] = yield Statement("words_total", {**params, "most": _NO_LIMIT}, ANY)
            return int(count)
        index = self._index
        clauses = (*self._clauses(without=self._built_in), *self._of_index())
        [(total,)] = yield Statement(TOTALS[index], params, clauses)
        if self._as_of is None:
            return int(total)
        [(changed,)] = yield Statement("changed_total", params, self._clauses())
        [(superseded,)] = yield Statement("superseded_total", params, self._clauses())
        return int(total) - int(changed) + int(superseded)

    def _read_from(self, index: str, window: dict[str, Any], rows: RowRange) -> StoreOperation[list[bytes]]:
        """Read rows by the index of numbers, words, SIDs or times."""
        [(name, text)] = self._clauses(without=self._built_in if index == self._index else None)
        filters = ((name, f"{text} {rows.condition}"), rows.sort_order)
        clauses = (*filters, *self._of_index())
        present, as_of_revision = ROWS[index]
        if self._numbers is not None:
            window = yield from within_reach(window, filters, self._numbers, is_past=self._as_of is not None)
        if self._as_of is None:
            found = yield Statement(present, window, clauses)
            return [record for (record,) in found]
        found = yield Statement(as_of_revision, window, clauses)
        flat = [tuple(row) for _run, *row in found]
        return (yield from documents_of(self._tenant, self._as_of, flat))

    def _is_frequent(self) -> StoreOperation[bool]:
        """Decide whether inspecting calls finds the words sooner than the index of words."""
        total = self.cached_total()
        if total is not None and total < _FEW:
            return False
        counted, matched = yield from self._count_newest()
        return matched * _FREQUENT_RATIO >= counted

    def _count_newest(self) -> StoreOperation[tuple[int, int]]:
        """Return the number of newest calls that were counted, and how many of them match."""
        if self._newest is None:
            name = NEWEST[self._has_number, self._as_of is not None]
            params = {**(yield from self._params()), "inspected": total_bound.MAX_COUNTED}
            clauses = (*self._clauses(without="number"), *self._of_index())
            [(counted, matched)] = yield Statement(name, params, clauses)
            self._newest = counted, matched
        return self._newest

    @property
    def _index(self) -> str:
        """Return the index that rows and totals are read by."""
        if self._has_number:
            return "number"
        calls = self._query.filter
        if any(each is not None for each in (calls.from_number, calls.to_number, calls.parent_call_sid)):
            return "scan"
        if self._has_words:
            return "search"
        return "scan" if calls.call_sid_prefix is None else "prefix"

    @property
    def _built_in(self) -> str | None:
        """Return the filter that the statements have from the index that they start at."""
        return BUILT_IN.get(self._index) if self._numbers is None else self._numbers.field

    def _of_index(self) -> Clauses:
        """Return the clauses of the index that the statements start at."""
        if self._numbers is not None:
            return self._numbers.clauses
        return (*IDS.get(self._index, ()), *scan_clauses(self._query.filter))

    def _clauses(self, *, without: str | None = None, words: str = HAS_WORDS) -> Clauses:
        """Return the conditions of the filters but one; `words` is the condition of `q`.

        By default it is the text of each call, for statements that read few calls.
        """
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
        params |= bound_params(calls) | number_params(calls)
        self._numbers = yield from self._number_index()
        params |= {} if self._numbers is None else self._numbers.params
        if self._as_of is not None:
            yield from self._check_kept(self._as_of)
        if calls.call_sid is not None:
            node = call_uuid(self._tenant, calls.call_sid)
            if self._as_of is None:
                params["id"] = yield from resolve(self._tenant, node)
            else:
                [params["id"]] = (yield from ids_as_of(self._tenant, self._as_of, [node])) or [node]
        if calls.call_sid_prefix is not None:
            params["sid_ids"] = yield from prefix_param(self._tenant, calls.call_sid_prefix, self._as_of)
        return params | search_params(self._tenant, calls)

    def _number_index(self) -> StoreOperation[NumberIndex | None]:
        calls = self._query.filter
        if calls.number is not None:
            return (yield from number_index(self._tenant, calls, calls.number))
        party = party_of(calls)
        return None if party is None else (yield from party_number_index(self._tenant, calls, party))

    def _check_kept(self, as_of: int) -> StoreOperation[None]:
        """Raise SnapshotGone if what the filters read is no longer stored, or was not stored then.

        After an erasure indexes no longer have the words of erased calls.
        """
        fields, params = active_fields(self._query.filter), {"tenant": self._tenant, "as_of": as_of}
        if not ERASED_FIELDS.isdisjoint(fields) and (yield Statement("erased_since", params)):
            message = (
                "calls were erased since this snapshot, so it cannot be searched by number, SID or words"
            )
            raise SnapshotGone(f"{message}; begin again without it")
        for column in {UNRECORDED[field] for field in fields if field in UNRECORDED}:
            if (yield Statement("unrecorded_version", params, (("column", column),))):
                message = "the snapshot was taken while an earlier release wrote calls"
                raise SnapshotGone(f"{message}, so it lacks values of this filter; begin again without it")


class CachedScan(Scan):
    """Scan with a cache of its totals."""

    @property
    def _total_key(self) -> TotalKey:
        head = self._ledger_head
        revision = head.revision if self._as_of is None else self._as_of
        return head.tenant, head.epoch, head.erasures, revision, self._query.filter

    def at_least(self) -> StoreOperation[tuple[int | None, int]]:
        """Return the total, None if counting it would take long; and a lower bound."""
        total = self.cached_total()
        if total is None and self._is_narrow:
            # The rows of the page are the bound: few calls match, or the newest calls tell nothing of them.
            return None, 0
        if total is None:
            counted, matched = yield from self._count_newest()
            if counted == total_bound.MAX_COUNTED:
                return None, matched
            total = self.cache_total(matched)
        return total, total

    def cached_total(self) -> int | None:
        return TOTAL_CACHE.find(self._total_key)

    def cache_total(self, total: int) -> int:
        TOTAL_CACHE.put(self._total_key, total)
        return total

    def _counted(self, params: dict[str, Any]) -> StoreOperation[int]:
        total = self.cached_total()
        return self.cache_total((yield from super()._counted(params))) if total is None else total
