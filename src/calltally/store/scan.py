"""Pages of filters for which there are no counters: found by an index of their own, else row by row.

Linear in the calls that match. As of an older revision also in what changed since: what the
index finds today is put right by the calls that changed and by what they were.
"""

from collections.abc import Iterator
from typing import Any, Final

from calltally.calls.errors import SnapshotGone
from calltally.calls.filters import CallFilter, ListQuery
from calltally.calls.identity import call_uuid
from calltally.calls.model import DIRECTION_NUMBER, STATUS_NUMBER
from calltally.store.lookup import resolve
from calltally.store.refold import documents_of, ids_as_of
from calltally.store.seek import SEPARATOR, Page
from calltally.store.steps import Clauses, Statement, Step
from calltally.store.texts import matches_of
from calltally.store.tokens import Standing

_FIRST_US: Final = 0
_LAST_US: Final = 2**62
# The words of now have begun at some revision, and not ended.
_NOW: Final = 2**62

# What each filter is in SQL. Numbers of ours stand in the text, so that partial indexes are seen to apply.
_CONDITIONS: Final = {
    "route": "AND c.route = :route",
    "agent": "AND c.agent = :agent",
    "provider": "AND c.provider = :provider",
    "call_sid": "AND c.id = :id",
}
_AT_EITHER_END: Final = "AND (c.from_number = :number OR c.to_number = :number)"
_OF_WORDS: Final = "AND c.id IN ({ids_of_words})"


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
        return Page((yield from self._read(params)), total)

    def records(self) -> Step[bytes]:
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
        [(count,)] = yield Statement(name, params, (("side", side), *self._everywhere()))
        return int(count)

    def conditions(self) -> Step[tuple[dict[str, Any], Clauses]]:
        """The parameters and conditions of the filter, for a statement over the calls themselves."""
        return (yield from self._params()), self._everywhere()

    def _counted(self, params: dict[str, Any]) -> Step[int]:
        name = "number_total" if self._number else "search_total" if self._words else "scan_total"
        [(total,)] = yield Statement(name, params, self._beside_index())
        if self._as_of is None:
            return int(total)
        [(changed,)] = yield Statement("changed_total", params, self._everywhere())
        [(superseded,)] = yield Statement("superseded_total", params, self._everywhere())
        return int(total) - int(changed) + int(superseded)

    def _read(self, params: dict[str, Any]) -> Step[bytes]:
        window = {**params, "skip": self._query.offset, "most": self._query.limit}
        return (yield from (self._rows(window) if self._as_of is None else self._rows_as_of(window)))

    def _rows(self, window: dict[str, Any]) -> Step[bytes]:
        name = "number_records" if self._number else "search_records" if self._words else "scan_records"
        rows = yield Statement(name, window, (*self._beside_index(), self._way))
        return SEPARATOR.join(record for (record,) in rows)

    def _rows_as_of(self, window: dict[str, Any]) -> Step[bytes]:
        if self._number:
            rows = yield Statement("number_rows_as_of", window, (*self._beside_index(), self._way))
        else:
            rows = yield Statement("scan_rows_as_of", window, (*self._everywhere(), self._way))
        flat = [tuple(row) for _place, *row in rows]
        documents = yield from documents_of(self._tenant, self._as_of or 0, flat)
        return SEPARATOR.join(documents)

    @property
    def _way(self) -> tuple[str, str]:
        return ("way", "DESC" if self._query.order == "desc" else "ASC")

    def _everywhere(self) -> Clauses:
        """All conditions, for statements that do not begin at the index of numbers or words."""
        extra = [_AT_EITHER_END] if self._number else []
        return (("filters", " ".join([*_parts(self._query.filter), *extra, *self._word_parts()])),)

    def _beside_index(self) -> Clauses:
        """The conditions beside the one whose index the statement begins at."""
        parts = [*_parts(self._query.filter), *(self._word_parts() if self._number else [])]
        return (("filters", " ".join(parts)),)

    def _word_parts(self) -> list[str]:
        return [_OF_WORDS] if self._words else []

    def _params(self) -> Step[dict[str, Any]]:
        calls = self._query.filter
        params: dict[str, Any] = {
            "tenant": self._tenant,
            "lo_us": _FIRST_US if calls.from_us is None else calls.from_us,
            "hi_us": _LAST_US if calls.to_us is None else calls.to_us,
            "as_of": _NOW if self._as_of is None else self._as_of,
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
