"""What is usual: the rate of each series in each hour of the week, and how widely it spreads.

On the logit: level of the series, plus the tenant's profile over the 168 hours of the week, plus the series'
own departure from it over 48 hours (a working day and a day off). All are learned hour by hour by Newton
steps on the likelihood, with weights that fade: a level follows in weeks, so that a change of days stays
visible. A new series begins at the level of the one that it lies in, and leaves it as its own calls come.

Spread is quasi-binomial: the variance of a binomial times a factor that is estimated per series, from hours
and from days apart, since noise that lasts makes days wider than hours tell.
"""

from typing import Final, NamedTuple

import numpy as np

from calltally.alerts.detection.signals import METRICS, Flags, Floats, Ints, logistic

HOURS_A_WEEK: Final = 168
_HOURS_A_DAY: Final = 24
_FRIDAY: Final = 4
_OWN_BINS: Final = 48

# How much of the weight is left after an hour (levels, spreads) or after a week (the bins of profiles).
_LEVEL_KEPT: Final = 0.5 ** (1 / (21 * 24))
_SPREAD_KEPT: Final = 0.5 ** (1 / (28 * 24))
_VOLUME_KEPT: Final = 0.5 ** (1 / (7 * 24))
_PROFILE_KEPT: Final = 0.5 ** (1 / 6)
_OWN_KEPT: Final = 0.5 ** (1 / 30)
# Prior weights: how far series lie from their parent, and bins from none (variances on the logit).
_LEVEL_VARIANCE: Final = 1.0
_PROFILE_VARIANCE: Final = 0.09
_OWN_VARIANCE: Final = 0.01
# An hour may pull no further than this many spreads: an incident that nobody saw is not learned whole.
_WINSOR: Final = 3.0
# A series is young for so many hours, and weighs its parent's level as so many calls.
_YOUNG_HOURS: Final = 48
_PRIOR_CALLS: Final = 20.0
_PRIOR_HOURS: Final = 24.0
_TO_A_STEP: Final = 11 / 12
_PRIOR_DAYS: Final = 14.0
_PRIOR_SPREAD: Final = 2.0
_FIRST_RATE: Final = 0.1
_LEAST_LOGIT, _MOST_LOGIT = -7.0, 7.0


class Usual(NamedTuple):
    """What one hour should look like, each of shape (metrics, series).

    `spread` says how many times wider than binomial counts are; `scale` is the mean information of an hour.
    """

    logit: Floats
    rate: Floats
    spread: "Spread"
    scale: Floats


class Spread(NamedTuple):
    """How many times wider than binomial: `at_once` whatever the number, `lasting` for each call of an hour.

    Noise that lasts makes many calls of one hour wider than few. `hour` is that of a usual hour, of
    `hour_calls`; `days` is how many times wider again whole days are.
    """

    at_once: Floats
    lasting: Floats
    hour: Floats
    hour_calls: Floats
    days: Floats


class Seen(NamedTuple):
    """One hour: calls, events, and of its steps the squared departures and the binomial variance."""

    calls: Floats
    events: Floats
    step_squares: Floats
    step_variance: Floats


