"""Counters of calls by bucket of time, status and direction, which the ledger updates with each commit.

The counters of all calls have levels from 32 days down to a minute, so that to skip a busy hour costs no more
than to skip a quiet one. Each route, agent and provider has counters of its own, by day and hour: each level
costs a commit a page of history per route, which limits the number of levels.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple, TypeAlias

from calltally.calls.fold import FoldedCall
from calltally.calls.model import DIRECTION_NUMBER, STATUS_NUMBER, STATUSES
from calltally.calls.times import SECOND_US
from calltally.store.db.operation import Clauses, ParamsTable, StatementMany

WIDTHS_S: Final = (32 * 86_400, 86_400, 3_600, 60)
FACET_WIDTHS_S: Final = (86_400, 3_600)
FACETS: Final = ("route", "agent", "provider")
ALL: Final = ""
_FINEST_S: Final = WIDTHS_S[-1]
_FINEST_OF_FACETS_S: Final = FACET_WIDTHS_S[-1]
_SIDES: Final = ("unknown", "inbound", "outbound")
# Each row includes its sum: most lists need nothing else, and adding up 27 columns is the main cost.
SUM: Final = "calls"
COLUMNS: Final = tuple(f"{status.replace('-', '_')}_{side}" for status in STATUSES for side in _SIDES)

Key: TypeAlias = tuple[str, str, int, int]
Cells: TypeAlias = dict[int, int]
# Finest level, as (tenant, minute, column); wider levels are made of it.
Minutes: TypeAlias = dict[tuple[str, int, int], int]
# As (tenant, hour, column, *values of FACETS): most calls share all of these with others.
Hours: TypeAlias = dict[tuple[str, int, int, str | None, str | None, str | None], int]
_ADDED: Final = ("tenant", "facet", "width_s", "bucket_s", "revision")
# In the order in which the statement names them.
_HISTORY_COLUMNS: Final = ("revision", *_ADDED[:-1])
_FEW_STATUSES: Final = 3


class CallDimensions(NamedTuple):
    """Dimensions of a call that select its counters."""

    tenant: str
    created_us: int
    status: int
    direction: int
    route: str | None
    agent: str | None
    provider: str | None

    @classmethod
    def of(cls, tenant: str, folded: FoldedCall) -> "CallDimensions":
        call = folded.call
        return cls(
            *(tenant, folded.created_us, STATUS_NUMBER[call.status], DIRECTION_NUMBER[call.direction]),
            *(call.route, call.agent, call.provider),
        )


def widths_of(facet_name: str) -> tuple[int, ...]:
    """Return the levels of a facet's counters in seconds, widest first."""
    return WIDTHS_S if facet_name == ALL else FACET_WIDTHS_S


def facet(name: str, value: str) -> str:
    return f"{name}={value}"


def column_number(status: int, direction: int) -> int:
    """Return the index in `COLUMNS` of a status and a direction, by their stored numbers."""
    return status * len(_SIDES) + direction


def columns_of(statuses: Collection[str], direction: str | None) -> tuple[str, ...]:
    """Return the columns that a filter sums: the sum of all if it names neither."""
    if not statuses and direction is None:
        return (SUM,)
    numbers = [STATUS_NUMBER[status] for status in statuses] or range(len(STATUSES))
    sides = range(len(_SIDES)) if direction is None else [DIRECTION_NUMBER[direction]]
    return tuple(COLUMNS[column_number(number, side)] for number in numbers for side in sides)


