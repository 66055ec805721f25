"""The roll-ups of quality against the calls: filled where an older release wrote, checked, and put right.

Calls that such a release wrote have no measures, or those of an older revision. They are measured from their
facts, a few hundred in a transaction, beside all else.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from calltally.calls.errors import DamagedStore
from calltally.calls.histogram import unpack
from calltally.calls.lifecycle import fold
from calltally.calls.measures import COLUMNS, encode_measures
from calltally.store.db.fact_codec import unpack_fact
from calltally.store.db.operation import Row, Statement, StatementMany, StoreOperation
from calltally.store.ledger.linked_calls import component_of, linked_nodes, stored_call
from calltally.store.rollups.call_counters import Place
from calltally.store.rollups.occupied_windows import column_us, occupied
from calltally.store.rollups.quality_delta import Delta, share_of
from calltally.store.rollups.quality_keys import DAY, WIDTH_S, RowId
from calltally.store.rollups.quality_rows import CLAUSES, QualityDeltas, write_rows

CHUNK: Final = 500
PAGE: Final = 2_000
_STALE: Final = "AND (measured IS NULL OR measured_revision <> revision)"
_DAY_S: Final = WIDTH_S[DAY]


class Differing(NamedTuple):
    """What the rows of a day lack, as one state of the database shows it, and how many calls it has."""

    looked_at: int
    lacking: dict[RowId, Delta]


def unmeasured(tenant: str, from_us: int, to_us: int) -> StoreOperation[int]:
    """How many calls of a window stand in no roll-up yet."""
    asked = {"tenant": tenant, "lo_us": from_us, "hi_us": to_us}
    [(calls,)] = yield Statement("unmeasured_calls", asked)
    return int(calls)


def stale_calls(tenant: str) -> StoreOperation[int]:
    """How many calls are not measured, or as they were at an older revision. Reads all of them."""
    [(calls,)] = yield Statement("stale_calls", {"tenant": tenant}, (("filters", _STALE),))
    return int(calls)


def measure_calls(tenant: str, after: bytes, *, anew: bool = False) -> StoreOperation[bytes | None]:
    """Measure the next calls after an id that are not, or were of an older revision; None at the end.

    With `anew` those that are measured too.
    """
    yield StatementMany("lock_heads", [{"tenant": tenant}])
    asked = {"tenant": tenant, "id": after, "most": CHUNK}
    which = (("filters", "" if anew else _STALE),)
    ids = [row[0] for row in (yield Statement("calls_to_measure", asked, which))]
    if ids:
        yield from _measure(tenant, ids)
    return ids[-1] if len(ids) == CHUNK else None


def _measure(tenant: str, ids: list[bytes]) -> StoreOperation[None]:
    rows = yield StatementMany("calls_of_ids", [{"tenant": tenant, "id": call_id} for call_id in ids])
    calls = [stored_call(row) for row in rows]
    nodes = sorted({*ids, *(yield from linked_nodes(tenant, ids))})
    stored = yield StatementMany("facts_of_nodes", [{"tenant": tenant, "node": node} for node in nodes])
    facts = {(node, key): unpack_fact(content, at_us) for _, node, key, at_us, content in stored}
    components = component_of(tenant, facts, ids)
    deltas, measured_rows = QualityDeltas(), []
    for call in calls:
        component = components.get(call.id)
        if component is None:
            message = "a call has no facts; run `calltally verify` to see which"
            raise DamagedStore(message)
        measured = encode_measures(fold(tenant, component.canonical(), component.facts.values()))
        # What a former release moved stays where it was counted until it is found by a check of the day.
        deltas.move(None if call.measured is None else (call.place, call.measured), (call.place, measured))
        row = {"id": call.id, "measured": measured, "revision": call.revision}
        measured_rows.append({"tenant": tenant, **row})
    yield StatementMany("remeasure_calls", measured_rows)
    yield from deltas.write()


def quality_days(tenant: str) -> StoreOperation[list[int]]:
    """The days (seconds since 1970) in which a tenant has calls or roll-ups."""
    return (yield from occupied(tenant, _DAY_S, "windows_of_quality"))


def differing(tenant: str, day_s: int) -> StoreOperation[Differing]:
    """How the roll-ups of a day differ from its calls and its erased calls: invariant 6."""
    asked = {"tenant": tenant, "lo_s": day_s, "hi_s": day_s + _DAY_S}
    rows = yield Statement("quality_between", asked, CLAUSES)
    expected = QualityDeltas()
    for row in rows:
        if row[-1] is not None:
            # Of erased calls nothing is left but this: it is taken at its word.
            expected.add_share(tenant, row[1], row[3:10], share_of(row[-1]))
    looked_at = yield from _recount(tenant, day_s, expected)
    stored = {(tenant, *row[:3]): _delta_of(row) for row in rows}
    return Differing(looked_at, _lacking(expected.rows(), stored))


def repair_quality(tenant: str, day_s: int) -> StoreOperation[int]:
    """Put the roll-ups of a day right, under the tenant's lock; returns how many were wrong."""
    yield StatementMany("lock_heads", [{"tenant": tenant}])
    found = yield from differing(tenant, day_s)
    yield from write_rows(found.lacking)
    return len(found.lacking)


def _recount(tenant: str, day_s: int, into: QualityDeltas) -> StoreOperation[int]:
    looked_at, last = 0, (column_us(day_s), b"")
    while True:
        page = {"after_us": last[0], "after_id": last[1], "hi_us": column_us(day_s + _DAY_S), "most": PAGE}
        rows = yield Statement("measured_after", {"tenant": tenant, **page}, _UNFILTERED)
        for created_us, _id, *place, measured in rows:
            into.add(Place(tenant, created_us, *place), measured)
        looked_at += len(rows)
        if len(rows) < PAGE:
            return looked_at
        last = rows[-1][:2]


def _delta_of(row: Row) -> Delta:
    delta = Delta(row[3:10])
    delta.add(list(row[10 : 10 + len(COLUMNS)]), unpack(row[-2]))
    return delta


def _lacking(expected: Mapping[RowId, Delta], stored: Mapping[RowId, Delta]) -> dict[RowId, Delta]:
    lacking = {}
    for row in expected.keys() | stored.keys():
        wanted, had = expected.get(row), stored.get(row)
        difference = Delta((wanted or had or _NO_ROW).keys)
        for each, times in ((wanted, 1), (had, -1)):
            if each is not None:
                difference.add(each.counts, each.bins, times)
        if not difference.is_empty:
            lacking[row] = difference
    return lacking


_NO_ROW: Final = Delta((0, "", "", "", "", "", ""))
_UNFILTERED: Final = (("filters", ""),)
