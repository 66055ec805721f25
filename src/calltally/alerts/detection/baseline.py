"""Baseline: the usual rate of each series in each hour of the week, and its spread.

On the logit, a usual rate is a sum of three terms. They are the level of the series, the tenant's profile
over the 168 hours of the week, and the series' own departure from it over 48 hours (a working day and a day
off). All are
learned hour by hour by Newton steps on the likelihood. Their weights decay over weeks, so that a change of
days stays visible. A new series starts at the level of its parent and leaves it as its own calls come.

Spread is quasi-binomial: the variance of a binomial times a factor that is estimated per series. Hours and
days have separate factors, because lasting noise makes days wider than hours suggest.
"""

from typing import Final, NamedTuple

import numpy as np

from calltally.alerts.detection.signals import METRICS, Flags, Floats, Ints, logistic

HOURS_A_WEEK: Final = 168
_HOURS_A_DAY: Final = 24
_FRIDAY: Final = 4
_OWN_BINS: Final = 48

# Remaining weight after an hour (levels, spreads) or after a week (bins of profiles).
_LEVEL_DECAY: Final = 0.5 ** (1 / (21 * 24))
_SPREAD_DECAY: Final = 0.5 ** (1 / (28 * 24))
_VOLUME_DECAY: Final = 0.5 ** (1 / (7 * 24))
_PROFILE_DECAY: Final = 0.5 ** (1 / 6)
_OWN_DECAY: Final = 0.5 ** (1 / 30)
# Prior weights: distance of series from their parent and of bins from zero (variances on the logit).
_LEVEL_VARIANCE: Final = 1.0
_PROFILE_VARIANCE: Final = 0.09
_OWN_VARIANCE: Final = 0.01
# An hour may pull at most this many spreads, so that an undetected incident is not learned as a whole.
_WINSOR: Final = 3.0
# A series is young for this many hours; its parent's level weighs as much as this many calls.
_YOUNG_HOURS: Final = 48
_PRIOR_CALLS: Final = 20.0
_PRIOR_HOURS: Final = 24.0
_TO_A_STEP: Final = 11 / 12
_PRIOR_DAYS: Final = 14.0
_PRIOR_SPREAD: Final = 2.0
_FIRST_RATE: Final = 0.1
_LEAST_LOGIT, _MOST_LOGIT = -7.0, 7.0


class UsualRates(NamedTuple):
    """Expected rates of one hour, each of shape (metrics, series).

    `spread` is the factor by which counts are wider than binomial; `scale` is the mean information of an
    hour.
    """

    logit: Floats
    rate: Floats
    spread: "Spread"
    scale: Floats


class Spread(NamedTuple):
    """Factors by which counts are wider than binomial.

    `at_once` applies to any number of calls, `lasting` to each call of an hour: lasting noise makes many
    calls of one hour wider than few. `hour` is the factor of a usual hour with `hour_calls` calls. `days` is
    the additional factor of whole days.
    """

    at_once: Floats
    lasting: Floats
    hour: Floats
    hour_calls: Floats
    days: Floats


class HourCounts(NamedTuple):
    """Counts of one hour: calls, events, and the squared departures and binomial variance of its steps."""

    calls: Floats
    events: Floats
    step_squares: Floats
    step_variance: Floats


