"""The five-minute steps that alerts are judged by, kept equal to the calls by the ledger.

Steps before a tenant's `steps_from_s` are pruned: what is written there (an import of old calls) goes with
the next round. To fill a database that had no steps, and to put wrong ones right, is the same: what a count
of the rows gives is compared with what is stored, in one state, and the difference is added. Whatever
commits meanwhile adds its own differences, so nothing has to be locked while calls are counted.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
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
from calltally.calls.times import SECOND_US
from calltally.store.db.operation import Params, ParamsTable, Row, Statement, StatementMany, StoreOperation
from calltally.store.rollups.occupied_windows import column_us, occupied

# What detectors learn from: nine of each weekday, of which holidays and campaigns may be left out.
KEPT_S: Final = 63 * 86_400
WINDOW_S: Final = 86_400
_PAGE: Final = 2_000
_COLUMNS: Final = ("columns", ", ".join(COLUMNS))
_SUMMED: Final = ("summed", ", ".join(f"sum({name})" for name in COLUMNS))
_WHOSE: Final = ("tenant", *AlertStepKey._fields)
_ADDED: Final = (*_WHOSE, *COLUMNS)
_ADDING: Final = (
    _COLUMNS,
    ("values", ", ".join(f":{name}" for name in COLUMNS)),
    ("arrays", ", ".join(f":{name}::integer[]" for name in COLUMNS)),
    ("sums", ", ".join(f"{name} = alert_steps.{name} + excluded.{name}" for name in COLUMNS)),
)
_NONE: Final = (0,) * len(COLUMNS)

Steps: TypeAlias = dict[AlertStepKey, Cells]
# How often which cells, by tenant and key: most calls have those of others, so they are added up by the kind.
Times: TypeAlias = dict[tuple[str, AlertStepKey], dict[Cells, int]]


class StepDeltas:
    """What a commit changes in the steps, added up before anything is written."""

    def __init__(self) -> None:
        self.times: Times = {}

    def move(self, tenant: str, old: Collection[AlertCount], new: Collection[AlertCount]) -> None:
        """A call counts where `new` says, and no longer where `old` does."""
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
        """Add what has changed, if anything has."""
        added = ((tenant, key, _added_up(self.times[tenant, key])) for tenant, key in sorted(self.times))
        rows = [(tenant, *key, *cells) for tenant, key, cells in added if any(cells)]
        if rows:
            yield StatementMany("add_alert_steps", ParamsTable(_ADDED, rows), _ADDING)


def _added_up(times: Mapping[Cells, int]) -> Cells:
    columns = zip(*([number * cell for cell in cells] for cells, number in times.items()), strict=True)
    return tuple(map(sum, columns))


def _row(tenant: str, key: AlertStepKey, cells: Cells) -> Params:
    return {"tenant": tenant, **key._asdict(), **dict(zip(COLUMNS, cells, strict=True))}


class Differences(NamedTuple):
    """What the steps of a window lack, as one state of the database shows it; `repairs` tells which state."""

    looked_at: int
    lacking: Steps
    repairs: int


def steps_between(tenant: str, lo_s: int, hi_s: int) -> StoreOperation[Steps]:
    """The steps of a window that begin from `lo_s` to before `hi_s`, by their keys."""
    asked = {"tenant": tenant, "lo_s": lo_s, "hi_s": hi_s}
    rows = yield Statement("alert_steps_between", asked, (_COLUMNS,))
    return dict(map(_stored, rows))


def step_sums(tenant: str, lo_s: int, hi_s: int) -> StoreOperation[dict[int, list[int]]]:
    """For each step of a window that has rows: how many, and what each column adds up to."""
    asked = {"tenant": tenant, "lo_s": lo_s, "hi_s": hi_s}
    return {row[0]: list(row[1:]) for row in (yield Statement("alert_step_sums", asked, (_SUMMED,)))}


def _stored(row: Row) -> tuple[AlertStepKey, Cells]:
    width = len(AlertStepKey._fields)
    return AlertStepKey(*row[:width]), tuple(row[width:])


def count_steps(tenant: str, lo_s: int, hi_s: int) -> StoreOperation[tuple[Steps, int]]:
    """The same from the calls themselves, of any age; and how many calls were looked at."""
    steps: Steps = {}
    looked_at, after_us, after_id = 0, column_us(lo_s - MAX_CALL_AGE_S), b""
    while True:
        asked = {"tenant": tenant, "after_us": after_us, "after_id": after_id}
        bounds = {"hi_us": column_us(hi_s), "most": _PAGE}
        rows = yield Statement("records_created_after", asked | bounds)
        for created_us, _, record in rows:
            _count(steps, _places_of(record), lo_s, hi_s)
            looked_at += created_us >= lo_s * SECOND_US
        if len(rows) < _PAGE:
            return steps, looked_at
        after_us, after_id = rows[-1][0], rows[-1][1]


def _places_of(record: bytes) -> Iterable[AlertCount]:
    """Nowhere for what cannot be read: that is found, and told, by those who look at records."""
    try:
        return alert_counts_of_record(record)
    except DamagedStore:
        return ()


def _count(steps: Steps, places: Iterable[AlertCount], lo_s: int, hi_s: int) -> None:
    for key, cells in places:
        if lo_s <= key.step_s < hi_s:
            had = steps.get(key, _NONE)
            steps[key] = tuple([a + b for a, b in zip(had, cells, strict=True)])


def step_windows(tenant: str) -> StoreOperation[list[int]]:
    """The days (seconds since 1970) in which a tenant has kept calls or steps."""
    from_s, _ = yield from _standing(tenant)
    begun = yield from occupied(tenant, WINDOW_S, "windows_of_steps")
    # What began on one day may have ended on the next.
    return sorted({s for day_s in begun for s in (day_s, day_s + WINDOW_S) if s >= from_s})


def first_call_s(tenant: str) -> StoreOperation[int | None]:
    """The begin of the step in which a tenant's first call was created; None where it has no calls."""
    [(first_us, _)] = yield Statement("first_and_last_call", {"tenant": tenant})
    return None if first_us is None else first_us // SECOND_US // STEP_S * STEP_S


