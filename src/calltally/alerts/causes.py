"""One cause, one alert: which of the series that moved together is named, and which are evidence.

The coarsest series is named that explains the rest: a provider before its routes, unless one route alone
explains the provider, which then is evidence for the route. Series that lie in each other, or that share a
move in the same direction without one being in the other (a route and its agent), belong together while one
of them lasts.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from calltally.alerts.looks import LOOKS
from calltally.alerts.series import Metric

# Standard deviations: what is left of a coarse series without the finer ones is usual below this.
_USUAL: Final = 3.0
# How long a cause must have been quiet before it is told to be over: one that flaps is one.
HOLD_STEPS: Final = 6


# A finer series that began to move so long before the coarse one, or after it was told, has its own cause.
_TOGETHER_STEPS: Final = 12


_OF_TRANSFERS: Final = frozenset(
    place for place, look in enumerate(LOOKS) if look.metric is Metric.TRANSFER_RATE
)


class Cell(NamedTuple):
    """A look at a series: places in `LOOKS` and in the table."""

    look: int
    series: int


class Moved(msgspec.Struct, frozen=True, array_like=True):
    """A cell that crossed: how, since which step, on which counts, and how far over its threshold."""

    cell: Cell
    speed: int
    since: int
    at: int
    calls: float
    events: float
    expected: float
    spread: float
    sum: float
    threshold: float

    @property
    def excess(self) -> float:
        """Events beyond the usual; negative where there are too few."""
        return self.events - self.expected

    @property
    def variance(self) -> float:
        """Of the events of a usual window."""
        rate = self.expected / max(self.calls, 1.0)
        return max(self.expected * (1 - rate) * self.spread, 1e-9)


class Cause(msgspec.Struct):
    """What is one alert: the series that is named, what moved with it, and what of that is still moved."""

    head: Moved
    members: list[Moved]
    still: set[Cell]
    quiet_since: int | None = None


class Family(NamedTuple):
    """Which series lie in which: `parents[i]` is the place of the coarser one, -1 for none."""

    parents: Sequence[int]
    agents: frozenset[int]

    def above(self, series: int) -> list[int]:
        """The coarser ones, nearest first."""
        found: list[int] = []
        while (series := self.parents[series]) >= 0 and series not in found:
            found.append(series)
        return found


def take_in(causes: list[Cause], crossed: Sequence[Moved], family: Family) -> list[Cause]:
    """Add what just crossed to the causes that are open. Returns the new ones among them."""
    news: list[Cause] = []
    for moved in _heads_first(crossed, family):
        cause = next((each for each in causes if _belongs(each, moved, family)), None)
        if cause is None:
            cause = Cause(moved, [], set())
            causes.append(cause)
            news.append(cause)
        else:
            cause.members.append(moved)
        cause.still.add(moved.cell)
        cause.quiet_since = None
    return news


def go_back(causes: list[Cause], back: Sequence[Cell], at: int) -> list[Cause]:
    """Take out the cells that are usual again. Returns the causes that are over, which are open no more."""
    for cause in causes:
        cause.still.difference_update(back)
        if not cause.still and cause.quiet_since is None:
            cause.quiet_since = at
    over = [each for each in causes if each.quiet_since is not None and at - each.quiet_since >= HOLD_STEPS]
    causes[:] = [each for each in causes if each not in over]
    return over


def _heads_first(crossed: Sequence[Moved], family: Family) -> list[Moved]:
    """Coarse before fine, but for a coarse one that a single finer one explains; agents last."""

    def rank(moved: Moved) -> tuple[bool, int, float]:
        series = moved.cell.series
        depth = len(family.above(series))
        inside = [each for each in crossed if series in family.above(each.cell.series)]
        if any(_explained(moved, [each]) for each in inside if each.cell.look == moved.cell.look):
            depth = len(family.parents)
        return series in family.agents, depth, -moved.sum

    return sorted(crossed, key=rank)


def _belongs(cause: Cause, moved: Moved, family: Family) -> bool:
    """Whether a move is the same cause's: of its series, of one inside it, or of one that it explains.

    Not whatever lies in a coarse member: a provider that one route has moved does not claim its other routes.
    """
    head, series = cause.head.cell.series, moved.cell.series
    known = [cause.head, *cause.members]
    if series in {cell.series for cell in cause.still} or (series == head and cause.quiet_since is not None):
        return True
    if series in family.above(head) or series in family.agents:
        return _explained(moved, known)
    # Inside a coarse one that is still moved, and begun with it: else it would be news.
    if cause.head.cell not in cause.still or not _began_together(cause.head, moved):
        return False
    return head in family.above(series) or (head in family.agents and _explained(cause.head, [moved]))


def _began_together(coarse: Moved, finer: Moved) -> bool:
    """At one time, and of one kind: how calls end, or where answered ones are handed to."""
    if (coarse.cell.look in _OF_TRANSFERS) != (finer.cell.look in _OF_TRANSFERS):
        return False
    return coarse.since - _TOGETHER_STEPS <= finer.since <= coarse.at + _TOGETHER_STEPS


def _explained(coarse: Moved, finer: Sequence[Moved]) -> bool:
    """Whether what is left of a coarse series without the finer ones is usual."""
    taken = sum(each.excess for each in _one_a_series(finer, coarse.cell.look))
    return bool(abs(coarse.excess - taken) < _USUAL * coarse.variance**0.5) or abs(taken) > abs(coarse.excess)


def _one_a_series(moved: Sequence[Moved], look: int) -> list[Moved]:
    """For each series the move of the same look, or of whatever look it has."""
    found: dict[int, Moved] = {}
    for each in moved:
        if each.cell.series not in found or each.cell.look == look:
            found[each.cell.series] = each
    return list(found.values())
