"""`/healthz`, `/readyz` and `/metrics`: for whoever runs the service."""

from typing import Final

from litestar import get

from calltally.calls.errors import Unavailable
from calltally.logs import get_logger
from calltally.store.backends.open import check_schema
from calltally.store.backends.write_readiness import check_writer
from calltally.store.tenants.stored_secrets import failing_secrets, newest_secrets
from calltally.web.metrics.alerts import alert_metrics
from calltally.web.metrics.metrics import METRICS_TYPE
from calltally.web.openapi.operation import Operation, ResponseSpec
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.response.response import Response

TAG: Final = "Operation"
_OK: Final = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"const": "ok", "description": "Always ok; anything else is a problem."}},
}

HEALTH: Final = Operation(
    id="health",
    tag=TAG,
    summary="Whether the process is alive.",
    responses={200: ResponseSpec(description="It is.", schema=_OK, example={"status": "ok"})},
)
READY: Final = Operation(
    id="ready",
    tag=TAG,
    summary="Whether requests can be served: the store answers and commits, in a schema this code runs on.",
    responses={200: ResponseSpec(description="They can.", schema=_OK, example={"status": "ok"})},
    problems=("unavailable",),
)
METRICS: Final = Operation(
    id="metrics",
    tag=TAG,
    summary="Counters for Prometheus. No number or id is among the labels, and no tenant unless that is set.",
    is_negotiated=False,
    responses={
        200: ResponseSpec(description="The text format.", media_type="text/plain", schema={"type": "string"}),
    },
)

_NOT_READY: Final = (
    "the store does not answer, its schema is another version's, or its secrets do not open with this key"
)

log: Final = get_logger(__name__)


@get("/healthz", operation=HEALTH)
async def health(request: AnyRequest) -> Response:  # noqa: ARG001 (the framework passes it by name)
    """Touches nothing but the event loop: a slow store is no reason to kill the process."""
    return Response.json({"status": "ok"})


@get("/readyz", operation=READY)
async def ready(request: AnyRequest) -> Response:
    """Asks the store itself, each time; whatever it fails by, the answer is 503 and the reason is logged."""
    deps = dependencies_of(request)
    try:
        await check_schema(deps.store)
        # Only where secrets are stored: an idle service without them does not load what opens them.
        failing_secrets(deps.vault, await deps.store.read(newest_secrets()))
    except Exception as error:
        log.warning("not ready", reason=str(error))
        raise Unavailable(_NOT_READY) from error
    await check_writer(deps.store)
    return Response.json({"status": "ok"})


@get("/metrics", operation=METRICS)
async def metrics(request: AnyRequest) -> Response:
    """One scrape."""
    deps = dependencies_of(request)
    alerts = await alert_metrics(deps.store, by_tenant=deps.metrics_by_tenant)
    return Response(deps.metrics.text() + alerts, media_type=METRICS_TYPE)
