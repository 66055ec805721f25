"""Check and repair of counters against their rows (architecture.md, 6), bucket by bucket."""

from typing import Final

from calltally.calls.times import DAY_US, SECOND_US
from calltally.store.db.operation import Statement, StatementMany, StoreOperation
from calltally.store.rollups.call_counters import (
    CLAUSES,
    COLUMNS,
    SUM,
    WIDTHS_S,
    CallDimensions,
    CounterDeltas,
)
from calltally.store.rollups.window_buckets import column_us, differing, occupied_windows
from calltally.store.verify.revisions import CheckResult, InvariantFinding

_DAY_S: Final = DAY_US // SECOND_US
_REPLACED: Final = (
    "replaced",
    ", ".join(f"{name} = excluded.{name}" for name in ("revision", SUM, *COLUMNS)),
)


def count_windows(tenant: str) -> StoreOperation[list[int]]:
    """Return the widest buckets (seconds) with calls or counters."""
    return (yield from occupied_windows(tenant, WIDTHS_S[0], "windows_of_counts"))


def check_counts(tenant: str, window_s: int) -> StoreOperation[CheckResult]:
    """Check that the counters of a widest bucket, and of all buckets in it, equal its rows."""
    different, rows_read = yield from _differences(tenant, window_s)
    findings = []
    for (facet, width_s, bucket_s), (wanted, present) in different.items():
        subject = f"counts of {tenant}, {facet or 'all calls'}, {width_s} s from {bucket_s}"
        detail = f"the counter is {present[0]}, but there are {wanted[0]} calls"
        findings.append(InvariantFinding(6, subject, detail))
    return CheckResult(rows_read, findings, None)


def repair_counts(tenant: str, window_s: int) -> StoreOperation[int]:
    """Repair the counters of a widest bucket, under the tenant's lock; return the number of wrong rows."""
    [(_tenant, revision, _epoch)] = yield StatementMany("lock_heads", [{"tenant": tenant}])
    wrong, _ = yield from _differences(tenant, window_s)
    for (facet, width_s, bucket_s), (wanted, _present) in wrong.items():
        counted = dict(zip((SUM, *COLUMNS), wanted, strict=True))
        key = {"tenant": tenant, "facet": facet, "width_s": width_s, "bucket_s": bucket_s}
        yield Statement("set_counts", {**key, **counted, "revision": revision}, (*CLAUSES, _REPLACED))
    if wrong:
        # The history of a wrong row is unknown, so older snapshots are no longer kept.
        yield Statement("keep_from", {"tenant": tenant, "revision": revision})
    return len(wrong)


_NONE: Final = (0,) * (1 + len(COLUMNS))
_Key = tuple[str, int, int]
_Row = tuple[int, ...]


def _differences(tenant: str, window_s: int) -> StoreOperation[tuple[dict[_Key, tuple[_Row, _Row]], int]]:
    """Return the right and the stored counts of each wrong row, and the number of calls read."""
    expected, rows_read = yield from _recount(tenant, window_s)
    params = {"tenant": tenant, "lo_s": window_s, "hi_s": window_s + WIDTHS_S[0]}
    rows = yield Statement("counts_between", params, CLAUSES)
    stored = {tuple(row[:3]): tuple(row[3:]) for row in rows if any(row[3:])}
    return differing(expected, stored, _NONE), rows_read


def _recount(tenant: str, window_s: int) -> StoreOperation[tuple[dict[_Key, _Row], int]]:
    """Recount day by day: a whole month with a million calls took 300 MB at once."""
    deltas, rows_read = CounterDeltas(), 0
    lo_us, hi_us = column_us(window_s), column_us(window_s + WIDTHS_S[0])
    while lo_us < hi_us:
        [(first_us,)] = yield Statement("first_call_from", {"tenant": tenant, "from_us": lo_us})
        if first_us is None or first_us >= hi_us:
            break
        day_s = first_us // DAY_US * _DAY_S
        lo_us = column_us(day_s + _DAY_S)
        params = {"tenant": tenant, "lo_us": column_us(day_s), "hi_us": lo_us}
        for minute_s, *dimensions, calls in (yield Statement("calls_by_minute", params)):
            deltas.add(CallDimensions(tenant, minute_s * SECOND_US, *dimensions), calls)
            rows_read += calls
    expected = {
        key[1:]: (sum(cells.values()), *(cells.get(column, 0) for column in range(len(COLUMNS))))
        for key, cells in deltas.rows().items()
    }
    return expected, rows_read
