"""Five-minute steps of the alerts: sums of calls that the ledger updates with each commit.

Steps before a tenant's `steps_from_s` are pruned; an import of old calls writes steps there that the next
pruning deletes. Filling a database without steps and repairing wrong steps are the same: a count of the rows
is compared with the stored steps, in one state of the database, and the difference is added. Other commits
add their own differences meanwhile, so nothing is locked while calls are counted.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from operator import add, sub
from typing import Final, NamedTuple, TypeAlias

from calltally.calls.alert_counts import (
    COLUMNS,
    MAX_CALL_AGE_S,
    STEP_S,
    AlertCount,
    AlertStepKey,
    Cells,
    alert_counts_of_record,
)
from calltally.calls.errors import DamagedStore
from calltally.calls.measures import knows_transfers
from calltally.calls.times import SECOND_US
from calltally.store.db.operation import ParamsTable, Statement, StatementMany, StoreOperation
from calltally.store.rollups.call_counters import adding_clauses
from calltally.store.rollups.window_buckets import column_us, differing, occupied_windows

# History of the detectors: nine of each weekday, so that holidays and campaigns can be left out.
STEPS_KEPT_S: Final = 63 * 86_400
WINDOW_S: Final = 86_400
_PAGE: Final = 2_000
_COLUMNS: Final = ("columns", ", ".join(COLUMNS))
_SUMMED: Final = ("summed", ", ".join(f"sum({name})" for name in COLUMNS))
_KEY_COLUMNS: Final = ("tenant", *AlertStepKey._fields)
_ADDED: Final = (*_KEY_COLUMNS, *COLUMNS)
_ADDING: Final = adding_clauses("alert_steps", COLUMNS, "integer")
_NONE: Final = (0,) * len(COLUMNS)

Steps: TypeAlias = dict[AlertStepKey, Cells]
# Number of calls with the same cells, by tenant and key: most calls share their cells with others.
CellCounts: TypeAlias = dict[tuple[str, AlertStepKey], dict[Cells, int]]


def alert_counts_of_stored(record: bytes, measured: bytes | None) -> tuple[AlertCount, ...]:
    """Return the counts of a stored call, by its record and measures. Raises DamagedStore."""
    return alert_counts_of_record(record, knows_transfers=knows_transfers(measured))


class StepDeltas:
    """Changes of a commit to the steps, summed before they are written."""

    def __init__(self) -> None:
        self.times: CellCounts = {}

    def move(self, tenant: str, old: Collection[AlertCount], new: Collection[AlertCount]) -> None:
        """Count a call in the steps of `new` instead of `old`."""
        if old == new:
            return
        for each in old:
            if each not in new:
                self._count(tenant, each, -1)
        for each in new:
            if each not in old:
                self._count(tenant, each, 1)

    def _count(self, tenant: str, counted: AlertCount, calls: int) -> None:
        key, cells = counted
        times = self.times.setdefault((tenant, key), {})
        times[cells] = times.get(cells, 0) + calls

    def statements(self) -> Iterator[StatementMany]:
        """Return the statement that adds the changes, if there are any."""
        return _add((tenant, key, _sum_cells(times)) for (tenant, key), times in sorted(self.times.items()))


def _sum_cells(times: Mapping[Cells, int]) -> Cells:
    columns = zip(*([number * cell for cell in cells] for cells, number in times.items()), strict=True)
    return tuple(map(sum, columns))


def _add(steps: Iterable[tuple[str, AlertStepKey, Cells]]) -> Iterator[StatementMany]:
    if rows := [(tenant, *key, *cells) for tenant, key, cells in steps if any(cells)]:
        yield StatementMany("add_alert_steps", ParamsTable(_ADDED, rows), _ADDING)


class StepDifferences(NamedTuple):
    """Differences of a window's steps from its calls, in one state; `repairs` identifies the state."""

    calls_read: int
    missing: Steps
    repairs: int


def steps_between(tenant: str, lo_s: int, hi_s: int) -> StoreOperation[Steps]:
    """Return the steps that begin in `lo_s <= s < hi_s`, by their keys."""
    params = {"tenant": tenant, "lo_s": lo_s, "hi_s": hi_s}
    rows = yield Statement("alert_steps_between", params, (_COLUMNS,))
    width = len(AlertStepKey._fields)
    return {AlertStepKey(*row[:width]): tuple(row[width:]) for row in rows}


def step_sums(tenant: str, lo_s: int, hi_s: int) -> StoreOperation[dict[int, list[int]]]:
    """Return the number of rows and the sum of each column, for each step with rows."""
    params = {"tenant": tenant, "lo_s": lo_s, "hi_s": hi_s}
    return {row[0]: list(row[1:]) for row in (yield Statement("alert_step_sums", params, (_SUMMED,)))}


