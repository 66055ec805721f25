"""`/healthz`, `/readyz` and `/metrics`, for operators."""

from typing import Final

from litestar import get

from calltally.calls.errors import Unavailable
from calltally.logs import get_logger
from calltally.store.backends.open import check_schema
from calltally.store.backends.write_readiness import check_writer
from calltally.store.maintenance.key_rotation import failing_secrets, newest_secrets
from calltally.store.maintenance.worker_presence import admin_missing_worker, missing_worker_text
from calltally.web.metrics.metrics import METRICS_TYPE
from calltally.web.metrics.stored import stored_metrics
from calltally.web.openapi.operation import Operation, one_response
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.response.response import Response

TAG: Final = "Operation"
_ALWAYS_OK: Final = "Always ok; a failure is a problem document."
_OK: Final = {
    "type": "object",
    "required": ["status"],
    "title": "ProbeResult",
    "description": "Result of a successful probe.",
    "properties": {
        "status": {"type": "string", "const": "ok", "description": _ALWAYS_OK},
        "details": {
            "type": "array",
            "description": "Faults that requests do not notice, for people; left out if there is none.",
            "items": {"type": "string"},
        },
    },
}

HEALTH: Final = Operation(
    id="health",
    tag=TAG,
    summary="Liveness probe.",
    description="Does not touch the database.",
    responses=one_response(200, "The process is alive.", _OK, {"status": "ok"}),
)
READY: Final = Operation(
    id="ready",
    tag=TAG,
    summary="Readiness probe: the store responds and commits, in a supported schema version.",
    description="A balancer sends requests only to ready processes.",
    responses=one_response(200, "The service is ready.", _OK, {"status": "ok"}),
    problems=("unavailable",),
)
METRICS: Final = Operation(
    id="metrics",
    tag=TAG,
    summary="Prometheus metrics.",
    description="Labels contain no numbers and no ids, and tenants only if configured.",
    is_negotiated=False,
    responses=one_response(
        200,
        "The Prometheus text format.",
        {"type": "string"},
        media_type="text/plain",
    ),
)

_NOT_READY: Final = (
    "the database does not respond, its schema is of another version, or its secrets cannot be decrypted"
    " with this key"
)

log: Final = get_logger(__name__)


@get("/healthz", operation=HEALTH)
async def health(request: AnyRequest) -> Response:  # noqa: ARG001 (the framework passes it by name)
    """Return ok. It touches only the event loop: a slow store is no reason to kill the process."""
    return Response.json({"status": "ok"})


@get("/readyz", operation=READY)
async def ready(request: AnyRequest) -> Response:
    """Check the store at each request. Any failure is logged and returned as 503.

    A missing worker is a detail: the process can work.
    """
    deps = dependencies_of(request)
    try:
        await check_schema(deps.store)
        # Only with stored secrets: an idle service without them does not load the cipher.
        failing_secrets(deps.vault, await deps.store.read(newest_secrets()))
    except Exception as error:
        log.warning("not ready", reason=str(error))
        raise Unavailable(_NOT_READY) from error
    await check_writer(deps.store)
    missing = await deps.store.read(admin_missing_worker(deps.clock()))
    return Response.json({"status": "ok"} | ({"details": [missing_worker_text(missing)]} if missing else {}))


@get("/metrics", operation=METRICS)
async def metrics(request: AnyRequest) -> Response:
    deps = dependencies_of(request)
    stored = await stored_metrics(deps.store, deps.clock(), by_tenant=deps.metrics_by_tenant)
    return Response(deps.metrics.text() + stored, media_type=METRICS_TYPE)
