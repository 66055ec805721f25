"""Roll-up of five-minute rows into series, and the set of series that are tracked."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

import msgspec

from calltally.alerts.model.series import TENANT, Dimension, SeriesKey, SeriesTable, Step
from calltally.calls.alert_counts import COLUMNS, AlertStepKey, Cells
from calltally.calls.times import SECOND_US

# A series without a call for this long is no longer tracked, so it causes no silence alert.
FORGET_AFTER_S: Final = 14 * 86_400

Rows: TypeAlias = Mapping[AlertStepKey, Cells]
_CALLS: Final = (COLUMNS.index("started"), COLUMNS.index("final"))
_NONE: Final = (0,) * len(COLUMNS)
_ORDER: Final = {dimension: index for index, dimension in enumerate(Dimension)}


class TrackedSeries(msgspec.Struct, array_like=True):
    """A tracked series: its parent, the time of its last call, and the agents of a route."""

    key: SeriesKey
    parent: SeriesKey
    last_call_s: int
    agents: list[SeriesKey] = []


class SeriesRollup:
    """Set of a tenant's tracked series; series are added and removed with their calls."""

    def __init__(self, tracked: Iterable[TrackedSeries] = ()) -> None:
        self._tracked = {each.key: each for each in tracked}

    def tracked(self) -> list[TrackedSeries]:
        """Return the tracked series; the constructor takes them back."""
        return list(self._tracked.values())

    def step(self, step_s: int, rows: Rows) -> Step:
        """Return the step of all tracked and new series that starts at `step_s`."""
        self._track(step_s, rows)
        pairs: list[tuple[SeriesKey, SeriesKey | None]] = [(TENANT, None)]
        coarse_first = sorted(self._tracked.values(), key=lambda each: (_ORDER[each.key.dimension], each.key))
        pairs += [(each.key, each.parent) for each in coarse_first]
        agents = [(each.key, agent) for each in self._tracked.values() for agent in each.agents]
        table, sums = SeriesTable.of(pairs, agents), sum_by_series(rows)
        return Step(step_s * SECOND_US, table, [sums.get(key, _NONE) for key in table.keys])

    def _track(self, step_s: int, rows: Rows) -> None:
        parents: dict[SeriesKey, dict[SeriesKey, int]] = {}
        for key, cells in rows.items():
            calls = sum(cells[index] for index in _CALLS)
            for series, parent in lineage(key):
                calls_by_parent = parents.setdefault(series, {})
                calls_by_parent[parent] = calls_by_parent.get(parent, 0) + calls
        for series, calls_by_parent in parents.items():
            if any(calls_by_parent.values()):
                self._update(series, calls_by_parent, step_s)
        for key in rows:
            route = self._tracked.get(SeriesKey(Dimension.ROUTE, key.route)) if key.route else None
            agent = SeriesKey(Dimension.AGENT, key.agent)
            if route is not None and key.agent and agent not in route.agents:
                route.agents.append(agent)
        self._tracked = {
            k: each for k, each in self._tracked.items() if step_s - each.last_call_s <= FORGET_AFTER_S
        }

    def _update(self, series: SeriesKey, calls_by_parent: Mapping[SeriesKey, int], step_s: int) -> None:
        tracked = self._tracked.get(series)
        # A series keeps its parent while some of its calls are there: a majority alone would alternate.
        if tracked is None or tracked.parent not in calls_by_parent:
            parent = max(calls_by_parent, key=lambda each: (calls_by_parent[each], each))
            tracked = TrackedSeries(series, parent, step_s)
        tracked.last_call_s = step_s
        self._tracked[series] = tracked


def lineage(key: AlertStepKey) -> Iterator[tuple[SeriesKey, SeriesKey]]:
    """Yield the series that count a row, except the tenant's, each with its parent."""
    parent = TENANT
    if key.provider:
        provider = SeriesKey(Dimension.PROVIDER, key.provider)
        yield provider, parent
        parent = provider
    if key.provider_account:
        account = SeriesKey(Dimension.PROVIDER_ACCOUNT, key.provider_account)
        yield account, parent
        parent = account
    if key.route:
        yield SeriesKey(Dimension.ROUTE, key.route), parent
    if key.agent:
        yield SeriesKey(Dimension.AGENT, key.agent), TENANT


def sum_by_series(rows: Rows) -> dict[SeriesKey, list[int]]:
    """Return the sums of each series over some rows, by column."""
    sums: dict[SeriesKey, list[int]] = {}
    for key, cells in rows.items():
        for series in (TENANT, *(each for each, _parent in lineage(key))):
            totals = sums.setdefault(series, [0] * len(COLUMNS))
            for index, count in enumerate(cells):
                totals[index] += count
    return sums
