"""The application: every handler, and what stands around them."""

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

# What a handler takes that does not say otherwise: no JSON that an administrator writes is longer.
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
    """Without its plugins for shapes of pydantic and attrs, of which we have none: they take 2 MB.

    The hook is inside Litestar. Where a version lost it we would only be larger, and a test tells.
    """

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def create_app(deps: Dependencies) -> ASGIApp:
    """The ASGI application over `parts`, which it closes when the server stops."""
    deps.metrics.observe_queue(lambda: deps.store.queued_writes)

    async def hold(stop: asyncio.Event) -> None:
        try:
            await stop.wait()
        finally:
            await deps.close()

    return RequestMiddleware(LifespanTask(_routed(deps.public_url), hold), deps)


async def _answer(request: AnyRequest) -> Any:  # noqa: ANN401 (whatever ASGI application a handler gives)
    """Admit, and have the handler answer.

    All of ours take the request alone. To have the framework find that out and check it would
    be a tenth of an answer's cost; where `before_request` gives an answer, it calls none itself.
    """
    await admit(request)
    return await request.route_handler.fn(request)


@cache
def _routed(public_url: str | None) -> Litestar:
    """Every handler by its path. It holds nothing of one service: whoever needs several makes it once."""
    handlers = [*HANDLERS, *PAGE_HANDLERS, *document_handlers(HANDLERS, public_url)]
    return _Framework(
        # First, because a path that has no answer to OPTIONS when it is made gets the framework's.
        [*options_handlers(handlers), *handlers],
        before_request=_answer,
        exception_handlers={Exception: handle_exception},
        request_max_body_size=BODY_BYTES,
        # The document is made of our own declarations (see openapi), and the logs are the caller's.
        openapi_config=None,
        logging_config=None,
    )
