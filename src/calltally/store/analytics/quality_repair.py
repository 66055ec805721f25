"""Quality roll-ups compared with the calls: filled after an older release, checked, and repaired.

Calls that an older release wrote have no measures, or measures of an older revision. They are measured from
their facts, a few hundred per transaction, while other work continues.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from calltally.calls.errors import DamagedStore
from calltally.calls.fold import fold
from calltally.calls.histogram import unpack
from calltally.calls.measures import COLUMNS, encode_measures
from calltally.store.db.fact_codec import unpack_fact
from calltally.store.db.operation import Statement, StatementMany, StoreOperation
from calltally.store.ledger.linked_calls import linked_calls_of_nodes, linked_nodes, stored_call
from calltally.store.rollups.alert_steps import StepDeltas, alert_counts_of_stored
from calltally.store.rollups.call_counters import CallDimensions
from calltally.store.rollups.quality_delta import DAY, WIDTH_S, RowDelta, RowId, share_of
from calltally.store.rollups.quality_rows import CLAUSES, MeasuredCall, QualityDeltas, write_rows
from calltally.store.rollups.window_buckets import column_us, occupied_windows

CHUNK: Final = 500
PAGE: Final = 2_000
_STALE: Final = "AND (measured IS NULL OR measured_revision <> revision)"
_DAY_S: Final = WIDTH_S[DAY]


class QualityDifferences(NamedTuple):
    """Differences of a day's rows from its calls, in one state, and the number of calls read."""

    calls_read: int
    missing: dict[RowId, RowDelta]


def count_unmeasured(tenant: str, from_us: int, to_us: int) -> StoreOperation[int]:
    """Count the calls of a window that are in no roll-up yet."""
    params = {"tenant": tenant, "lo_us": from_us, "hi_us": to_us}
    [(calls,)] = yield Statement("unmeasured_calls", params)
    return int(calls)


def stale_calls(tenant: str) -> StoreOperation[int]:
    """Count the calls without measures, or with measures of an older revision. Reads all calls."""
    [(calls,)] = yield Statement("stale_calls", {"tenant": tenant}, (("filters", _STALE),))
    return int(calls)


def measure_calls(tenant: str, after: bytes, *, all_calls: bool = False) -> StoreOperation[bytes | None]:
    """Measure the next stale calls, or all, after an id; return the last id, None at the end."""
    yield StatementMany("lock_heads", [{"tenant": tenant}])
    params = {"tenant": tenant, "id": after, "most": CHUNK}
    filters = (("filters", "" if all_calls else _STALE),)
    ids = [row[0] for row in (yield Statement("calls_to_measure", params, filters))]
    if ids:
        yield from _measure(tenant, ids)
    return ids[-1] if len(ids) == CHUNK else None


def _measure(tenant: str, ids: list[bytes]) -> StoreOperation[None]:
    rows = yield StatementMany("calls_of_ids", [{"tenant": tenant, "id": call_id} for call_id in ids])
    calls = [stored_call(row) for row in rows]
    nodes = sorted({*ids, *(yield from linked_nodes(tenant, ids))})
    stored = yield StatementMany("facts_of_nodes", [{"tenant": tenant, "node": node} for node in nodes])
    facts = {(node, key): unpack_fact(content, at_us) for _, node, key, at_us, content in stored}
    linked_calls = linked_calls_of_nodes(tenant, facts, ids)
    deltas, steps, measured_rows = QualityDeltas(), StepDeltas(), []
    for call in calls:
        linked_call = linked_calls.get(call.id)
        if linked_call is None:
            message = "a call has no facts; run `calltally verify` to see which"
            raise DamagedStore(message)
        measured = encode_measures(fold(tenant, linked_call.canonical(), linked_call.facts.values()))
        # A call that an older release moved stays in its old row until the day is checked.
        old = None if call.measured is None else MeasuredCall(call.dimensions, call.measured)
        deltas.move(old, MeasuredCall(call.dimensions, measured))
        counted, recounted = (alert_counts_of_stored(call.record, each) for each in (call.measured, measured))
        steps.move(tenant, counted, recounted)
        row = {"id": call.id, "measured": measured, "revision": call.revision}
        measured_rows.append({"tenant": tenant, **row})
    yield StatementMany("remeasure_calls", measured_rows)
    yield from steps.statements()
    yield from deltas.write()


def quality_days(tenant: str) -> StoreOperation[list[int]]:
    """Return the days (seconds since 1970) with calls or roll-ups."""
    return (yield from occupied_windows(tenant, _DAY_S, "windows_of_quality"))


def quality_differences(tenant: str, day_s: int) -> StoreOperation[QualityDifferences]:
    """Compare the roll-ups of a day with its calls and its erased calls: invariant 6."""
    params = {"tenant": tenant, "lo_s": day_s, "hi_s": day_s + _DAY_S}
    rows = yield Statement("quality_between", params, CLAUSES)
    expected = QualityDeltas()
    for row in rows:
        if row[-1] is not None:
            # The share is all that is left of erased calls, so it cannot be checked.
            expected.add_share(tenant, row[1], row[3:10], share_of(row[-1]))
    calls_read = yield from _recount(tenant, day_s, expected)
    stored = {
        (tenant, *row[:3]): RowDelta([*row[10 : 10 + len(COLUMNS)]], unpack(row[-2]), keys=row[3:10])
        for row in rows
    }
    return QualityDifferences(calls_read, _missing(expected.rows(), stored))


def repair_quality(tenant: str, day_s: int) -> StoreOperation[int]:
    """Repair the roll-ups of a day, under the tenant's lock; return the number of wrong rows."""
    yield StatementMany("lock_heads", [{"tenant": tenant}])
    found = yield from quality_differences(tenant, day_s)
    yield from write_rows(found.missing)
    return len(found.missing)


def _recount(tenant: str, day_s: int, into: QualityDeltas) -> StoreOperation[int]:
    calls_read, last = 0, (column_us(day_s), b"")
    while True:
        page = {"after_us": last[0], "after_id": last[1], "hi_us": column_us(day_s + _DAY_S), "most": PAGE}
        rows = yield Statement("measured_after", {"tenant": tenant, **page}, _UNFILTERED)
        for created_us, _id, *dimensions, measured in rows:
            into.add(CallDimensions(tenant, created_us, *dimensions), measured)
        calls_read += len(rows)
        if len(rows) < PAGE:
            return calls_read
        last = rows[-1][:2]


def _missing(expected: Mapping[RowId, RowDelta], stored: Mapping[RowId, RowDelta]) -> dict[RowId, RowDelta]:
    missing = {}
    for row in expected.keys() | stored.keys():
        wanted, present = expected.get(row), stored.get(row)
        difference = RowDelta(keys=(wanted or present or _NO_ROW).keys)
        for each, times in ((wanted, 1), (present, -1)):
            if each is not None:
                difference.add(each.counts, each.bins, times)
        if not difference.is_empty:
            missing[row] = difference
    return missing


_NO_ROW: Final = RowDelta(keys=(0, "", "", "", "", "", ""))
_UNFILTERED: Final = (("filters", ""),)