def count_steps(tenant: str, lo_s: int, hi_s: int) -> StoreOperation[tuple[Steps, int]]:
    """Count the steps from the calls of any age; return them and the number of calls read."""
    steps: Steps = {}
    calls_read, after_us, after_id = 0, column_us(lo_s - MAX_CALL_AGE_S), b""
    while True:
        params = {"tenant": tenant, "after_us": after_us, "after_id": after_id}
        bounds = {"hi_us": column_us(hi_s), "most": _PAGE}
        rows = yield Statement("records_created_after", params | bounds)
        for created_us, _, record, measured in rows:
            # Other checks report an unreadable record.
            with suppress(DamagedStore):
                _count(steps, alert_counts_of_stored(record, measured), lo_s, hi_s)
            calls_read += created_us >= lo_s * SECOND_US
        if len(rows) < _PAGE:
            return steps, calls_read
        after_us, after_id = rows[-1][0], rows[-1][1]


def _count(steps: Steps, counted: Iterable[AlertCount], lo_s: int, hi_s: int) -> None:
    for key, cells in counted:
        if lo_s <= key.step_s < hi_s:
            before = steps.get(key, _NONE)
            steps[key] = tuple(map(add, before, cells))


def step_windows(tenant: str) -> StoreOperation[list[int]]:
    """Return the days (seconds since 1970) with calls or steps that are kept."""
    from_s, _ = yield from _steps_head(tenant)
    days = yield from occupied_windows(tenant, WINDOW_S, "windows_of_steps")
    # A call can begin on one day and end on the next.
    return sorted({s for day_s in days for s in (day_s, day_s + WINDOW_S) if s >= from_s})


def first_call_s(tenant: str) -> StoreOperation[int | None]:
    """Return the start of the step with a tenant's first call; None without calls."""
    [(first_us, _)] = yield Statement("first_and_last_call", {"tenant": tenant})
    return None if first_us is None else first_us // SECOND_US // STEP_S * STEP_S


def step_differences(tenant: str, window_s: int) -> StoreOperation[StepDifferences]:
    """Compare the steps of a day with its calls. One state of the database must contain both."""
    lo_s, hi_s = window_s, window_s + WINDOW_S
    expected, calls_read = yield from count_steps(tenant, lo_s, hi_s)
    stored = yield from steps_between(tenant, lo_s, hi_s)
    _, repairs = yield from _steps_head(tenant)
    missing = {
        key: tuple(map(sub, wanted, present))
        for key, (wanted, present) in differing(expected, stored, _NONE).items()
    }
    return StepDifferences(calls_read, missing, repairs)


def repair_steps(tenant: str, found: StepDifferences) -> StoreOperation[bool]:
    """Add the missing counts; return False after another repair, for the caller to compare again."""
    is_current = yield Statement("count_step_repair", {"tenant": tenant, "repairs": found.repairs})
    if not is_current:
        return False
    yield from _add((tenant, key, cells) for key, cells in sorted(found.missing.items()))
    return True


def _steps_head(tenant: str) -> StoreOperation[tuple[int, int]]:
    """Return the start of the kept steps and the number of repairs."""
    rows = yield Statement("steps_head", {"tenant": tenant})
    return (rows[0][0], rows[0][1]) if rows else (0, 0)


def are_steps_old(tenant: str, now_us: int) -> StoreOperation[bool]:
    [(first_s, _)] = yield Statement("first_and_last_step", {"tenant": tenant})
    return first_s is not None and first_s < _kept_from_s(now_us)


def keep_steps_from(tenant: str, now_us: int) -> StoreOperation[None]:
    """Set the start of the kept steps, in a separate commit before older steps are pruned."""
    yield Statement("keep_steps_from", {"tenant": tenant, "from_s": _kept_from_s(now_us)})


def prune_steps(tenant: str, most: int) -> StoreOperation[int]:
    """Delete up to `most` steps that are no longer kept; return their number."""
    from_s, _ = yield from _steps_head(tenant)
    old = yield Statement("old_steps", {"tenant": tenant, "from_s": from_s, "most": most})
    if old:
        yield Statement("prune_steps", {"tenant": tenant, "lowest": old[0][0], "highest": old[-1][0]})
    return len(old)


def _kept_from_s(now_us: int) -> int:
    kept_s = now_us // SECOND_US - STEPS_KEPT_S
    return kept_s - kept_s % WINDOW_S