def differences(tenant: str, window_s: int) -> StoreOperation[Differences]:
    """How the steps of a day differ from its calls. One state of the database must show both."""
    lo_s, hi_s = window_s, window_s + WINDOW_S
    expected, looked_at = yield from count_steps(tenant, lo_s, hi_s)
    stored = yield from steps_between(tenant, lo_s, hi_s)
    _, repairs = yield from _standing(tenant)
    return Differences(looked_at, _lacking(expected, stored), repairs)


def _lacking(expected: Mapping[AlertStepKey, Cells], stored: Mapping[AlertStepKey, Cells]) -> Steps:
    pairs = {
        key: (expected.get(key, _NONE), stored.get(key, _NONE)) for key in expected.keys() | stored.keys()
    }
    return {
        key: tuple([a - b for a, b in zip(wanted, had, strict=True)])
        for key, (wanted, had) in pairs.items()
        if wanted != had
    }


def repair_steps(tenant: str, found: Differences) -> StoreOperation[bool]:
    """Add what is lacking; False where another repair came in between: look again then."""
    taken = yield Statement("count_step_repair", {"tenant": tenant, "repairs": found.repairs})
    if not taken:
        return False
    rows = [_row(tenant, key, cells) for key, cells in sorted(found.lacking.items())]
    if rows:
        yield StatementMany("add_alert_steps", rows, _ADDING)
    return True


def _standing(tenant: str) -> StoreOperation[tuple[int, int]]:
    """From when on steps are kept, and how many repairs there were."""
    rows = yield Statement("steps_standing", {"tenant": tenant})
    return (rows[0][0], rows[0][1]) if rows else (0, 0)


def are_steps_old(tenant: str, now_us: int) -> StoreOperation[bool]:
    """Whether there are steps that are older than they are kept."""
    [(first_s, _)] = yield Statement("first_and_last_step", {"tenant": tenant})
    return first_s is not None and first_s < _kept_from_s(now_us)


def keep_steps_from(tenant: str, now_us: int) -> StoreOperation[None]:
    """Say from when on steps are kept, in a commit of its own, before those that are older go."""
    yield Statement("keep_steps_from", {"tenant": tenant, "from_s": _kept_from_s(now_us)})


def prune_steps(tenant: str, most: int) -> StoreOperation[int]:
    """Delete up to `most` of the steps that are not kept any more; returns how many."""
    from_s, _ = yield from _standing(tenant)
    old = yield Statement("old_steps", {"tenant": tenant, "from_s": from_s, "most": most})
    if old:
        yield Statement("prune_steps", {"tenant": tenant, "lowest": old[0][0], "highest": old[-1][0]})
    return len(old)


def _kept_from_s(now_us: int) -> int:
    kept_s = now_us // SECOND_US - KEPT_S
    return kept_s - kept_s % WINDOW_S
