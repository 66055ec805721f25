"""Expected calls and rates of each hour of a made-up tenant."""

from typing import Final, NamedTuple

import numpy as np

from bench.detection.month.tenant import HOURS_A_DAY, HOURS_A_WEEK, KINDS, Floats, Ints, SyntheticTenant

_SUNDAY: Final = 6
# Routes wander by themselves: standard deviation on the logit, of a week.
_WANDER_A_WEEK: Final = 0.04
_HOLIDAY_LOGIT: Final = 0.1
_CAMPAIGN_TIMES: Final = 2.5
_CAMPAIGN_LOGIT: Final = 0.8
# Rates stay between these, whatever moves them.
LEAST_RATE, MOST_RATE = 0.001, 0.985


class MarkedCampaign(NamedTuple):
    """A campaign on a route: hours from the start of the history."""

    route: int
    first_hour: int
    hours: int


class Hours(NamedTuple):
    """Expected calls, (hours, routes), and rates, (hours, kinds, routes), from the start of the history.

    `hour_of_week` counts a holiday as a Sunday, `is_holiday` says which hours are of one.
    """

    calls: Floats
    rates: Floats
    hour_of_week: Ints
    is_holiday: Ints
    campaigns: tuple[MarkedCampaign, ...]


def expected(rng: np.random.Generator, tenant: SyntheticTenant) -> Hours:
    """Draw the whole span: history, then the days after it. It starts on a Monday at midnight UTC."""
    days = tenant.size.history_days + tenant.size.days
    holidays = rng.choice(np.arange(3, days), size=int(rng.integers(1, 4)), replace=False)
    day_of_hour = np.arange(days * HOURS_A_DAY) // HOURS_A_DAY
    is_holiday = np.isin(day_of_hour, holidays)
    hour = np.arange(len(day_of_hour)) % HOURS_A_DAY
    plain = np.arange(len(day_of_hour)) % HOURS_A_WEEK
    hour_of_week = np.where(is_holiday, _SUNDAY * HOURS_A_DAY + hour, plain)
    calls = _calls(rng, tenant, hour_of_week, day_of_hour)
    logit = tenant.level + tenant.profile[hour_of_week] + tenant.own[hour_of_week]
    steps = rng.normal(0, _WANDER_A_WEEK / np.sqrt(7), (days, len(KINDS), tenant.size.routes))
    logit = logit + np.cumsum(steps, axis=0)[day_of_hour]
    # A holiday is like a Sunday, and not quite.
    unlike = rng.normal(0, _HOLIDAY_LOGIT, (days, len(KINDS), 1))
    logit = logit + np.where(is_holiday[:, None, None], unlike[day_of_hour], 0.0)
    campaigns = _campaigns(rng, tenant)
    for route, first, hours in campaigns:
        calls[first : first + hours, route] *= _CAMPAIGN_TIMES
        logit[first : first + hours, 1, route] += _CAMPAIGN_LOGIT
    rates = np.clip(1.0 / (1.0 + np.exp(-logit)), LEAST_RATE, MOST_RATE)
    return Hours(calls, rates, hour_of_week, is_holiday.astype(np.int64), campaigns)


def _calls(
    rng: np.random.Generator, tenant: SyntheticTenant, hour_of_week: Ints, day_of_hour: Ints
) -> Floats:
    days, routes = int(day_of_hour[-1]) + 1, tenant.size.routes
    growth = np.exp(tenant.growth_a_week * np.arange(days) / 7)
    day = growth * np.exp(rng.normal(0, 0.08, days))
    own = np.exp(rng.normal(0, 0.12, (days, routes)))
    return np.asarray(tenant.volume * tenant.week[hour_of_week][:, None] * (day[:, None] * own)[day_of_hour])


def _campaigns(rng: np.random.Generator, tenant: SyntheticTenant) -> tuple[MarkedCampaign, ...]:
    days = tenant.size.history_days + tenant.size.days
    return tuple(
        MarkedCampaign(
            int(rng.integers(tenant.size.routes)),
            int(rng.integers(2, days - 1)) * HOURS_A_DAY + int(rng.integers(8, 12)),
            int(rng.integers(4, 9)),
        )
        for _ in range(int(rng.integers(0, 4)))
    )
