"""What is watched: series of counts in steps of five minutes, and the rates that are made of them.

A call is counted as `started` in the step of its `created_at`, and in every other column in the step in which
it *became final*, once. Failures end sooner than answered calls, so steps by `created_at` would look worse
while they are young; dated by their end, a step is complete when it is over, and its usual value is learned
from steps that are dated alike.

Nothing here needs arrays: names, keys and rules are read by whoever shows an alert, and numpy, of which only
the detectors are made, would cost each of them 13 MB.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from calltally.calls.times import SECOND_US

STEP_US: Final = 300 * SECOND_US
STEPS_AN_HOUR: Final = 12
STEPS_A_WEEK: Final = 2016


class Dimension(StrEnum):
    """What a series is about; from the coarsest to the finest, agents beside the rest."""

    TENANT = "tenant"
    PROVIDER = "provider"
    PROVIDER_ACCOUNT = "provider_account"
    ROUTE = "route"
    AGENT = "agent"


class SeriesKey(NamedTuple):
    """One series of a tenant: all of it (value empty), one route, one provider, one account, one agent."""

    dimension: Dimension
    value: str = ""


TENANT: Final = SeriesKey(Dimension.TENANT)


class StepColumn(StrEnum):
    """The columns of a step, in the order of the matrix. Definitions: `calls/metrics.py`."""

    STARTED = "started"
    FINAL = "final"
    ANSWERED = "answered"
    COMPLETED = "completed"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    PROVIDER_FAILED = "provider_failed"
    BUSY = "busy"
    CANCELED = "canceled"
    # Answered calls that were handed to a person (bridged).
    TRANSFERRED = "transferred"


STEP_COLUMNS: Final = tuple(StepColumn)
COLUMN_INDEX: Final[Mapping[StepColumn, int]] = {count: at for at, count in enumerate(STEP_COLUMNS)}


class Metric(StrEnum):
    """The rates that are watched."""

    FAILURE_RATE = "failure_rate"
    NO_ANSWER_RATE = "no_answer_rate"
    ANSWER_RATE = "answer_rate"
    PROVIDER_FAILURE_RATE = "provider_failure_rate"
    TRANSFER_RATE = "transfer_rate"


class RateDefinition(NamedTuple):
    """A metric as numerator over denominator, and which way it has to move to be news."""

    numerator: StepColumn
    denominator: StepColumn
    up: bool
    down: bool


RATES: Final[Mapping[Metric, RateDefinition]] = {
    Metric.FAILURE_RATE: RateDefinition(StepColumn.FAILED, StepColumn.FINAL, up=True, down=False),
    Metric.NO_ANSWER_RATE: RateDefinition(StepColumn.NO_ANSWER, StepColumn.FINAL, up=True, down=False),
    Metric.ANSWER_RATE: RateDefinition(StepColumn.ANSWERED, StepColumn.FINAL, up=False, down=True),
    Metric.PROVIDER_FAILURE_RATE: RateDefinition(
        StepColumn.PROVIDER_FAILED, StepColumn.FINAL, up=True, down=False
    ),
    # Fewer hand-overs than usual may be a broken transfer, more may be a lost agent.
    Metric.TRANSFER_RATE: RateDefinition(StepColumn.TRANSFERRED, StepColumn.ANSWERED, up=True, down=True),
}


class SeriesTable(NamedTuple):
    """Many series in an order, and for each the place of the coarser one that it lies in (-1: in none).

    A route lies in its account or provider (the one that most of its calls use), an account in its provider,
    a provider in the tenant, an agent in the tenant. `agents` are the places of routes and of the agents that
    their calls went to.
    """

    keys: tuple[SeriesKey, ...]
    parents: tuple[int, ...]
    agents: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(
        cls,
        pairs: Iterable[tuple[SeriesKey, SeriesKey | None]],
        agents: Iterable[tuple[SeriesKey, SeriesKey]] = (),
    ) -> "SeriesTable":
        """From (series, the one it lies in). A parent that is not among the series counts as none."""
        listed = tuple(dict(pairs).items())
        places = {key: at for at, (key, _parent) in enumerate(listed)}
        parents = tuple(-1 if parent is None else places.get(parent, -1) for _key, parent in listed)
        known = ((route, agent) for route, agent in agents if route in places and agent in places)
        return cls(tuple(places), parents, tuple((places[route], places[agent]) for route, agent in known))


class Step(NamedTuple):
    """Five minutes of all series of one tenant.

    `counts[i][j]` is how many calls of `table.keys[i]` fall under `COUNTS[j]` in
    [at_us, at_us + STEP_US). A series without a call has a row of zeros: its silence is news too.
    """

    at_us: int
    table: SeriesTable
    counts: Sequence[Sequence[int]]


def step_of(at_us: int, table: SeriesTable, rows: Mapping[SeriesKey, Mapping[StepColumn, int]]) -> Step:
    """A step from sparse rows; series that are not in the table are left out."""
    silent = (0,) * len(STEP_COLUMNS)
    counts = [
        [row.get(count, 0) for count in STEP_COLUMNS] if (row := rows.get(key)) else silent
        for key in table.keys
    ]
    return Step(at_us, table, counts)


def step_start(instant_us: int) -> int:
    """The begin of the step that an instant lies in."""
    return instant_us - instant_us % STEP_US
