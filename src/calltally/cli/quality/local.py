"""Quality of the store here: the same question and answer as a server's, for who may read the database."""

import msgspec

from calltally.analytics.query import QualityQuery, parse_quality_query
from calltally.analytics.report import csv_bytes, quality_report
from calltally.bootstrap.clocks import wall_clock
from calltally.cli.console.session import with_store
from calltally.client.wire import QueryParams
from calltally.store.db.interface import Store
from calltally.store.tenants.tenants import admin_list_tenants, need_tenant


def answered_here(pairs: QueryParams) -> bytes:
    """The body that `GET /api/v1/analytics/launch-quality` would have. Raises InvalidInput, NotFound."""
    query = parse_quality_query(pairs, is_admin=True)
    return with_store(lambda store, _settings: _answered(store, query))


async def _answered(store: Store, query: QualityQuery) -> bytes:
    shown = await quality_report(store, query, await _tenants(store, query.tenant), wall_clock())
    return csv_bytes(shown) if query.format == "csv" else msgspec.json.encode(shown)


async def _tenants(store: Store, tenant: str | None) -> list[str]:
    """The one that is named, or all."""
    if tenant is None:
        return [each.tenant for each in await store.read(admin_list_tenants())]
    return [(await store.read(need_tenant(tenant))).tenant]
