"""Pages of filters for which there are no counters: found by an index of their own, else row by row.

Linear in the calls that match. As of an older revision also in what changed since: what the
index finds today is put right by the calls that changed and by what they were. A page for people does
not wait for that: see store/listing/browse.
"""

from collections.abc import Iterator
from typing import Any, Final

from calltally.calls.errors import SnapshotGone
from calltally.calls.filters import CallFilter, ListQuery
from calltally.calls.identity import call_uuid
from calltally.calls.model import DIRECTION_NUMBER, STATUS_NUMBER
from calltally.store.db.operation import Clauses, Statement, Step
from calltally.store.ledger.lookup import resolve
from calltally.store.ledger.text_index import matches_of
from calltally.store.listing.refold_as_of import documents_of, ids_as_of
from calltally.store.listing.seek import SEPARATOR, Page
from calltally.store.listing.total_cache import TOTALS
from calltally.store.snapshots.tokens import Standing

_FIRST_US: Final = 0
_LAST_US: Final = 2**62
# The words of now have begun at some revision, and not ended.
NOW: Final = 2**62

# What each filter is in SQL. Numbers of ours stand in the text, so that partial indexes are seen to apply.
_CONDITIONS: Final = {
    "route": "AND c.route = :route",
    "agent": "AND c.agent = :agent",
    "provider": "AND c.provider = :provider",
    "call_sid": "AND c.id = :id",
}
_AT_EITHER_END: Final = "AND (c.from_number = :number OR c.to_number = :number)"
_OF_WORDS: Final = "AND c.id IN ({ids_of_words})"
# The same, asked of one call after the other: for statements that look at few of them.
HAS_WORDS: Final = "AND {has_words}"
_ANY: Final = (("filters", ""),)
# More than there are.
EVERY: Final = 2**62


