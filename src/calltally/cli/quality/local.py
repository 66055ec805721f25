"""Quality from the local store, with the same query and response as a server's."""

import msgspec

from calltally.analytics.query import QualityQuery, parse_quality_query
from calltally.analytics.report import csv_bytes, quality_report
from calltally.bootstrap.clocks import wall_clock
from calltally.cli.console.session import with_store
from calltally.client.wire import QueryParams
from calltally.store.db.interface import Store
from calltally.store.tenants.tenants import admin_list_tenants, need_tenant


def local_quality(pairs: QueryParams) -> bytes:
    """Return the body of `GET /api/v1/analytics/launch-quality`. Raises InvalidInput, NotFound."""
    query = parse_quality_query(pairs, is_admin=True)
    return with_store(lambda store, _settings: _body(store, query))


async def _body(store: Store, query: QualityQuery) -> bytes:
    report = await quality_report(store, query, await _tenants(store, query.tenant), wall_clock())
    return csv_bytes(report) if query.format == "csv" else msgspec.json.encode(report)


async def _tenants(store: Store, tenant: str | None) -> list[str]:
    """Return the requested tenant, or all tenants."""
    if tenant is None:
        return [each.tenant for each in await store.read(admin_list_tenants())]
    return [(await store.read(need_tenant(tenant))).tenant]