class Baseline:
    """The learned state, for the series of one tenant or of many side by side.

    `tenant_of[i]` numbers the tenant of a series; `is_leaf[i]` says that it is a route, of which the profile
    is learned (coarser series hold the same calls again).
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

    def usual(self, hour_of_week: Ints) -> Usual:
        """What this hour should look like; `hour_of_week[t]` is tenant t's (Monday midnight is 0)."""
        hour, own = self._places(hour_of_week)
        logit = self.level + self.profile[hour, :, self.tenant_of].T + self.own[own, :, self._all].T
        logit = np.clip(logit, _LEAST_LOGIT, _MOST_LOGIT)
        spread = self.spread()
        scale = self.information / np.maximum(self.volume_hours, 1e-9) / spread.hour
        return Usual(logit, logistic(logit), spread, scale)

    def learn(self, hour_of_week: Ints, usual: Usual, seen: "Seen", learnable: Flags) -> None:
        """Take in an hour that is over: what was usual, what was seen, and what of it may be learned."""
        young = self.hours < _YOUNG_HOURS
        self._learn_young(seen, learnable & young)
        learnable = learnable & ~young
        expected = seen.calls * usual.rate
        binomial = expected * (1 - usual.rate)
        width = _WINSOR * np.sqrt(usual.spread.hour * binomial)
        excess = np.where(learnable, np.clip(seen.events - expected, -width, width), 0.0)
        binomial = np.where(learnable, binomial, 0.0)
        self._learn_spread(excess, binomial)
        self._learn_steps(
            np.where(learnable, seen.step_squares, 0.0), np.where(learnable, seen.step_variance, 0.0)
        )
        self.weighted_calls = (
            self.weighted_calls * np.where(binomial > 0, _SPREAD_KEPT, 1.0) + binomial * seen.calls
        )
        self._learn_logit(hour_of_week, excess / usual.spread.hour, binomial / usual.spread.hour)
        self._learn_volume(binomial, learnable)

    def _learn_young(self, seen: Seen, learnable: Flags) -> None:
        """The level of a new series is what was counted so far: steps from a first guess would take weeks."""
        self.young_calls += np.where(learnable, seen.calls, 0)
        self.young_events += np.where(learnable, seen.events, 0)
        prior = _PRIOR_CALLS * logistic(self.parent_level())
        level = np.log(
            (self.young_events + prior) / (self.young_calls - self.young_events + _PRIOR_CALLS - prior)
        )
        self.level = np.where(learnable, level, self.level)
        rate = logistic(self.level)
        binomial = (self.young_calls + _PRIOR_CALLS) * rate * (1 - rate) / _PRIOR_SPREAD
        self.level_weight = np.where(learnable, binomial, self.level_weight)
        self._learn_volume(np.where(learnable, seen.calls * rate * (1 - rate), 0.0), learnable)

    def begin_again(self, where: Flags) -> None:
        """Forget the level of some series, to learn it as those of new ones are learned."""
        for held in (self.young_calls, self.young_events, self.hours):
            held[:, where] = 0.0

    def parent_level(self) -> Floats:
        """The level of the series that each lies in; its own where it lies in none."""
        return self.level[:, self.parent_of]

    def _learn_volume(self, binomial: Floats, learnable: Flags) -> None:
        kept = np.where(learnable, _VOLUME_KEPT, 1.0)
        self.information = self.information * kept + binomial
        self.hours += learnable
        self.volume_hours = self.volume_hours * kept + learnable

    def end_day(self) -> None:
        """Take in the day that is over as one."""
        kept = _SPREAD_KEPT**_HOURS_A_DAY
        self.day_squares = self.day_squares * kept + self.today_excess**2
        self.day_variance = self.day_variance * kept + self.today_variance
        self.today_excess = np.zeros_like(self.today_excess)
        self.today_variance = np.zeros_like(self.today_variance)

    def spread(self) -> Spread:
        """How wide counts are; each series shrunk to what the tenant's routes have together."""
        steps = self._shrunk(self.step_squares, self.step_variance, _PRIOR_HOURS)
        hours = self._shrunk(self.hour_squares, self.hour_variance, _PRIOR_HOURS)
        hours = np.maximum(hours, 1.0)
        calls = np.maximum(self.weighted_calls / np.maximum(self.hour_variance, 1e-9), 1.0)
        # A step has a twelfth of an hour's calls: a line through the two.
        lasting = np.maximum(hours - np.maximum(steps, 1.0), 0.0) / (calls * _TO_A_STEP)
        at_once = np.maximum(hours - lasting * calls, 1.0)
        days = self._shrunk(self.day_squares / hours, self.day_variance, _PRIOR_DAYS * _HOURS_A_DAY)
        return Spread(at_once, lasting, hours, calls, np.maximum(days, 1.0))

    def _shrunk(self, squares: Floats, variance: Floats, prior_hours: float) -> Floats:
        """Squares over variance, with the tenant's own ratio counted in as so many hours of the series."""
        prior = prior_hours * variance / np.maximum(self.hours, 1.0)
        pooled = self._pooled(squares, variance, _PRIOR_SPREAD)
        return np.asarray((squares + prior * pooled + 1e-9) / (variance + prior + 1e-9))

    def _pooled(self, squares: Floats, variance: Floats, otherwise: float) -> Floats:
        """The ratio over each tenant's routes, back in the place of each series."""
        top, bottom = self._by_tenant(squares), self._by_tenant(variance)
        ratio = np.where(bottom > 0, top / np.maximum(bottom, 1e-12), otherwise)
        return ratio[:, self.tenant_of]

    def _by_tenant(self, values: Floats) -> Floats:
        tenants = self.profile.shape[2]
        weights = np.where(self.is_leaf, values, 0.0)
        return np.stack([np.bincount(self.tenant_of, row, tenants) for row in weights])

    def _learn_spread(self, excess: Floats, binomial: Floats) -> None:
        kept = np.where(binomial > 0, _SPREAD_KEPT, 1.0)
        self.hour_squares = self.hour_squares * kept + excess**2
        self.hour_variance = self.hour_variance * kept + binomial
        self.today_excess += excess
        self.today_variance += binomial

    def _learn_steps(self, squares: Floats, variance: Floats) -> None:
        kept = np.where(variance > 0, _SPREAD_KEPT, 1.0)
        self.step_squares = self.step_squares * kept + squares
        self.step_variance = self.step_variance * kept + variance

    def _learn_logit(self, hour_of_week: Ints, score: Floats, weight: Floats) -> None:
        """Newton steps of the level, of the tenant's profile and of the series' own departure from it."""
        self.level_weight = np.where(weight > 0, self.level_weight * _LEVEL_KEPT, self.level_weight) + weight
        self.level = np.clip(self.level + score / self.level_weight, _LEAST_LOGIT, _MOST_LOGIT)
        hour, own = hour_of_week, self._places(hour_of_week)[1]
        tenants = np.arange(len(hour_of_week))
        held = self.profile_weight[hour, :, tenants] * _PROFILE_KEPT + self._by_tenant(weight).T
        self.profile_weight[hour, :, tenants] = held
        self.profile[hour, :, tenants] += self._by_tenant(score).T / held
        held = self.own_weight[own, :, self._all] * np.where(weight > 0, _OWN_KEPT, 1.0).T + weight.T
        self.own_weight[own, :, self._all] = held
        self.own[own, :, self._all] += score.T / held

    def _places(self, hour_of_week: Ints) -> tuple[Ints, Ints]:
        """For each series: its hour of the week, and its bin of 48 (an hour of a working day or day off)."""
        hour = hour_of_week[self.tenant_of]
        day, of_day = np.divmod(hour, _HOURS_A_DAY)
        return hour, of_day + np.where(day > _FRIDAY, _HOURS_A_DAY, 0)