class Baseline:
    """Learned state for the series of one tenant, or of many tenants in one array.

    `tenant_of[i]` numbers the tenant of a series. `is_leaf[i]` marks a route: the profile is learned from
    routes only, because coarser series hold the same calls again.
    """

    def __init__(self, tenant_of: Ints, is_leaf: Flags, parent_of: Ints) -> None:
        shape = (len(METRICS), len(tenant_of))
        tenants = int(tenant_of.max(initial=0)) + 1
        self.tenant_of, self.is_leaf, self.parent_of = tenant_of, is_leaf, parent_of
        self._all = np.arange(len(tenant_of))
        self.young_calls, self.young_events = np.zeros(shape), np.zeros(shape)
        self.level = np.full(shape, np.log(_FIRST_RATE / (1 - _FIRST_RATE)))
        self.level_weight = np.full(shape, 1 / _LEVEL_VARIANCE)
        self.profile = np.zeros((HOURS_A_WEEK, len(METRICS), tenants))
        self.profile_weight = np.full_like(self.profile, 1 / _PROFILE_VARIANCE)
        self.own = np.zeros((_OWN_BINS, *shape))
        self.own_weight = np.full_like(self.own, 1 / _OWN_VARIANCE)
        self.hour_squares, self.hour_variance = np.zeros(shape), np.zeros(shape)
        self.day_squares, self.day_variance = np.zeros(shape), np.zeros(shape)
        self.step_squares, self.step_variance = np.zeros(shape), np.zeros(shape)
        self.weighted_calls = np.zeros(shape)
        self.today_excess, self.today_variance = np.zeros(shape), np.zeros(shape)
        self.information, self.volume_hours = np.zeros(shape), np.zeros(shape)
        self.hours = np.zeros(shape)

    def usual(self, hour_of_week: Ints) -> UsualRates:
        """Return the expected rates of an hour; `hour_of_week[t]` is tenant t's (Monday midnight is 0)."""
        hour, own = self._bins(hour_of_week)
        logit = self.level + self.profile[hour, :, self.tenant_of].T + self.own[own, :, self._all].T
        logit = np.clip(logit, _LEAST_LOGIT, _MOST_LOGIT)
        spread = self.spread()
        scale = self.information / np.maximum(self.volume_hours, 1e-9) / spread.hour
        return UsualRates(logit, logistic(logit), spread, scale)

    def learn(self, hour_of_week: Ints, usual: UsualRates, counts: HourCounts, learnable: Flags) -> None:
        """Learn from a finished hour: its expected rates, its counts, and the series that may be learned."""
        young = self.hours < _YOUNG_HOURS
        self._learn_young(counts, learnable & young)
        learnable = learnable & ~young
        expected = counts.calls * usual.rate
        binomial = expected * (1 - usual.rate)
        width = _WINSOR * np.sqrt(usual.spread.hour * binomial)
        excess = np.where(learnable, np.clip(counts.events - expected, -width, width), 0.0)
        binomial = np.where(learnable, binomial, 0.0)
        self._learn_spread(excess, binomial)
        step_variance = np.where(learnable, counts.step_variance, 0.0)
        decay = np.where(step_variance > 0, _SPREAD_DECAY, 1.0)
        self.step_squares = self.step_squares * decay + np.where(learnable, counts.step_squares, 0.0)
        self.step_variance = self.step_variance * decay + step_variance
        self.weighted_calls = (
            self.weighted_calls * np.where(binomial > 0, _SPREAD_DECAY, 1.0) + binomial * counts.calls
        )
        self._learn_logit(hour_of_week, excess / usual.spread.hour, binomial / usual.spread.hour)
        self._learn_volume(binomial, learnable)

    def _learn_young(self, counts: HourCounts, learnable: Flags) -> None:
        """Set the level of new series from all their counts: steps from a first guess would take weeks."""
        self.young_calls += np.where(learnable, counts.calls, 0)
        self.young_events += np.where(learnable, counts.events, 0)
        prior = _PRIOR_CALLS * logistic(self.level[:, self.parent_of])
        level = np.log(
            (self.young_events + prior) / (self.young_calls - self.young_events + _PRIOR_CALLS - prior)
        )
        self.level = np.where(learnable, level, self.level)
        rate = logistic(self.level)
        binomial = (self.young_calls + _PRIOR_CALLS) * rate * (1 - rate) / _PRIOR_SPREAD
        self.level_weight = np.where(learnable, binomial, self.level_weight)
        self._learn_volume(np.where(learnable, counts.calls * rate * (1 - rate), 0.0), learnable)

    def relearn_level(self, where: Flags) -> None:
        """Forget the level of some series and learn it again as for new ones."""
        for weights in (self.young_calls, self.young_events, self.hours):
            weights[:, where] = 0.0

    def _learn_volume(self, binomial: Floats, learnable: Flags) -> None:
        decay = np.where(learnable, _VOLUME_DECAY, 1.0)
        self.information = self.information * decay + binomial
        self.hours += learnable
        self.volume_hours = self.volume_hours * decay + learnable

    def end_day(self) -> None:
        """Learn from the finished day as a whole."""
        decay = _SPREAD_DECAY**_HOURS_A_DAY
        self.day_squares = self.day_squares * decay + self.today_excess**2
        self.day_variance = self.day_variance * decay + self.today_variance
        self.today_excess = np.zeros_like(self.today_excess)
        self.today_variance = np.zeros_like(self.today_variance)

    def spread(self) -> Spread:
        """Return the spread of each series, shrunk to the common spread of the tenant's routes."""
        steps = self._shrunk(self.step_squares, self.step_variance, _PRIOR_HOURS)
        hours = self._shrunk(self.hour_squares, self.hour_variance, _PRIOR_HOURS)
        hours = np.maximum(hours, 1.0)
        calls = np.maximum(self.weighted_calls / np.maximum(self.hour_variance, 1e-9), 1.0)
        # A step has a twelfth of an hour's calls: draw a line through the two.
        lasting = np.maximum(hours - np.maximum(steps, 1.0), 0.0) / (calls * _TO_A_STEP)
        at_once = np.maximum(hours - lasting * calls, 1.0)
        days = self._shrunk(self.day_squares / hours, self.day_variance, _PRIOR_DAYS * _HOURS_A_DAY)
        return Spread(at_once, lasting, hours, calls, np.maximum(days, 1.0))

    def _shrunk(self, squares: Floats, variance: Floats, prior_hours: float) -> Floats:
        """Return squares over variance; the tenant's own ratio counts as `prior_hours` hours of it."""
        prior = prior_hours * variance / np.maximum(self.hours, 1.0)
        top, bottom = self._by_tenant(squares), self._by_tenant(variance)
        pooled = np.where(bottom > 0, top / np.maximum(bottom, 1e-12), _PRIOR_SPREAD)[:, self.tenant_of]
        return np.asarray((squares + prior * pooled + 1e-9) / (variance + prior + 1e-9))

    def _by_tenant(self, values: Floats) -> Floats:
        tenants = self.profile.shape[2]
        weights = np.where(self.is_leaf, values, 0.0)
        return np.stack([np.bincount(self.tenant_of, row, tenants) for row in weights])

    def _learn_spread(self, excess: Floats, binomial: Floats) -> None:
        decay = np.where(binomial > 0, _SPREAD_DECAY, 1.0)
        self.hour_squares = self.hour_squares * decay + excess**2
        self.hour_variance = self.hour_variance * decay + binomial
        self.today_excess += excess
        self.today_variance += binomial

    def _learn_logit(self, hour_of_week: Ints, score: Floats, weight: Floats) -> None:
        """Do Newton steps of the level, the tenant's profile and the series' own departure from it."""
        self.level_weight = np.where(weight > 0, self.level_weight * _LEVEL_DECAY, self.level_weight) + weight
        self.level = np.clip(self.level + score / self.level_weight, _LEAST_LOGIT, _MOST_LOGIT)
        hour, own = hour_of_week, self._bins(hour_of_week)[1]
        tenants = np.arange(len(hour_of_week))
        weights = self.profile_weight[hour, :, tenants] * _PROFILE_DECAY + self._by_tenant(weight).T
        self.profile_weight[hour, :, tenants] = weights
        self.profile[hour, :, tenants] += self._by_tenant(score).T / weights
        weights = self.own_weight[own, :, self._all] * np.where(weight > 0, _OWN_DECAY, 1.0).T + weight.T
        self.own_weight[own, :, self._all] = weights
        self.own[own, :, self._all] += score.T / weights

    def _bins(self, hour_of_week: Ints) -> tuple[Ints, Ints]:
        """Return each series' hour of the week and its bin of 48 (of a working day or a day off)."""
        hour = hour_of_week[self.tenant_of]
        day, of_day = np.divmod(hour, _HOURS_A_DAY)
        return hour, of_day + np.where(day > _FRIDAY, _HOURS_A_DAY, 0)
