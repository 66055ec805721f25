"""What grouping is about: a cell that moved, a cause that is one alert, and which series lie in which."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec


class Cell(NamedTuple):
    """A look at a series: places in `LOOKS` and in the table."""

    look: int
    series: int


class Moved(msgspec.Struct, frozen=True, array_like=True):
    """A cell that crossed: how, since which step, on which counts, and how far over its threshold.

    `is_worse` where it was alarmed before, and got far worse than was told.
    """

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
    is_worse: bool = False

    @property
    def excess(self) -> float:
        """Events beyond the usual; negative where there are too few."""
        return self.events - self.expected

    @property
    def share(self) -> float:
        """Of how many calls it is, as a part of one: events beyond the usual, or missing, for each call."""
        return abs(self.excess) / max(self.calls, 1.0)

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


class News(NamedTuple):
    """The causes that are new, and those of which far worse is told."""

    began: list[Cause]
    worsened: list[Cause]


class Family(NamedTuple):
    """Which series lie in which: `parents[i]` is the place of the coarser one, -1 for none.

    `agents_of` are the agents that a route's calls went to.
    """

    parents: Sequence[int]
    agents: frozenset[int]
    agents_of: Mapping[int, Collection[int]] = {}

    def holds(self, coarse: int, finer: int) -> bool:
        """Whether calls of the finer series count in the coarse one, by the tree or as an agent's."""
        return coarse in self.above(finer) or coarse in self.agents_of.get(finer, ())

    def above(self, series: int) -> list[int]:
        """The coarser ones, nearest first."""
        found: list[int] = []
        while (series := self.parents[series]) >= 0 and series not in found:
            found.append(series)
        return found