class Scan:
    """One query on one tenant; `as_of` is None for the present."""

    def __init__(self, standing: Standing, query: ListQuery, as_of: int | None) -> None:
        self._standing = standing
        self._tenant = standing.tenant
        self._query = query
        self._as_of = as_of
        self._words = query.filter.q is not None
        self._number = query.filter.number is not None

    def page(self) -> Step[Page]:
        """The page and its total."""
        params = yield from self._params()
        total = yield from self._counted(params)
        if self._query.offset >= total:
            return Page(b"", total)
        return Page(SEPARATOR.join((yield from self._read(params))), total)

    def records(self) -> Step[list[bytes]]:
        """The page alone, for whom the total is known already: to count is most of what a page costs."""
        return (yield from self._read((yield from self._params())))

    def total(self) -> Step[int]:
        """How many calls match, without any of them."""
        return (yield from self._counted((yield from self._params())))

    def count_at(self, at_us: int, call_id: bytes) -> Step[int]:
        """How many matching calls of one instant stand at a call or before it, in the order asked for."""
        params = {**(yield from self._params()), "at_us": at_us, "after": call_id}
        side = "<=" if self._query.order == "asc" else ">="
        name = "calls_at" if self._as_of is None else "calls_at_as_of"
        [(count,)] = yield Statement(name, params, (("side", side), *self._looked_at()))
        return int(count)

    def fresh(self) -> Step[int]:
        """How many more match now than did as of the revision: linear in what has changed since."""
        if self._as_of is None:
            return 0
        params = yield from self._params()
        # A SID may lead to another call now.
        now, _ = yield from Scan(self._standing, self._query, None).conditions()
        [(changed,)] = yield Statement("fresh_total", {**now, "since": self._as_of}, self._looked_at())
        [(superseded,)] = yield Statement("superseded_total", params, self._looked_at())
        return int(changed) - int(superseded)

    def conditions(self) -> Step[tuple[dict[str, Any], Clauses]]:
        """The parameters and conditions of the filter, for a statement over the calls themselves."""
        return (yield from self._params()), self._everywhere()

    def _counted(self, params: dict[str, Any]) -> Step[int]:
        if self._is_of_words_alone:
            return (yield from self._count_words(params, EVERY))
        name = "number_total" if self._number else "search_total" if self._words else "scan_total"
        [(total,)] = yield Statement(name, params, self._beside_index())
        if self._as_of is None:
            return int(total)
        [(changed,)] = yield Statement("changed_total", params, self._looked_at())
        [(superseded,)] = yield Statement("superseded_total", params, self._looked_at())
        return int(total) - int(changed) + int(superseded)

    @property
    def _is_of_words_alone(self) -> bool:
        calls = self._query.filter
        return self._words and calls == CallFilter(q=calls.q, in_transcripts=calls.in_transcripts)

    def _count_words(self, params: dict[str, Any], most: int) -> Step[int]:
        """How many calls have the words, up to `most`, by the texts alone: a tenth of finding the calls."""
        [(count,)] = yield Statement("words_total", {**params, "most": most}, _ANY)
        return int(count)

    def _read(self, params: dict[str, Any]) -> Step[list[bytes]]:
        return (yield from self._read_rows({**params, "skip": self._query.offset, "most": self._query.limit}))

    def _read_rows(self, window: dict[str, Any]) -> Step[list[bytes]]:
        return (yield from (self._rows(window) if self._as_of is None else self._rows_as_of(window)))

    def _rows(self, window: dict[str, Any]) -> Step[list[bytes]]:
        name = "number_records" if self._number else "search_records" if self._words else "scan_records"
        rows = yield Statement(name, window, (*self._beside_index(), self._way))
        return [record for (record,) in rows]

    def _rows_as_of(self, window: dict[str, Any]) -> Step[list[bytes]]:
        name = "scan_rows_as_of"
        if self._number or self._words:
            name = "number_rows_as_of" if self._number else "search_rows_as_of"
        return (yield from self._documents(name, window, self._beside_index()))

    def _documents(self, name: str, window: dict[str, Any], clauses: Clauses) -> Step[list[bytes]]:
        rows = yield Statement(name, window, (*clauses, self._way))
        flat = [tuple(row) for _place, *row in rows]
        return (yield from documents_of(self._tenant, self._as_of or 0, flat))

    @property
    def _way(self) -> tuple[str, str]:
        return ("way", "DESC" if self._query.order == "desc" else "ASC")

    def _everywhere(self) -> Clauses:
        """All conditions, for statements that do not begin at the index of numbers or words."""
        return self._clauses(number=True, words=_OF_WORDS)

    def _looked_at(self) -> Clauses:
        """The same, for those that look at each of a few calls."""
        return self._clauses(number=True, words=HAS_WORDS)

    def _beside_index(self) -> Clauses:
        """The conditions beside the one whose index the statement begins at."""
        return self._clauses(number=False, words=HAS_WORDS if self._number else "")

    def _clauses(self, *, number: bool, words: str) -> Clauses:
        parts = [*_parts(self._query.filter)]
        if self._number and number:
            parts.append(_AT_EITHER_END)
        if self._words and words:
            parts.append(words)
        return (("filters", " ".join(parts)),)

    def _params(self) -> Step[dict[str, Any]]:
        calls = self._query.filter
        params: dict[str, Any] = {
            "tenant": self._tenant,
            "lo_us": _FIRST_US if calls.from_us is None else calls.from_us,
            "hi_us": _LAST_US if calls.to_us is None else calls.to_us,
            "as_of": NOW if self._as_of is None else self._as_of,
        }
        named = {name: getattr(calls, name) for name in ("route", "agent", "provider", "number")}
        params |= {name: value for name, value in named.items() if value is not None}
        if self._as_of is not None and (self._number or self._words or calls.call_sid is not None):
            yield from self._check_unerased(self._as_of)
        if calls.call_sid is not None:
            params["id"] = yield from self._id_of(call_uuid(self._tenant, calls.call_sid))
        return params | matches_of(self._tenant, calls)

    def _check_unerased(self, as_of: int) -> Step[None]:
        """What erased calls said, and whose they were, is in no index any more: privacy outranks history."""
        if (yield Statement("erased_since", {"tenant": self._tenant, "as_of": as_of})):
            message = (
                "calls were erased since this snapshot: it has no numbers, SIDs and words of its own any more"
            )
            raise SnapshotGone(f"{message}; begin again without it")

    def _id_of(self, node: bytes) -> Step[bytes]:
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

    def known_total(self) -> int | None:
        """How many match, where that was counted before."""
        return TOTALS.of(self._standing, self._revision, self._query.filter)

    def note(self, total: int) -> int:
        """Remember how many match."""
        return TOTALS.note(self._standing, self._revision, self._query.filter, total)

    def _counted(self, params: dict[str, Any]) -> Step[int]:
        known = self.known_total()
        return self.note((yield from super()._counted(params))) if known is None else known


def _parts(calls: CallFilter) -> Iterator[str]:
    for name, condition in _CONDITIONS.items():
        if getattr(calls, name) is not None:
            yield condition
    if calls.statuses:
        numbers = ", ".join(str(STATUS_NUMBER[status]) for status in calls.statuses)
        yield f"AND c.status IN ({numbers})"
    if calls.direction is not None:
        yield f"AND c.direction = {DIRECTION_NUMBER[calls.direction]}"
    if calls.escalated is not None:
        yield f"AND c.escalated = {int(calls.escalated)}"
