"""A made-up month as the steps that a detector of one tenant is fed."""

from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np

from bench.detection.month.steps import START_US, Month, Small
from bench.detection.month.tenant import HOURS_A_DAY, Ints, SyntheticTenant
from calltally.alerts.model.rules import Campaign, Rules
from calltally.alerts.model.series import STEP_US, TENANT, Dimension, SeriesKey, SeriesTable, Step
from calltally.calls.times import DAY_US, EPOCH, SECOND_US, utc_text

_HOUR_US: Final = 3600 * SECOND_US


def table_of(tenant: SyntheticTenant) -> SeriesTable:
    """The series of a made-up tenant, in the order of `series_counts`."""
    size = tenant.size
    providers = [SeriesKey(Dimension.PROVIDER, f"provider-{number + 1}") for number in range(size.providers)]
    agents = [SeriesKey(Dimension.AGENT, f"agent-{number + 1}") for number in range(size.agents)]
    routes = [
        (SeriesKey(Dimension.ROUTE, f"route-{number + 1}"), providers[int(provider)])
        for number, provider in enumerate(tenant.provider_of)
    ]
    own = [(key, agents[int(agent)]) for (key, _), agent in zip(routes, tenant.agent_of, strict=True)]
    return SeriesTable.of([(TENANT, None), *((key, TENANT) for key in (*providers, *agents)), *routes], own)


def steps_of(month: Month) -> Iterator[Step]:
    """All steps, history first, from `START_US` on."""
    table = table_of(month.tenant)
    for at, counts in enumerate(series_counts(month.tenant, month.steps)):
        yield Step(START_US + at * STEP_US, table, counts.T.tolist())


def marked(month: Month, rules: Rules) -> Rules:
    """The rules with the month's holidays and campaigns in them, as a user would have set them."""
    days = sorted({hour // HOURS_A_DAY for hour in month.hours.is_holiday.nonzero()[0].tolist()})
    holidays = tuple((EPOCH.fromordinal(EPOCH.toordinal() + START_US // DAY_US + day)).date() for day in days)
    campaigns = tuple(
        Campaign(
            utc_text(START_US + first * _HOUR_US),
            utc_text(START_US + (first + hours) * _HOUR_US),
            Dimension.ROUTE,
            f"route-{route + 1}",
        )
        for route, first, hours in month.hours.campaigns
    )
    return msgspec.structs.replace(
        rules, holidays=(*rules.holidays, *holidays), campaigns=(*rules.campaigns, *campaigns)
    )


def series_counts(made: SyntheticTenant, routes: Small) -> Ints:
    """Sum up the counts of all series, (..., columns, series): tenant, providers, agents, routes.

    As exact as their sums: 32 bits of a float hold counts up to 16 million.
    """
    size = made.size
    groups = [np.zeros(size.routes, dtype=np.int64), 1 + made.provider_of, 1 + size.providers + made.agent_of]
    member = np.zeros((size.routes, 1 + size.providers + size.agents), dtype=np.float32)
    for group in groups:
        member[np.arange(size.routes), group] = 1
    coarse = (routes.reshape(-1, size.routes).astype(np.float32) @ member).astype(np.int32)
    coarse = coarse.reshape(*routes.shape[:-1], member.shape[1])
    return np.concatenate([coarse, routes.astype(np.int32)], axis=-1)
