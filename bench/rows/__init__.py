"""The lines of the table: each module measures some of them. `MEASURES` is the order they are printed in."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from bench.lab import Lab
from bench.rows import (
    against_datasette,
    as_of,
    browser,
    callbacks,
    connections,
    dashboard,
    deliveries,
    disk,
    growth,
    heal,
    importing,
    ingest,
    judging,
    loading,
    on_postgres,
    overview,
    pages,
    rates,
    reconcile,
    schemes,
    seeking,
    starting,
    ten_million,
)
from bench.table import Row

Measure: TypeAlias = Callable[[Lab], Awaitable[list[Row]]]

MEASURES: Final[Mapping[str, Measure]] = {
    "loading": loading.loading,
    "page": pages.small_page,
    "access-line": pages.access_lines,
    "large-page": pages.large_page,
    "template": pages.template,
    "dashboard": dashboard.dashboard,
    "overview": overview.overview,
    "browser": browser.browser,
    "offset": seeking.offset,
    "offset-http": pages.any_page,
    "total": seeking.total,
    "rates": rates.rates,
    "rates-10m": ten_million.ten_million,
    "judging": judging.judged,
    "past": as_of.past,
    "streams": as_of.streams,
    "datasette": against_datasette.against_datasette,
    "ingest": ingest.ingest,
    "import": importing.importing,
    "callbacks": callbacks.callbacks,
    "connections": connections.connections,
    "schemes": schemes.schemes,
    "deliveries": deliveries.deliveries,
    "start": starting.start,
    "disk": disk.disk,
    "growth": growth.growth,
    "reconcile": reconcile.reconcile,
    "heal": heal.heal,
    "postgres": on_postgres.postgres,
}
