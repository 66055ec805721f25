"""Types of the grouping: a signal of a series, a move, an incident, and the tree of series."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from calltally.alerts.detection.signals import SIGNALS
from calltally.alerts.model.series import Metric

# Standard deviations: the rest of a coarse series without the finer ones is usual below this.
_MAX_USUAL_DEVIATIONS: Final = 3.0
# A share that is this many times larger than the reported one is a change of its own.
_FAR_LARGER: Final = 2.0
# Change points further apart than this are different, even if they are uncertain.
_TOGETHER_STEPS: Final = 12
_DOUBT_STEPS: Final = 2
# The kind of ending that each rate measures. An answer rate falls with either of the others.
_OUTCOMES: Final = {
    Metric.FAILURE_RATE: frozenset({"failing"}),
    Metric.PROVIDER_FAILURE_RATE: frozenset({"failing"}),
    Metric.NO_ANSWER_RATE: frozenset({"unanswered"}),
    Metric.ANSWER_RATE: frozenset[str](),
    Metric.TRANSFER_RATE: frozenset({"transfer"}),
}
# Rates that move with each rate: a collapse of one is reported as an aggravation of the other. The monitor
# watches the reasons of a falling answer rate separately.
_MOVES_WITH: Final = {
    Metric.FAILURE_RATE: frozenset({Metric.ANSWER_RATE}),
    Metric.PROVIDER_FAILURE_RATE: frozenset({Metric.FAILURE_RATE, Metric.ANSWER_RATE}),
    Metric.NO_ANSWER_RATE: frozenset({Metric.ANSWER_RATE}),
    Metric.ANSWER_RATE: frozenset({Metric.FAILURE_RATE, Metric.PROVIDER_FAILURE_RATE, Metric.NO_ANSWER_RATE}),
    Metric.TRANSFER_RATE: frozenset[Metric](),
}


class SignalCell(NamedTuple):
    """One signal of one series: their indexes in `SIGNALS` and in the table of series."""

    signal: int
    series: int


class SeriesMove(msgspec.Struct, frozen=True, array_like=True):
    """A cell whose sum crossed its threshold, with its change point, its counts and its sum.

    `is_worse` marks a cell that was alarmed before and got far worse than reported.
    """

    cell: SignalCell
    speed: int
    since: int
    at: int
    calls: float
    events: float
    expected: float
    spread: float
    sum: float
    threshold: float
    is_worse: bool = False

    @property
    def excess(self) -> float:
        """Events beyond the usual; negative if there are too few."""
        return self.events - self.expected

    @property
    def share(self) -> float:
        """Share of the calls that differ: events beyond the usual, or missing, for each call."""
        return abs(self.excess) / max(self.calls, 1.0)

    @property
    def variance(self) -> float:
        rate = self.expected / max(self.calls, 1.0)
        return max(self.expected * (1 - rate) * self.spread, 1e-9)


class AlertIncident(msgspec.Struct):
    """One alert: the named move, the moves that belong to it, and the cells that still move."""

    # Stored under these older names.
    primary: SeriesMove = msgspec.field(name="head")
    members: list[SeriesMove]
    active_cells: set[SignalCell] = msgspec.field(name="still")
    quiet_since: int | None = None


class IncidentChanges(NamedTuple):
    """Incidents that opened, and incidents that got far worse."""

    opened: list[AlertIncident]
    worsened: list[AlertIncident]


class SeriesTree(NamedTuple):
    """Tree of the series: `parents[i]` is the index of the coarser one, -1 for none.

    `agents_of` maps a route to the agents of its calls.
    """

    parents: Sequence[int]
    agents: frozenset[int]
    agents_of: Mapping[int, Collection[int]] = {}

    def contains(self, coarse: int, finer: int) -> bool:
        """Return True if the coarse series counts the finer one's calls, by the tree or as an agent's."""
        return coarse in self.ancestors(finer) or coarse in self.agents_of.get(finer, ())

    def ancestors(self, series: int) -> list[int]:
        """Return the coarser series, nearest first."""
        found: list[int] = []
        while (series := self.parents[series]) >= 0 and series not in found:
            found.append(series)
        return found


def are_similar(move: SeriesMove, others: Iterable[SeriesMove]) -> bool:
    """Decide whether a move concerns the same kind of ending, or the same hand-over, as others.

    An answer rate goes with failures and with unanswered calls, but does not make these two similar.
    """
    other_outcomes = frozenset[str]().union(*(_outcomes(each) for each in others))
    own_outcomes = _outcomes(move)
    if own_outcomes and other_outcomes:
        return bool(own_outcomes & other_outcomes)
    return "transfer" not in own_outcomes | other_outcomes


def _outcomes(move: SeriesMove) -> frozenset[str]:
    return _OUTCOMES[SIGNALS[move.cell.signal].metric]


def shows_in(move: SeriesMove, primary: SeriesMove) -> bool:
    """Decide whether a move shows in the named rate of its series, which then gets worse by itself."""
    return SIGNALS[primary.cell.signal].metric in _MOVES_WITH[SIGNALS[move.cell.signal].metric]


def started_together(one: SeriesMove, other: SeriesMove) -> bool:
    """Decide whether two moves started together; the start of a slowly found change is uncertain."""
    doubt = _DOUBT_STEPS + (one.at - one.since) + (other.at - other.since)
    return abs(one.since - other.since) <= min(doubt, _TOGETHER_STEPS)


def continues_move(coarse: SeriesMove, finer: SeriesMove) -> bool:
    """Decide whether a finer move may belong to an earlier coarse one: it is no faster and no larger."""
    is_between = coarse.since - _TOGETHER_STEPS <= finer.since <= coarse.at + _TOGETHER_STEPS
    return is_between and finer.speed >= coarse.speed and not is_far_larger(finer, coarse)


def is_far_larger(move: SeriesMove, reported: SeriesMove) -> bool:
    """Decide whether a move concerns far more calls than the reported one, beyond chance."""
    observed = (move.events + 0.5) / (move.calls + 1.0)
    variance = max(move.variance, move.calls * observed * (1 - observed) * move.spread)
    beyond = abs(move.excess) - _FAR_LARGER * reported.share * move.calls
    return bool(beyond > _MAX_USUAL_DEVIATIONS * variance**0.5)


def is_explained(coarse: SeriesMove, finer: Sequence[SeriesMove]) -> bool:
    """Decide whether the rest of a coarse series, without the finer ones, is usual."""
    alike = [each for each in _one_per_series(finer, coarse.cell.signal) if are_similar(coarse, [each])]
    left = abs(coarse.excess) - sum(_events_within(each, coarse) for each in alike)
    return bool(alike) and left < _MAX_USUAL_DEVIATIONS * coarse.variance**0.5


def _events_within(finer: SeriesMove, coarse: SeriesMove) -> float:
    """Return the events that a finer move adds to the window of a coarse one, at its own rate."""
    steps = coarse.at - max(coarse.since, finer.since) + 1
    return abs(finer.excess) * max(steps, 0) / max(finer.at - finer.since + 1, 1)


def _one_per_series(moves: Iterable[SeriesMove], signal: int) -> list[SeriesMove]:
    """Return one move for each series: the one of the same signal if there is one."""
    found: dict[int, SeriesMove] = {}
    for each in moves:
        if each.cell.series not in found or each.cell.signal == signal:
            found[each.cell.series] = each
    return list(found.values())
