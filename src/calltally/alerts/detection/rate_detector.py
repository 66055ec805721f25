"""The detector of rates of one tenant: names in, findings out; the arithmetic is `alerts.watch`."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from calltally.alerts.detection.array_codec import Array, arrays_of, packed, put_back, unpacked
from calltally.alerts.detection.baseline import Baseline, Seen
from calltally.alerts.detection.calendar import Hours
from calltally.alerts.detection.detector_state import Kept, kept_in, with_kept
from calltally.alerts.detection.evidence import Names, Quiet, finding, silence_finding
from calltally.alerts.detection.grouping import go_back, released, take_in
from calltally.alerts.detection.incident import Cause, Cell, Family, News
from calltally.alerts.detection.monitor import Watch, may_judge
from calltally.alerts.detection.signals import LOOKS, Flags, Ints, trials_of
from calltally.alerts.detection.silence import Silence
from calltally.alerts.detection.thresholds import thresholds
from calltally.alerts.model.finding import Change, Finding, Kind
from calltally.alerts.model.rules import Rules
from calltally.alerts.model.series import COLUMN, COUNTS, STEP_US, Count, Dimension, SeriesKey, Step
from calltally.calls.times import DAY_US, SECOND_US

_HOUR_US: Final = 3600 * SECOND_US
_VERSION: Final = 1


class RateDetector:
    """See `alerts.online.OnlineDetector`, which this is."""

    def __init__(self, rules: Rules, kept: Kept, arrays: dict[str, Array]) -> None:
        self._rules, self._kept = rules, kept
        self._hours = Hours(rules)
        # Silences that an hour's end took for how it is: told with the next step.
        self._settled: Flags = np.zeros(len(kept.keys), dtype=np.bool_)
        self._build(arrays)

    @classmethod
    def new(cls, rules: Rules) -> "RateDetector":
        """One that has seen nothing: it learns for two weeks before its first verdict."""
        return cls(rules, Kept(_VERSION, [], [], None, []), {})

    @classmethod
    def restored(cls, stored: bytes, rules: Rules) -> "RateDetector":
        """One that goes on where `stored` was taken. Raises ValueError where that cannot be read."""
        arrays = unpacked(stored)
        kept = kept_in(arrays)
        return cls(rules, kept, arrays) if kept.version == _VERSION else cls.new(rules)

    @property
    def last_us(self) -> int | None:
        """The begin of the last step that was fed."""
        return self._kept.last_us

    def stored(self) -> bytes:
        """The state as bytes."""
        return packed(with_kept(self._arrays(), self._kept))

    def with_rules(self, rules: Rules) -> "RateDetector":
        """The same state under other rules: what was learned stays."""
        return RateDetector.restored(self.stored(), rules)

    def feed(self, step: Step) -> list[Finding]:
        """What is news at the end of this step. Raises ValueError where it is not later than the last one."""
        last_us = self._kept.last_us
        if step.at_us % STEP_US or (last_us is not None and step.at_us <= last_us):
            message = f"a step must begin at a multiple of five minutes, after the last one ({last_us})"
            raise ValueError(message)
        self._make_room(step)
        accepted = self._turn_hour(step.at_us)
        counts = self._without_campaigns(step.at_us, self._in_order(step))
        at = step.at_us // STEP_US
        crossed, back = self._watch.step(at, trials_of(counts), self._live(step.at_us))
        self._kept.last_us = step.at_us
        news = take_in(self._kept.causes, crossed, self._family)
        over = self._go_back(accepted, back, at)
        return [*self._findings(step.at_us, news, over), *self._silences(step.at_us, counts)]

    def _go_back(self, accepted: Sequence[Cell], back: Sequence[Cell], at: int) -> list[Cause]:
        """What is usual again goes with what moved with it, what was accepted alone. Returns what is over."""
        freed = released(self._kept.causes, back)
        if freed:
            self._watch.release(freed)
        return go_back(self._kept.causes, [*accepted, *back, *freed], at)

    def _silences(self, at_us: int, counts: Ints) -> list[Finding]:
        """What fell silent at the end of this step, and what was silent and has calls again."""
        silence, rules = self._silence, self._rules
        if Kind.SILENCE not in rules.kinds:
            return []
        live = self._watched & ~self._in_campaign(at_us) & self._watch.mature
        started = counts[:, COLUMN[Count.STARTED]].astype(np.float64)
        before = [silence.since.copy(), silence.missed.copy()]
        hour = self._hours.at(at_us).of_two_days
        back = silence.step(at_us // STEP_US, started, hour, live) | self._settled
        self._settled = np.zeros_like(back)
        limit = silence.threshold(rules.false_alarms_a_week, self._watched)
        names = Names(tuple(self._kept.keys), rules.false_alarms_a_week)
        found = []
        for place in silence.recover(back):
            quiet = Quiet(int(place), int(before[0][place]), float(before[1][place]), 0.0)
            found.append(silence_finding(names, quiet, Change.RECOVERED, at_us))
        over = silence.evidence() - limit
        for place in silence.fall(limit, live, np.array(self._kept.parents)):
            quiet = Quiet(
                int(place), int(silence.since[place]), float(silence.missed[place]), float(over[place])
            )
            found.append(silence_finding(names, quiet, Change.BEGAN, at_us))
        return [each for each in found if self._is_told(each)]

    def _findings(self, at_us: int, news: News, over: Sequence[Cause]) -> list[Finding]:
        told = [(cause, Change.BEGAN) for cause in news.began]
        told += [(cause, Change.WORSENED) for cause in news.worsened]
        if (at_us + STEP_US) % _HOUR_US == 0:
            lasting = [cause for cause in self._kept.causes if cause not in (*news.began, *news.worsened)]
            told += [(cause, Change.CONTINUES) for cause in lasting]
        told += [(cause, Change.RECOVERED) for cause in over]
        names = Names(tuple(self._kept.keys), self._rules.false_alarms_a_week)
        found = [finding(names, self._renewed(cause, change), change, at_us) for cause, change in told]
        return [each for each in found if self._is_told(each)]

    def _renewed(self, cause: Cause, change: Change) -> Cause:
        """With the counts up to now, where it lasts."""
        if change is not Change.CONTINUES or cause.head.cell not in cause.still:
            return cause
        place = (cause.head.speed, *cause.head.cell)
        sums = self._watch.sums
        head = msgspec.structs.replace(
            cause.head,
            calls=float(sums.calls[place]),
            events=float(sums.events[place]),
            expected=float(sums.expected[place]),
        )
        return Cause(head, cause.members, cause.still)

    def _is_told(self, found: Finding) -> bool:
        muted = self._rules.is_muted(found.series, found.kind, found.metric, found.found_us)
        return found.kind in self._rules.kinds and not muted

    # ------------------------------------------------------------------------------------------- series

    def _build(self, arrays: dict[str, Array]) -> None:
        """Detectors with room for all series that are known, and what was learned of them."""
        keys, parents = self._kept.keys, self._kept.parents
        self._places = {key: place for place, key in enumerate(keys)}
        agents = frozenset(place for place, key in enumerate(keys) if key.dimension is Dimension.AGENT)
        self._family = Family(parents, agents, self._kept.agents_of)
        series = np.arange(len(keys))
        is_route = np.array([key.dimension is Dimension.ROUTE for key in keys], dtype=np.bool_)
        within = np.array(
            [parent if parent >= 0 else at for at, parent in enumerate(parents)], dtype=np.int64
        )
        baseline = Baseline(np.zeros_like(series), is_route, within)
        self._watched = np.array([key.dimension in self._rules.dimensions for key in keys], dtype=np.bool_)
        limits = thresholds(self._rules.false_alarms_a_week, int(self._watched.sum()))
        self._watch = Watch(baseline, limits, self._rules.least_calls)
        self._silence = Silence(len(keys))
        self._settled = np.zeros(len(keys), dtype=np.bool_)
        for prefix, owner in self._owners():
            put_back(
                owner,
                {name.removeprefix(prefix): each for name, each in arrays.items() if name.startswith(prefix)},
            )
        if self._kept.last_us is not None:
            self._watch.resume(self._hours.at(self._kept.last_us).of_week)
            held = [arrays[f"seen.{name}"] for name in Seen._fields]
            for fresh, old in zip(self._watch.seen, held, strict=True):
                fresh[..., : old.shape[-1]] = old

    def _owners(self) -> list[tuple[str, object]]:
        return [
            ("watch.", self._watch),
            ("sums.", self._watch.sums),
            ("worse.", self._watch.worsening),
            ("usual.", self._watch.baseline),
            ("silence.", self._silence),
        ]

    def _arrays(self) -> dict[str, Array]:
        found = {
            prefix + name: each for prefix, owner in self._owners() for name, each in arrays_of(owner).items()
        }
        if self._kept.last_us is not None:
            found |= {f"seen.{name}": each for name, each in self._watch.seen._asdict().items()}
        return found

    def _make_room(self, step: Step) -> None:
        """Take in series that were not known. One that is gone stays known, as without calls."""
        if new := [key for key in step.table.keys if key not in self._places]:
            self._take_in(step, new)
        places = [self._places[key] for key in step.table.keys]
        for route, agent in step.table.agents:
            self._kept.agents_of.setdefault(places[route], set()).add(places[agent])

    def _take_in(self, step: Step, new: Sequence[SeriesKey]) -> None:
        arrays = self._arrays()
        self._kept.keys += new
        places = {key: place for place, key in enumerate(self._kept.keys)}
        above = {
            key: step.table.keys[parent] if parent >= 0 else None
            for key, parent in zip(step.table.keys, step.table.parents, strict=True)
        }
        self._kept.parents += [places.get(above[key] or key, -1) if above[key] else -1 for key in new]
        self._build(arrays)

    def _in_order(self, step: Step) -> Ints:
        counts = np.zeros((len(self._kept.keys), len(COUNTS)), dtype=np.int64)
        counts[[self._places[key] for key in step.table.keys]] = step.counts
        return counts

    # --------------------------------------------------------------------------------------------- time

    def _turn_hour(self, at_us: int) -> list[Cell]:
        """Where an hour is over, learn from it and begin the next; what is usual by now."""
        last_us, accepted = self._kept.last_us, list[Cell]()
        if last_us is not None and last_us // _HOUR_US == at_us // _HOUR_US:
            return accepted
        if last_us is not None:
            hour = self._hours.at(last_us)
            learnable = ~self._in_campaign(last_us) & (not hour.is_holiday)
            accepted = self._watch.end_hour(hour.of_week, learnable)
            self._settled |= self._silence.end_hour(hour.of_two_days, learnable)
            if last_us // DAY_US != at_us // DAY_US:
                self._watch.baseline.end_day()
        self._watch.begin_hour(self._hours.at(at_us).of_week)
        return accepted

    def _in_campaign(self, at_us: int) -> Flags:
        inside = np.zeros(len(self._kept.keys), dtype=np.bool_)
        marked = {self._places[key] for key in self._hours.campaigns(at_us) if key in self._places}
        for place in range(len(inside) if marked else 0):
            inside[place] = bool(marked & {place, *self._family.above(place)})
        return inside

    def _without_campaigns(self, at_us: int, counts: Ints) -> Ints:
        """Coarser series are judged by what they have beside a campaign inside them."""
        for key in self._hours.campaigns(at_us):
            place = self._places.get(key, -1)
            for above in self._family.above(place) if place >= 0 else ():
                counts[above] = np.maximum(counts[above] - counts[place], 0)
        return counts

    def _live(self, at_us: int) -> Flags:
        """What may be judged, (speeds, looks, series)."""
        series = self._watched & ~self._in_campaign(at_us)
        looks = np.array([look.metric in self._rules.metrics for look in LOOKS], dtype=np.bool_)
        holiday = np.full(len(series), self._hours.at(at_us).is_holiday)
        return np.asarray(may_judge(series, holiday, self._watch.baseline.is_leaf) & looks[:, None])
