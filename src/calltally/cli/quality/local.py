"""Quality from the local store, with the same query and response as a server's."""

import msgspec

from calltally.analytics.query import QualityQuery, parse_quality_query
from calltally.analytics.report import csv_bytes, quality_report
from calltally.bootstrap.clocks import wall_clock
from calltally.cli.console.session import chosen_tenants, with_store
from calltally.client.wire import QueryParams
from calltally.store.db.interface import Store
from calltally.store.tenants.tenants import need_tenant


def local_quality(pairs: QueryParams) -> bytes:
    """Return the body of `GET /api/v1/analytics/launch-quality`. Raises InvalidInput, NotFound."""
    query = parse_quality_query(pairs, is_admin=True)
    return with_store(lambda store, _settings: _body(store, query))


async def _body(store: Store, query: QualityQuery) -> bytes:
    chosen = None if query.tenant is None else [(await store.read(need_tenant(query.tenant))).tenant]
    tenants = await chosen_tenants(store, chosen)
    report = await quality_report(store, query, tenants, wall_clock())
    return csv_bytes(report) if query.format == "csv" else msgspec.json.encode(report)