class CounterDeltas:
    """Changes of a commit to the counters, summed before they are written.

    A row is written for each bucket that a call entered, left or moved within, even if its counts stay the
    same: its revision shows snapshots whether the calls of the bucket have changed.
    """

    def __init__(self) -> None:
        self.minutes: Minutes = {}
        self.hours: Hours = {}

    def add(self, dimensions: CallDimensions, calls: int) -> None:
        """Add `calls` (1 or -1) to the counters of some dimensions."""
        tenant, created_us, status, direction, route, agent, provider = dimensions
        column, second = column_number(status, direction), created_us // SECOND_US
        minute = (tenant, second - second % _FINEST_S, column)
        self.minutes[minute] = self.minutes.get(minute, 0) + calls
        hour = (tenant, second - second % _FINEST_OF_FACETS_S, column, route, agent, provider)
        self.hours[hour] = self.hours.get(hour, 0) + calls

    def rows(self) -> dict[Key, Cells]:
        """Return the rows of counters that change, by key in order, with the columns that change."""
        rows: dict[Key, Cells] = {}
        for (tenant, name, bucket_s, column), calls in self._finest():
            for width_s in widths_of(name):
                key = (tenant, name, width_s, bucket_s - bucket_s % width_s)
                cells = rows.get(key)
                if cells is None:
                    cells = rows[key] = {}
                cells[column] = cells.get(column, 0) + calls
        return {key: {column: n for column, n in rows[key].items() if n} for key in sorted(rows)}

    def _finest(self) -> Iterator[tuple[tuple[str, str, int, int], int]]:
        """Yield changes of finest counters by (tenant, facet, bucket, column); a key can occur repeatedly."""
        for (tenant, minute_s, column), calls in self.minutes.items():
            yield (tenant, ALL, minute_s, column), calls
        for (tenant, hour_s, column, *values), calls in self.hours.items():
            for name, value in zip(FACETS, values, strict=True):
                if value is not None:
                    yield (tenant, facet(name, value), hour_s, column), calls


def counter_statements(rows: Mapping[Key, Cells], revisions: Mapping[str, int]) -> Iterator[StatementMany]:
    """Yield the statements that store the old rows in the history and then add to the rows.

    All rows share a statement over the columns in which some of them change. Binding a zero for the others
    costs a tenth of a microsecond each. Parsing a statement in SQLite for each set of columns, of which a
    commit has twenty, cost as much as running them.
    """
    history = [(revisions[key[0]], *key) for key in rows]
    yield StatementMany("keep_counts", ParamsTable(_HISTORY_COLUMNS, history), CLAUSES)
    columns = _columns_in(rows.values())
    added = [
        (*key, revisions[key[0]], sum(cells.values()), *(cells.get(column, 0) for column in columns))
        for key, cells in rows.items()
    ]
    yield StatementMany("add_counts", ParamsTable((*_ADDED, *_params(columns)), added), _adding(columns))


def _columns_in(changes: Iterable[Cells]) -> tuple[int, ...]:
    """Return the columns that change, and some more, to limit the number of different statements."""
    changed = set[int]().union(*changes)
    sides = sorted({column % len(_SIDES) for column in changed})
    numbers: Collection[int] = sorted({column // len(_SIDES) for column in changed})
    if len(numbers) > _FEW_STATUSES:
        numbers = range(len(STATUSES))
    return tuple(column_number(number, side) for number in numbers for side in sides)


def _params(columns: tuple[int, ...]) -> tuple[str, ...]:
    return (SUM, *(f"n{index}" for index in range(len(columns))))


@cache
def _adding(columns: tuple[int, ...]) -> Clauses:
    names = (SUM, *(COLUMNS[column] for column in columns))
    return adding_clauses("counts", names, "integer", _params(columns))


def adding_clauses(
    table: str, columns: Sequence[str], sql_type: str, params: Sequence[str] | None = None
) -> Clauses:
    """Return the clauses of a statement that inserts rows into a table, or adds to these columns of rows.

    `params` are the names of the parameters, by default those of the columns.
    """
    names = columns if params is None else params
    return (
        ("columns", ", ".join(columns)),
        ("values", ", ".join(f":{name}" for name in names)),
        ("arrays", ", ".join(f":{name}::{sql_type}[]" for name in names)),
        ("sums", ", ".join(f"{column} = {table}.{column} + excluded.{column}" for column in columns)),
    )


# Clauses of the statements over all columns.
CLAUSES: Final = adding_clauses("counts", (SUM, *COLUMNS), "integer")
