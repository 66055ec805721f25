"""Many months side by side through the detectors: what opened an alert, and when it was over."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from bench.detection.feeding import series_counts
from bench.detection.month.steps import Month
from bench.detection.month.tenant import HOURS_A_DAY, SyntheticTenant
from calltally.alerts.detection.baseline import Baseline
from calltally.alerts.detection.cusum import thresholds
from calltally.alerts.detection.grouping import cells_to_release, clear_cells, group_moves
from calltally.alerts.detection.incident import AlertIncident, SeriesMove, SeriesTree, SignalCell
from calltally.alerts.detection.monitor import RateMonitor, judgeable
from calltally.alerts.detection.signals import Flags, trials_of
from calltally.alerts.model.rules import Rules
from calltally.alerts.model.series import STEPS_AN_HOUR

# Nothing is judged before so many days of the history: incidents in what is learned first would be the usual.
_LEARNED_DAYS: Final = 14


class Alert(NamedTuple):
    """An alert: the place of its month, when it opened (the step's end), and the series that it names."""

    month: int
    opened: int
    series: int
    look: int
    speed: int
    since: int


def family_of(tenant: SyntheticTenant) -> SeriesTree:
    """Places of series: the tenant, its providers, its agents, its routes."""
    size = tenant.size
    parents = [-1, *[0] * (size.providers + size.agents), *(1 + tenant.provider_of).tolist()]
    agents = range(1 + size.providers, 1 + size.providers + size.agents)
    agents_of = {agents.stop + route: (agents[agent],) for route, agent in enumerate(tenant.agent_of)}
    return SeriesTree(parents, frozenset(agents), agents_of)


class Marks(NamedTuple):
    """Of each hour and series: whether it is in a marked campaign, and whether on a holiday."""

    campaign: Flags
    holiday: Flags


def replayed(months: Sequence[Month], rules: Rules) -> list[Alert]:
    """The alerts of all months, in the order of their opening."""
    families = [family_of(month.tenant) for month in months]
    width = len(families[0].parents)
    counts = np.concatenate([series_counts(month.tenant, month.steps) for month in months], axis=-1)
    watch = _watch(families, rules)
    marks = _marks(months, families, width)
    hour_of_week = np.stack([month.hours.hour_of_week for month in months], axis=1)
    open_causes: list[list[AlertIncident]] = [[] for _ in months]
    alerts: list[Alert] = []
    for at in range(len(counts)):
        hour = at // STEPS_AN_HOUR
        if at % STEPS_AN_HOUR == 0:
            watch.begin_hour(hour_of_week[hour])
        if hour < _LEARNED_DAYS * HOURS_A_DAY:
            watch.count(trials_of(counts[at].T))
        else:
            crossed, back = watch.step(
                at, trials_of(counts[at].T), _live(marks, hour, watch.baseline.is_leaf)
            )
            for position, cause in _sorted_out(_Moves(crossed, back, []), watch, (families, open_causes), at):
                head = cause.primary
                alerts.append(
                    Alert(position, at + 1, head.cell.series, head.cell.signal, head.speed, head.since)
                )
        if at % STEPS_AN_HOUR == STEPS_AN_HOUR - 1:
            settled = watch.end_hour(hour_of_week[hour], ~marks.campaign[hour] & ~marks.holiday[hour])
            _sorted_out(_Moves([], [], settled), watch, (families, open_causes), at)
            if hour % HOURS_A_DAY == HOURS_A_DAY - 1:
                watch.baseline.end_day()
    return alerts


def _watch(families: Sequence[SeriesTree], rules: Rules) -> RateMonitor:
    width = len(families[0].parents)
    parents = np.concatenate(
        [np.maximum(family.parents, 0) + at * width for at, family in enumerate(families)]
    )
    tenant_of = np.repeat(np.arange(len(families)), width)
    is_leaf = np.concatenate([_leaves(family) for family in families])
    baseline = Baseline(tenant_of, is_leaf, parents)
    return RateMonitor(baseline, thresholds(rules.false_alarms_a_week, width), rules.least_calls)


def _leaves(family: SeriesTree) -> Flags:
    positions = np.arange(len(family.parents))
    return np.asarray(~np.isin(positions, family.parents) & ~np.isin(positions, list(family.agents)))


def _marks(months: Sequence[Month], families: Sequence[SeriesTree], width: int) -> Marks:
    hours = len(months[0].hours.hour_of_week)
    campaign = np.zeros((hours, len(months) * width), dtype=np.bool_)
    for at, (month, family) in enumerate(zip(months, families, strict=True)):
        for route, first, length in month.hours.campaigns:
            position = 1 + month.tenant.size.providers + month.tenant.size.agents + route
            agent = 1 + month.tenant.size.providers + int(month.tenant.agent_of[route])
            for series in (position, agent, *family.ancestors(position)):
                campaign[first : first + length, at * width + series] = True
    holiday = np.stack([month.hours.is_holiday for month in months], axis=1).astype(np.bool_)
    return Marks(campaign, np.repeat(holiday, width, axis=1))


def _live(marks: Marks, hour: int, is_leaf: Flags) -> Flags:
    return judgeable(~marks.campaign[hour], marks.holiday[hour], is_leaf)


class _Moves(NamedTuple):
    """Record the crossings of a step, the recoveries, and the new baselines."""

    crossed: list[SeriesMove]
    back: list[SignalCell]
    settled: list[SignalCell]

    def of(self, position: int, width: int) -> "_Moves":
        """Those of one month, by the places of its own series."""
        crossed = [_within(moved, width) for moved in self.crossed if moved.cell.series // width == position]
        back, settled = (
            [
                SignalCell(cell.signal, cell.series % width)
                for cell in cells
                if cell.series // width == position
            ]
            for cells in (self.back, self.settled)
        )
        return _Moves(crossed, back, settled)


def _sorted_out(
    moves: _Moves, watch: RateMonitor, held: tuple[Sequence[SeriesTree], list[list[AlertIncident]]], at: int
) -> list[tuple[int, AlertIncident]]:
    """Give each month its own; returns the causes that are told: that are new, or far worse."""
    opened: list[tuple[int, AlertIncident]] = []
    for position, (family, causes) in enumerate(zip(*held, strict=True)):
        width = len(family.parents)
        own = moves.of(position, width)
        news = group_moves(causes, own.crossed, family)
        opened += [(position, cause) for cause in (*news.opened, *news.worsened)]
        freed = cells_to_release(causes, own.back)
        if freed:
            watch.release([SignalCell(cell.signal, cell.series + position * width) for cell in freed])
        clear_cells(causes, [*own.back, *own.settled, *freed], at)
    return opened


def _within(moved: SeriesMove, width: int) -> SeriesMove:
    cell = SignalCell(moved.cell.signal, moved.cell.series % width)
    return msgspec.structs.replace(moved, cell=cell)
