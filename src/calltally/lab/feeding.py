"""A made-up month as the steps that a detector of one tenant is fed."""

from collections.abc import Iterator
from typing import Final

import msgspec

from calltally.alerts.model.rules import Campaign, Rules
from calltally.alerts.model.series import STEP_US, TENANT, Dimension, SeriesKey, SeriesTable, Step
from calltally.calls.times import DAY_US, EPOCH, SECOND_US, utc_text
from calltally.lab.tenant import HOURS_A_DAY, Tenant
from calltally.lab.traffic import Month, series_counts

# A Monday, midnight UTC: where all made-up months begin.
START_US: Final = 20_605 * DAY_US
_HOUR_US: Final = 3600 * SECOND_US


def table_of(tenant: Tenant) -> SeriesTable:
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
