"""Series of counts in steps of five minutes, and the rates that are computed from them.

A call counts as `started` in the step of its `created_at`. It counts in every other column in the step in
which it *became final*, once. Failed calls end sooner than answered ones: if calls were counted by
`created_at`, recent steps would look worse than they are. Counted by the end of the call, a step is complete
as soon as it is over, and is comparable with past steps.

This module does not import numpy: code that displays alerts reads names, keys and rules, and numpy would cost
each such process 13 MB.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from calltally.calls.alert_counts import COLUMNS
from calltally.calls.times import SECOND_US

STEP_US: Final = 300 * SECOND_US
STEPS_AN_HOUR: Final = 12


class Dimension(StrEnum):
    """Dimension of a series, from the coarsest to the finest; agents are outside this order."""

    TENANT = "tenant"
    PROVIDER = "provider"
    PROVIDER_ACCOUNT = "provider_account"
    ROUTE = "route"
    AGENT = "agent"


class SeriesKey(NamedTuple):
    """One series of a tenant: all of it (empty value), one route, one provider, one account or one agent."""

    dimension: Dimension
    value: str = ""


TENANT: Final = SeriesKey(Dimension.TENANT)


class StepColumn(StrEnum):
    """Columns of a step, in the order of the matrix. Definitions: `calls/metrics.py`."""

    STARTED = "started"
    FINAL = "final"
    ANSWERED = "answered"
    COMPLETED = "completed"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    PROVIDER_FAILED = "provider_failed"
    BUSY = "busy"
    CANCELED = "canceled"
    # Answered calls that were handed to a person (bridged), of those with a source that reports transfers.
    TRANSFERRED = "transferred"
    TRANSFER_KNOWN = "transfer_known"


STEP_COLUMNS: Final = tuple(StepColumn)
# The order of `calls.alert_counts.COLUMNS`, the stored rows.
COLUMN_INDEX: Final[Mapping[StepColumn, int]] = {count: COLUMNS.index(count) for count in STEP_COLUMNS}


class Metric(StrEnum):
    """Rates that the detectors monitor."""

    FAILURE_RATE = "failure_rate"
    NO_ANSWER_RATE = "no_answer_rate"
    ANSWER_RATE = "answer_rate"
    PROVIDER_FAILURE_RATE = "provider_failure_rate"
    TRANSFER_RATE = "transfer_rate"


class RateDefinition(NamedTuple):
    """A metric as numerator over denominator, and the directions that raise an alert."""

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
    # Fewer hand-overs than usual may be a broken transfer; more may be a lost agent.
    Metric.TRANSFER_RATE: RateDefinition(
        StepColumn.TRANSFERRED, StepColumn.TRANSFER_KNOWN, up=True, down=True
    ),
}


class SeriesTable(NamedTuple):
    """Series in an order, and for each the index of its parent, the next coarser series (-1: none).

    The parent of a route is its account or provider (the one with most of its calls), of an account its
    provider, of a provider and of an agent the tenant. `agents` are pairs of indexes: of a route, and of an
    agent that received its calls.
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
        """Return the table of pairs (series, parent). A parent outside the series counts as none."""
        listed = tuple(dict(pairs).items())
        indexes = {key: at for at, (key, _parent) in enumerate(listed)}
        parents = tuple(-1 if parent is None else indexes.get(parent, -1) for _key, parent in listed)
        listed_agents = ((route, agent) for route, agent in agents if route in indexes and agent in indexes)
        return cls(
            tuple(indexes), parents, tuple((indexes[route], indexes[agent]) for route, agent in listed_agents)
        )


class Step(NamedTuple):
    """Five minutes of all series of one tenant.

    `counts[i][j]` is the number of calls of `table.keys[i]` in column `STEP_COLUMNS[j]`, in [at_us, at_us +
    STEP_US). A series without calls has a row of zeros, because its silence matters too.
    """

    at_us: int
    table: SeriesTable
    counts: Sequence[Sequence[int]]
