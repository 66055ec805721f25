"""From rows of five minutes to the series that detectors judge, and which series there are."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

import msgspec

from calltally.alerts.model.series import (
    STEP_COLUMNS,
    TENANT,
    Dimension,
    SeriesKey,
    SeriesTable,
    Step,
    StepColumn,
    step_of,
)
from calltally.calls.alert_counts import COLUMNS, Cells, Key
from calltally.calls.times import SECOND_US

# A series that had no call for so long is watched no more: its silence is no news.
FORGOTTEN_S: Final = 14 * 86_400

Rows: TypeAlias = Mapping[Key, Cells]
_CALLS: Final = (COLUMNS.index("started"), COLUMNS.index("final"))


class TrackedSeries(msgspec.Struct, array_like=True):
    """One series that is watched: which one it lies in, when it last had a call, and a route's agents."""

    key: SeriesKey
    parent: SeriesKey
    seen_s: int
    agents: list[SeriesKey] = []


class SeriesRollup:
    """The series of a tenant, as they come and go."""

    def __init__(self, known: Iterable[TrackedSeries] = ()) -> None:
        self._known = {each.key: each for each in known}

    def stored(self) -> list[TrackedSeries]:
        """What `Roll` is made of again."""
        return list(self._known.values())

    def step(self, step_s: int, rows: Rows) -> Step:
        """The step of all series, known or new, that begins at `step_s`."""
        self._see(step_s, rows)
        pairs: list[tuple[SeriesKey, SeriesKey | None]] = [(TENANT, None)]
        pairs += [(each.key, each.parent) for each in sorted(self._known.values(), key=_coarse_first)]
        agents = [(each.key, agent) for each in self._known.values() for agent in each.agents]
        return step_of(step_s * SECOND_US, SeriesTable.of(pairs, agents), sum_by_series(rows))

    def _see(self, step_s: int, rows: Rows) -> None:
        parents: dict[SeriesKey, dict[SeriesKey, int]] = {}
        for key, cells in rows.items():
            calls = sum(cells[place] for place in _CALLS)
            for series, parent in lineage(key):
                among = parents.setdefault(series, {})
                among[parent] = among.get(parent, 0) + calls
        for series, among in parents.items():
            if any(among.values()):
                self._note(series, among, step_s)
        for key in rows:
            self._note_agent(key)
        self._known = {k: each for k, each in self._known.items() if step_s - each.seen_s <= FORGOTTEN_S}

    def _note(self, series: SeriesKey, among: Mapping[SeriesKey, int], step_s: int) -> None:
        known = self._known.get(series)
        # It stays where it lies for as long as some of its calls do: a mere majority would flutter.
        if known is None or known.parent not in among:
            known = TrackedSeries(series, max(among, key=lambda parent: (among[parent], parent)), step_s)
        known.seen_s = step_s
        self._known[series] = known

    def _note_agent(self, key: Key) -> None:
        route = self._known.get(SeriesKey(Dimension.ROUTE, key.route)) if key.route and key.agent else None
        agent = SeriesKey(Dimension.AGENT, key.agent or "")
        if route is not None and agent not in route.agents:
            route.agents.append(agent)


def _coarse_first(known: TrackedSeries) -> tuple[int, SeriesKey]:
    return _ORDER[known.key.dimension], known.key


_ORDER: Final = {dimension: place for place, dimension in enumerate(Dimension)}


def lineage(key: Key) -> Iterator[tuple[SeriesKey, SeriesKey]]:
    """The series that a row counts in beside the tenant's, each with the one that it lies in."""
    within = TENANT
    if key.provider:
        provider = SeriesKey(Dimension.PROVIDER, key.provider)
        yield provider, within
        within = provider
    if key.provider_account:
        account = SeriesKey(Dimension.PROVIDER_ACCOUNT, key.provider_account)
        yield account, within
        within = account
    if key.route:
        yield SeriesKey(Dimension.ROUTE, key.route), within
    if key.agent:
        yield SeriesKey(Dimension.AGENT, key.agent), TENANT


def sum_by_series(rows: Rows) -> dict[SeriesKey, dict[StepColumn, int]]:
    """What each series of some rows adds up to; what is nothing is left out."""
    sums: dict[SeriesKey, list[int]] = {}
    for key, cells in rows.items():
        for series in (TENANT, *(each for each, _parent in lineage(key))):
            had = sums.setdefault(series, [0] * len(COLUMNS))
            for place, count in enumerate(cells):
                had[place] += count
    return {
        series: {count: cells[_PLACES[count]] for count in STEP_COLUMNS if cells[_PLACES[count]]}
        for series, cells in sums.items()
    }


_PLACES: Final = {count: COLUMNS.index(count.value) for count in STEP_COLUMNS}
