"""Detector of one tenant's rates: from named series to findings; the arithmetic is in `detection.monitor`."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from calltally.alerts.detection.baseline import Baseline
from calltally.alerts.detection.calendar import TenantCalendar
from calltally.alerts.detection.cusum import thresholds
from calltally.alerts.detection.detector_state import (
    Array,
    DetectorState,
    pack_arrays,
    pop_detector_state,
    restore_arrays,
    state_arrays,
    unpack_arrays,
    with_detector_state,
)
from calltally.alerts.detection.evidence import SeriesNames, SilentSeries, rate_finding, silence_finding
from calltally.alerts.detection.grouping import cells_to_release, clear_cells, group_moves
from calltally.alerts.detection.incident import AlertIncident, IncidentChanges, SeriesTree, SignalCell
from calltally.alerts.detection.monitor import RateMonitor, judgeable
from calltally.alerts.detection.signals import SIGNALS, Flags, Ints, trials_of
from calltally.alerts.detection.silence import SilenceMonitor
from calltally.alerts.model.finding import AlertFinding, AlertKind, FindingChange
from calltally.alerts.model.rules import Rules
from calltally.alerts.model.series import (
    COLUMN_INDEX,
    STEP_COLUMNS,
    STEP_US,
    Dimension,
    SeriesKey,
    Step,
    StepColumn,
)
from calltally.calls.times import DAY_US, SECOND_US

_HOUR_US: Final = 3600 * SECOND_US
_VERSION: Final = 1


class RateDetector:
    """Implementation of `detection.factory.OnlineDetector`."""

    def __init__(self, rules: Rules, state: DetectorState, arrays: dict[str, Array]) -> None:
        self._rules, self._state = rules, state
        self._calendar = TenantCalendar(rules)
        # Silences that the end of an hour accepted as usual; the next step reports them.
        self._accepted_silences: Flags = np.zeros(len(state.keys), dtype=np.bool_)
        self._build(arrays)

    @classmethod
    def new(cls, rules: Rules) -> "RateDetector":
        """Return a detector without history: it learns for two weeks before its first finding."""
        return cls(rules, DetectorState(_VERSION, [], [], None, []), {})

    @classmethod
    def load(cls, stored: bytes, rules: Rules) -> "RateDetector":
        """Return a detector that continues from `stored`. Raises ValueError if the bytes are unreadable."""
        arrays = unpack_arrays(stored)
        state = pop_detector_state(arrays)
        return cls(rules, state, arrays) if state.version == _VERSION else cls.new(rules)

    def dump(self) -> bytes:
        return pack_arrays(with_detector_state(self._arrays(), self._state))

    def feed(self, step: Step) -> list[AlertFinding]:
        """Return the findings of a step. Raises ValueError if it is not later than the last one."""
        last_us = self._state.last_us
        if step.at_us % STEP_US or (last_us is not None and step.at_us <= last_us):
            message = f"a step must begin at a multiple of five minutes, after the last one ({last_us})"
            raise ValueError(message)
        self._add_new_series(step)
        accepted = self._advance_hour(step.at_us)
        counts = np.zeros((len(self._state.keys), len(STEP_COLUMNS)), dtype=np.int64)
        counts[[self._index_of[key] for key in step.table.keys]] = step.counts
        self._exclude_campaigns(step.at_us, counts)
        at = step.at_us // STEP_US
        crossed, recovered = self._monitor.step(at, trials_of(counts), self._judgeable_now(step.at_us))
        self._state.last_us = step.at_us
        news = group_moves(self._state.incidents, crossed, self._tree)
        released = cells_to_release(self._state.incidents, recovered)
        if released:
            self._monitor.release(released)
        over = clear_cells(self._state.incidents, [*accepted, *recovered, *released], at)
        return [*self._findings(step.at_us, news, over), *self._silences(step.at_us, counts)]

    def _silences(self, at_us: int, counts: Ints) -> list[AlertFinding]:
        """Return the series that fell silent in this step, and the silent ones that have calls again."""
        silence, rules = self._silence, self._rules
        if AlertKind.SILENCE not in rules.kinds:
            return []
        live = self._enabled & ~self._campaign_flags(at_us) & self._monitor.mature
        started = counts[:, COLUMN_INDEX[StepColumn.STARTED]].astype(np.float64)
        before = [silence.since.copy(), silence.missed.copy()]
        hour = self._calendar.hour_at(at_us).bin_of_48
        recovered = silence.step(at_us // STEP_US, started, hour, live) | self._accepted_silences
        self._accepted_silences = np.zeros_like(recovered)
        limit = silence.threshold(rules.false_alarms_a_week, self._enabled)
        names = SeriesNames(tuple(self._state.keys), rules.false_alarms_a_week)
        found = []
        for index in silence.recover(recovered):
            silent = SilentSeries(int(index), int(before[0][index]), float(before[1][index]), 0.0)
            found.append(silence_finding(names, silent, FindingChange.RECOVERED, at_us))
        over = silence.evidence() - limit
        for index in silence.fall(limit, live, np.array(self._state.parents)):
            silent = SilentSeries(
                int(index), int(silence.since[index]), float(silence.missed[index]), float(over[index])
            )
            found.append(silence_finding(names, silent, FindingChange.BEGAN, at_us))
        return [each for each in found if self._is_reported(each)]

    def _findings(
        self, at_us: int, news: IncidentChanges, over: Sequence[AlertIncident]
    ) -> list[AlertFinding]:
        reported = [(incident, FindingChange.BEGAN) for incident in news.opened]
        reported += [(incident, FindingChange.WORSENED) for incident in news.worsened]
        if (at_us + STEP_US) % _HOUR_US == 0:
            changed = (*news.opened, *news.worsened)
            lasting = [each for each in self._state.incidents if each not in changed]
            reported += [(incident, FindingChange.CONTINUES) for incident in lasting]
        reported += [(incident, FindingChange.RECOVERED) for incident in over]
        names = SeriesNames(tuple(self._state.keys), self._rules.false_alarms_a_week)
        found = [
            rate_finding(names, self._renewed(incident, change), change, at_us)
            for incident, change in reported
        ]
        return [each for each in found if self._is_reported(each)]

    def _renewed(self, incident: AlertIncident, change: FindingChange) -> AlertIncident:
        if change is not FindingChange.CONTINUES or incident.primary.cell not in incident.active_cells:
            return incident
        index = (incident.primary.speed, *incident.primary.cell)
        cusum = self._monitor.cusum
        primary = msgspec.structs.replace(
            incident.primary,
            calls=float(cusum.calls[index]),
            events=float(cusum.events[index]),
            expected=float(cusum.expected[index]),
        )
        return AlertIncident(primary, incident.members, incident.active_cells)

    def _is_reported(self, found: AlertFinding) -> bool:
        muted = self._rules.is_muted(found.series, found.kind, found.metric, found.found_us)
        return found.kind in self._rules.kinds and not muted

    def _build(self, arrays: dict[str, Array]) -> None:
        """Build the monitors for all tracked series, and restore their learned state."""
        keys, parents = self._state.keys, self._state.parents
        self._index_of = {key: index for index, key in enumerate(keys)}
        agents = frozenset(index for index, key in enumerate(keys) if key.dimension is Dimension.AGENT)
        self._tree = SeriesTree(parents, agents, self._state.agents_of)
        series = np.arange(len(keys))
        is_route = np.array([key.dimension is Dimension.ROUTE for key in keys], dtype=np.bool_)
        parent_or_self = np.array(
            [parent if parent >= 0 else at for at, parent in enumerate(parents)], dtype=np.int64
        )
        baseline = Baseline(np.zeros_like(series), is_route, parent_or_self)
        self._enabled = np.array([key.dimension in self._rules.dimensions for key in keys], dtype=np.bool_)
        limits = thresholds(self._rules.false_alarms_a_week, int(self._enabled.sum()))
        self._monitor = RateMonitor(baseline, limits, self._rules.least_calls)
        self._silence = SilenceMonitor(len(keys))
        self._accepted_silences = np.zeros(len(keys), dtype=np.bool_)
        for prefix, owner in self._owners():
            stored = {name: each for name, each in arrays.items() if name.startswith(prefix)}
            restore_arrays(owner, {name.removeprefix(prefix): each for name, each in stored.items()})
        if self._state.last_us is not None:
            self._monitor.resume(self._calendar.hour_at(self._state.last_us).of_week)
            for name, current in self._monitor.hour_counts._asdict().items():
                earlier = arrays[f"seen.{name}"]
                current[..., : earlier.shape[-1]] = earlier

    def _owners(self) -> list[tuple[str, object]]:
        return [
            ("watch.", self._monitor),
            ("sums.", self._monitor.cusum),
            ("worse.", self._monitor.aggravation),
            ("usual.", self._monitor.baseline),
            ("silence.", self._silence),
        ]

    def _arrays(self) -> dict[str, Array]:
        found = {
            prefix + name: each
            for prefix, owner in self._owners()
            for name, each in state_arrays(owner).items()
        }
        if self._state.last_us is not None:
            found |= {f"seen.{name}": each for name, each in self._monitor.hour_counts._asdict().items()}
        return found

    def _add_new_series(self, step: Step) -> None:
        """Add series that are not tracked yet. A series that disappears stays tracked, without calls."""
        if new := [key for key in step.table.keys if key not in self._index_of]:
            self._add_series(step, new)
        indexes = [self._index_of[key] for key in step.table.keys]
        for route, agent in step.table.agents:
            self._state.agents_of.setdefault(indexes[route], set()).add(indexes[agent])

    def _add_series(self, step: Step, new: Sequence[SeriesKey]) -> None:
        arrays = self._arrays()
        self._state.keys += new
        indexes = {key: index for index, key in enumerate(self._state.keys)}
        parents = {
            key: indexes.get(step.table.keys[parent], -1) if parent >= 0 else -1
            for key, parent in zip(step.table.keys, step.table.parents, strict=True)
        }
        self._state.parents += [parents[key] for key in new]
        self._build(arrays)

    def _advance_hour(self, at_us: int) -> list[SignalCell]:
        """Learn from the hour if it has ended, and start the next. Returns the accepted cells."""
        last_us, accepted = self._state.last_us, list[SignalCell]()
        if last_us is not None and last_us // _HOUR_US == at_us // _HOUR_US:
            return accepted
        if last_us is not None:
            hour = self._calendar.hour_at(last_us)
            learnable = ~self._campaign_flags(last_us) & (not hour.is_holiday)
            accepted = self._monitor.end_hour(hour.of_week, learnable)
            self._accepted_silences |= self._silence.end_hour(hour.bin_of_48, learnable)
            if last_us // DAY_US != at_us // DAY_US:
                self._monitor.baseline.end_day()
        self._monitor.begin_hour(self._calendar.hour_at(at_us).of_week)
        return accepted

    def _campaign_flags(self, at_us: int) -> Flags:
        inside = np.zeros(len(self._state.keys), dtype=np.bool_)
        marked = {
            self._index_of[key] for key in self._calendar.active_campaigns(at_us) if key in self._index_of
        }
        for index in range(len(inside) if marked else 0):
            inside[index] = bool(marked & {index, *self._tree.ancestors(index)})
        return inside

    def _exclude_campaigns(self, at_us: int, counts: Ints) -> None:
        """Subtract the calls of a running campaign from its coarser series."""
        for key in self._calendar.active_campaigns(at_us):
            index = self._index_of.get(key, -1)
            for ancestors in self._tree.ancestors(index) if index >= 0 else ():
                counts[ancestors] = np.maximum(counts[ancestors] - counts[index], 0)

    def _judgeable_now(self, at_us: int) -> Flags:
        """Return the cells that may be judged, shape (speeds, signals, series)."""
        series = self._enabled & ~self._campaign_flags(at_us)
        signals = np.array([signal.metric in self._rules.metrics for signal in SIGNALS], dtype=np.bool_)
        holiday = np.full(len(series), self._calendar.hour_at(at_us).is_holiday)
        return np.asarray(judgeable(series, holiday, self._monitor.baseline.is_leaf) & signals[:, None])
