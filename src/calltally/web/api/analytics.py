"""`/api/v1/analytics`: rates of calls by group, and launches of routes and agents."""

from functools import lru_cache, partial
from typing import Final

from litestar import get

from calltally.analytics.launch_query import LAUNCH_PARAMETERS, LaunchQuery, parse_launch_query
from calltally.analytics.launch_view import METHOD, LaunchReport, launch_view
from calltally.analytics.query import QUALITY_PARAMETERS, QualityQuery, parse_quality_query
from calltally.analytics.report import csv_bytes, quality_report
from calltally.analytics.schemas import QualityReport
from calltally.calls.errors import InvalidInput, NotFound
from calltally.calls.export_formats import CSV
from calltally.calls.filters import CallFilter
from calltally.calls.masking import mask_name
from calltally.calls.metrics import COUNTS, DURATIONS, RATES
from calltally.store.tenants.tenants import admin_list_tenants
from calltally.web.api.call_logs.name_hints import name_hint
from calltally.web.auth.search_rights import check_search_values, with_search
from calltally.web.openapi.operation import FORMAT, Operation, one_response
from calltally.web.request.access import CALLS_READ, Access
from calltally.web.request.context import AnyRequest, access_of, context_of, dependencies_of, tenant_of
from calltally.web.request.query import query_pairs
from calltally.web.response.response import Response

ANALYTICS_TAG: Final = "Analytics"
_MAX_TENANTS: Final = 1_000


def _definitions() -> str:
    counts = " ".join(f"`{count.name}`: {count.definition}" for count in COUNTS)
    rates = " ".join(
        f"`{rate.name}`: {rate.definition}{f' ({rate.source})' if rate.source else ''}" for rate in RATES
    )
    times = " ".join(f"`{each.name}`: {each.definition}" for each in DURATIONS)
    return f"Counts. {counts} Rates. {rates} Times, in seconds. {times}"


_READ: Final = partial(Operation, tag=ANALYTICS_TAG, scope=CALLS_READ, is_tenant_scoped=True)

QUALITY: Final = _READ(
    id="measureLaunchQuality",
    summary="Measure counts, rates and times of calls by route, provider, agent, time and more.",
    description="Exact: the numbers equal a count of the calls one by one. Each rate comes with its"
    " counts and its 95 % interval. Erased calls stay in the numbers of whole hours. Time steps"
    " follow `tz`: a day may have 23 or 25 hours. With `format=csv` or Accept, the same URL returns"
    " the rows as CSV, as `/api/v1/analytics/launch-quality.csv` does. " + _definitions(),
    allows_all_tenants=True,
    query=QUALITY_PARAMETERS,
    parses_query=True,
    unpublished=("format",),
    responses=one_response(
        200,
        "The groups in the order of their keys, and the total.",
        QualityReport,
        alternatives={CSV.media_type: {"type": "string"}},
    ),
)


@get("/api/v1/analytics/launch-quality", operation=QUALITY)
async def measure_launch_quality(request: AnyRequest) -> Response:
    """Measure in a thread, because a query can read very many rows."""
    deps, access = dependencies_of(request), access_of(request)
    query = with_search(_parsed(request.scope["query_string"], is_admin=access.is_admin), access)
    report = await quality_report(deps.store, query, await _tenants(request), deps.clock())
    accepts_csv = context_of(request.scope).media_type == CSV.media_type.encode()
    if query.format == CSV.name or (query.format is None and accepts_csv):
        rows = csv_bytes(report)
        # Names are the only texts of the rows.
        visible_rows = mask_name(rows.decode()).encode() if access.is_masked else rows
        return Response(visible_rows, media_type=CSV.content_type.encode())
    return Response.json(report)


QUALITY_CSV: Final = _READ(
    id="measureLaunchQualityCsv",
    summary="Measure counts, rates and times of calls, as CSV.",
    description="The groups of `GET /api/v1/analytics/launch-quality`, one line each.",
    allows_all_tenants=True,
    query=tuple(each for each in QUALITY_PARAMETERS if each.name != FORMAT),
    parses_query=True,
    responses=one_response(200, "The groups as CSV.", {"type": "string"}, media_type=CSV.media_type),
)


@get("/api/v1/analytics/launch-quality.csv", operation=QUALITY_CSV)
async def measure_launch_quality_csv(request: AnyRequest) -> Response:
    """Measure as the JSON operation does. Admission has chosen CSV."""
    if any(name == FORMAT for name, _ in query_pairs(request.scope["query_string"])):
        raise InvalidInput.of(FORMAT, "the path names the format; leave the parameter format out")
    answer: Response = await measure_launch_quality.fn(request)
    return answer


LAUNCH: Final = _READ(
    id="viewLaunch",
    summary="Compare a route or an agent since its launch with its baseline, hour by hour, with a verdict.",
    description="`verdict` is worse if any rate is worse, better if a rate is better and none is"
    f" worse, else no difference yet, or no baseline without earlier calls. {METHOD}"
    " Hourly checks do not increase false verdicts: over all"
    " checks and rates, at most one launch in twenty gets a false verdict.",
    query=LAUNCH_PARAMETERS,
    parses_query=True,
    responses=one_response(200, "The launch and its baseline.", LaunchReport),
)


@get("/api/v1/analytics/launch", operation=LAUNCH)
async def view_launch(request: AnyRequest) -> Response:
    """Compare in a thread, because hours of an agent are the finest rows."""
    deps, tenant = dependencies_of(request), tenant_of(request)
    pairs = query_pairs(request.scope["query_string"])
    query = restrict_launch_query(
        parse_launch_query(pairs, is_admin=access_of(request).is_admin), access_of(request)
    )
    view = partial(launch_view, tenant, query, deps.clock())
    try:
        launch = await deps.store.read_tenant(tenant, view, long=True)
    except NotFound as fault:
        hint = await name_hint(request, CallFilter(route=query.route, agent=query.agent))
        raise NotFound(hint or fault.detail) from None
    return Response.json(launch)


def restrict_launch_query(query: LaunchQuery, access: Access) -> LaunchQuery:
    """Return the query. Raises Forbidden for a name that can reveal masked numbers."""
    check_search_values(access, {"route": query.route, "agent": query.agent, "baseline": query.baseline})
    return query


@lru_cache(maxsize=256)
def _parsed(query: bytes, *, is_admin: bool) -> QualityQuery:
    return parse_quality_query(query_pairs(query), is_admin=is_admin)


async def _tenants(request: AnyRequest) -> list[str]:
    tenant = context_of(request.scope).tenant
    if tenant is not None:
        return [tenant]
    found = [each.tenant for each in await dependencies_of(request).store.read(admin_list_tenants())]
    if len(found) > _MAX_TENANTS:
        raise InvalidInput.of("tenant", f"there are more than {_MAX_TENANTS} tenants; name one with tenant=")
    return found
