"""Everything that the overview page reads besides rates, in one batch of statements."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from calltally.calls.filters import CallFilter
from calltally.calls.times import SECOND_US
from calltally.store.alerts.alerts import Alert, unresolved_alerts
from calltally.store.db.operation import Statement, StoreOperation, batch_operations
from calltally.store.jobs.jobs import Job
from calltally.store.overview.activity import (
    FacetActivity,
    activity_of,
    configured_providers,
    first_hour_s,
    newest_calls,
)
from calltally.store.overview.minutes import MinuteCounts, count_by_counters, counts_of_minutes
from calltally.store.overview.trouble import EndpointBacklog, backlogs_of, jobs_in_trouble
from calltally.store.tenants.dead_letters import failures_since

MINUTE_S: Final = 60
MINUTES: Final = 60
DIMENSIONS: Final = ("provider", "route", "agent")
# Tenants can have thousands of routes; the page names few of them.
_MOST_FACETS: Final = 200
_FAILURES_S: Final = 1_800


class OverviewQuery(NamedTuple):
    """Query of the overview. `counted` are filters of which only the number of calls is read."""

    tenant: str
    now_us: int
    counted: Sequence[CallFilter]

    @property
    def hour_s(self) -> tuple[int, int]:
        """Begin and end of the last 60 minutes, of which the current one is the last."""
        hi_s = self.now_us // SECOND_US // MINUTE_S * MINUTE_S + MINUTE_S
        return hi_s - MINUTES * MINUTE_S, hi_s


class StoredOverview(NamedTuple):
    """Result of the query. `numbers` are those of `counted`; `wrong` are signatures of the last 30 minutes.

    `activity` is by dimension. `configured` has the time of the last callback of each provider with secrets.
    `evaluated_us` is the time up to which alerts are evaluated, 0 for never.
    """

    first_s: int | None
    minutes: list[MinuteCounts]
    numbers: list[int]
    alerts: list[Alert]
    evaluated_us: int
    activity: dict[str, list[FacetActivity]]
    newest: dict[str, int]
    configured: dict[str, int | None]
    wrong: dict[str, int]
    endpoints: list[EndpointBacklog]
    jobs: list[Job]


def read_overview(query: OverviewQuery) -> StoreOperation[StoredOverview]:
    tenant, now_us = query.tenant, query.now_us
    first, minutes, numbers, alerts, evaluated, *rest = yield from batch_operations(
        first_hour_s(tenant),
        counts_of_minutes(tenant, *query.hour_s),
        count_by_counters(tenant, *query.counted),
        unresolved_alerts(tenant),
        _evaluated_until(tenant),
        *(activity_of(tenant, each, _MOST_FACETS) for each in DIMENSIONS),
        newest_calls(tenant, now_us),
        configured_providers(tenant),
        failures_since(tenant, now_us // SECOND_US - _FAILURES_S),
        backlogs_of(tenant, now_us),
        jobs_in_trouble(tenant, now_us),
    )
    *activity, newest, configured, wrong, endpoints, jobs = rest
    return StoredOverview(
        *(first, minutes, numbers, alerts, evaluated),
        dict(zip(DIMENSIONS, activity, strict=True)),
        *(newest, configured),
        {provider: failures for provider, failures, _ in wrong},
        *(endpoints, jobs),
    )


def _evaluated_until(tenant: str) -> StoreOperation[int]:
    rows = yield Statement("alerts_evaluated_until", {"tenant": tenant})
    return rows[0][0] if rows else 0
