"""The ASGI application: all handlers, and the layers around them."""

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from litestar import Litestar
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.types import ASGIApp

from calltally.web.api import analytics, ingest, probes
from calltally.web.api.admin.handlers import ADMIN_HANDLERS
from calltally.web.api.admin.number_reveals import get_reveals
from calltally.web.api.admin.shared_sids import get_shared_sids
from calltally.web.api.alerts.handlers import ALERT_HANDLERS
from calltally.web.api.alerts.sinks import SINK_HANDLERS
from calltally.web.api.call_logs import changes, list_calls, one_call
from calltally.web.api.events import handlers as events
from calltally.web.api.exports.handlers import EXPORT_HANDLERS
from calltally.web.api.reconciliations.handlers import RECONCILIATION_HANDLERS
from calltally.web.api.voice_sessions.handlers import SESSION_HANDLERS
from calltally.web.api.webhooks.handlers import WEBHOOK_HANDLERS
from calltally.web.auth.admission import admit
from calltally.web.dashboard.routes import PAGE_HANDLERS
from calltally.web.http_options import options_handlers
from calltally.web.lifespan import LifespanTask
from calltally.web.middleware import RequestMiddleware
from calltally.web.openapi.routes import document_handlers
from calltally.web.request.context import AnyRequest
from calltally.web.request.dependencies import Dependencies
from calltally.web.response.problems import handle_exception

# Default body limit of a handler; no administrative JSON is longer.
BODY_BYTES: Final = 64 * 1024

HANDLERS: Final[Sequence[Any]] = (
    list_calls.list_call_logs,
    one_call.get_call_log,
    one_call.erase_call_log,
    one_call.list_call_log_events,
    *SESSION_HANDLERS,
    changes.list_changes,
    analytics.measure_launch_quality,
    analytics.view_launch,
    events.send_events,
    *EXPORT_HANDLERS,
    *RECONCILIATION_HANDLERS,
    *ALERT_HANDLERS,
    *SINK_HANDLERS,
    *WEBHOOK_HANDLERS,
    ingest.receive_callback,
    ingest.receive_query,
    *ADMIN_HANDLERS,
    get_reveals,
    get_shared_sids,
    probes.health,
    probes.ready,
    probes.metrics,
)


class _Framework(Litestar):
    """Litestar without its pydantic and attrs plugins, which take 2 MB of memory.

    The hook is internal to Litestar. If a version drops it, memory use grows and a test fails.
    """

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def create_app(deps: Dependencies) -> ASGIApp:
    """Return the ASGI application over `deps`. It closes them when the server stops."""
    deps.metrics.observe_queue(lambda: deps.store.queued_writes)

    async def close_at_stop(stop: asyncio.Event) -> None:
        try:
            await stop.wait()
        finally:
            await deps.close()

    return RequestMiddleware(LifespanTask(_router(deps.public_url), close_at_stop), deps)


async def _admit_and_handle(request: AnyRequest) -> Any:  # noqa: ANN401 (the ASGI application of a handler)
    """Admit the request and call the handler.

    All handlers take only the request. Letting the framework inspect and validate that costs a tenth of a
    response; if `before_request` returns a response, the framework calls no handler itself.
    """
    await admit(request)
    return await request.route_handler.fn(request)


@cache
def _router(public_url: str | None) -> Litestar:
    """Return the router of all handlers. It holds no state of a service, so it is built once per process."""
    handlers = [*HANDLERS, *PAGE_HANDLERS, *document_handlers(HANDLERS, public_url)]
    return _Framework(
        # First: a path without an OPTIONS handler gets the framework's.
        [*options_handlers(handlers), *handlers],
        before_request=_admit_and_handle,
        exception_handlers={Exception: handle_exception},
        request_max_body_size=BODY_BYTES,
        # The OpenAPI document comes from the operations (see `openapi`), and the caller configures logging.
        openapi_config=None,
        logging_config=None,
    )
