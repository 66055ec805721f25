"""Types of the grouping: a signal of a series, a move, an incident, and the tree of series."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec


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
        """Variance of the events in a usual window."""
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
