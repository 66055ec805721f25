"""The application: every handler, and what stands around them."""

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from litestar import Litestar
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.types import ASGIApp

from calltally.web.admission import admit
from calltally.web.api import analytics, call_list, call_logs, changes, events, ingest, probes
from calltally.web.api.admin import ADMIN_HANDLERS
from calltally.web.api.alert_sinks import SINK_HANDLERS
from calltally.web.api.alerts import ALERT_HANDLERS
from calltally.web.api.exports import EXPORT_HANDLERS
from calltally.web.api.reconciliations import RECONCILIATION_HANDLERS
from calltally.web.api.reveals import get_reveals
from calltally.web.api.shared_sids import get_shared_sids
from calltally.web.api.voice_sessions import SESSION_HANDLERS
from calltally.web.api.webhooks import WEBHOOK_HANDLERS
from calltally.web.beside import WithWork
from calltally.web.dashboard.pages import PAGE_HANDLERS
from calltally.web.documents import documents
from calltally.web.envelope import Envelope
from calltally.web.exchange import AnyRequest
from calltally.web.options import options_of
from calltally.web.parts import Parts
from calltally.web.problems import answer_error

# What a handler takes that does not say otherwise: no JSON that an administrator writes is longer.
BODY_BYTES: Final = 64 * 1024

HANDLERS: Final[Sequence[Any]] = (
    call_list.list_call_logs,
    call_logs.get_call_log,
    call_logs.erase_call_log,
    call_logs.list_call_log_events,
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


def create_app(parts: Parts) -> ASGIApp:
    """The ASGI application over `parts`, which it closes when the server stops."""
    parts.metrics.watch_queue(lambda: parts.store.waiting)

    async def hold(stop: asyncio.Event) -> None:
        try:
            await stop.wait()
        finally:
            await parts.close()

    return Envelope(WithWork(_routed(parts.public_url), hold), parts)


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
    handlers = [*HANDLERS, *PAGE_HANDLERS, *documents(HANDLERS, public_url)]
    return _Framework(
        # First, because a path that has no answer to OPTIONS when it is made gets the framework's.
        [*options_of(handlers), *handlers],
        before_request=_answer,
        exception_handlers={Exception: answer_error},
        request_max_body_size=BODY_BYTES,
        # The document is made of our own declarations (see openapi), and the logs are the caller's.
        openapi_config=None,
        logging_config=None,
    )
