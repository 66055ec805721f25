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
from calltally.web.openapi.operation import Answer, Operation
from calltally.web.request.context import AnyRequest, parts_of
from calltally.web.response.response import Reply

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
    answers={200: Answer(meaning="It is.", schema=_OK, example={"status": "ok"})},
)
READY: Final = Operation(
    id="ready",
    tag=TAG,
    summary="Whether requests can be served: the store answers and commits, in a schema this code runs on.",
    answers={200: Answer(meaning="They can.", schema=_OK, example={"status": "ok"})},
    problems=("unavailable",),
)
METRICS: Final = Operation(
    id="metrics",
    tag=TAG,
    summary="Counters for Prometheus. No number or id is among the labels, and no tenant unless that is set.",
    negotiated=False,
    answers={
        200: Answer(meaning="The text format.", media_type="text/plain", schema={"type": "string"}),
    },
)

_NOT_READY: Final = (
    "the store does not answer, its schema is another version's, or its secrets do not open with this key"
)

log: Final = get_logger(__name__)


@get("/healthz", operation=HEALTH)
async def health(request: AnyRequest) -> Reply:  # noqa: ARG001 (the framework passes it by name)
    """Touches nothing but the event loop: a slow store is no reason to kill the process."""
    return Reply.json({"status": "ok"})


@get("/readyz", operation=READY)
async def ready(request: AnyRequest) -> Reply:
    """Asks the store itself, each time; whatever it fails by, the answer is 503 and the reason is logged."""
    parts = parts_of(request)
    try:
        await check_schema(parts.store)
        # Only where secrets are stored: an idle service without them does not load what opens them.
        failing_secrets(parts.vault, await parts.store.read(newest_secrets()))
    except Exception as error:
        log.warning("not ready", reason=str(error))
        raise Unavailable(_NOT_READY) from error
    await check_writer(parts.store)
    return Reply.json({"status": "ok"})


@get("/metrics", operation=METRICS)
async def metrics(request: AnyRequest) -> Reply:
    """One scrape."""
    parts = parts_of(request)
    alerts = await alert_metrics(parts.store, by_tenant=parts.metrics_by_tenant)
    return Reply(parts.metrics.text() + alerts, media_type=METRICS_TYPE)
