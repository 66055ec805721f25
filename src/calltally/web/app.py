"""The ASGI application: all handlers, and the layers around them."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final

from litestar import Litestar, route
from litestar.handlers import HTTPRouteHandler
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.types import ASGIApp

from calltally.store.db.interface import ObservableStore
from calltally.store.listing.caches import listing_cache_use
from calltally.web.api import analytics, events, ingest, probes
from calltally.web.api.admin import (
    examination,
    number_reveals,
    shared_sids,
    tenant_removal,
    window_status,
)
from calltally.web.api.admin import handlers as admin
from calltally.web.api.alerts import handlers as alerts
from calltally.web.api.alerts import sinks
from calltally.web.api.call_logs import changes, list_calls, one_call, stream_calls
from calltally.web.api.exports import handlers as exports
from calltally.web.api.reconciliations import handlers as reconciliations
from calltally.web.api.voice_sessions import handlers as voice_sessions
from calltally.web.api.webhooks import deliveries
from calltally.web.api.webhooks import handlers as webhooks
from calltally.web.auth.admission import admit
from calltally.web.dashboard.pages import handle_any_exception
from calltally.web.dashboard.routes import PAGE_HANDLERS
from calltally.web.guide.routes import GUIDE_HANDLERS
from calltally.web.lifespan import LifespanTask
from calltally.web.metrics.usage import ProcessUsage
from calltally.web.middleware import RequestMiddleware
from calltally.web.openapi.operation import OPERATION_KEY, Operation, ResponseSpec
from calltally.web.openapi.routes import document_handlers
from calltally.web.public_path import PublicPathMiddleware
from calltally.web.request.context import AnyRequest
from calltally.web.request.dependencies import Dependencies
from calltally.web.request.idempotency import answer_once, idempotency_key
from calltally.web.response.problems import allow_header
from calltally.web.response.response import Response

# Default body limit of a handler; no administrative JSON is longer.
BODY_BYTES: Final = 64 * 1024

# In the order of the document: the most used operations first.
_RESOURCES: Final = (
    *(list_calls, stream_calls, one_call, voice_sessions, changes, analytics, events, exports),
    *(
        reconciliations,
        alerts,
        sinks,
        webhooks,
        deliveries,
        ingest,
        admin,
        number_reveals,
        tenant_removal,
        shared_sids,
        window_status,
        examination,
        probes,
    ),
)
HANDLERS: Final[Sequence[Any]] = [
    each
    for resource in _RESOURCES
    for each in vars(resource).values()
    # A module may import the handler of another one.
    if isinstance(each, HTTPRouteHandler) and each.fn.__module__ == resource.__name__
]
_METHOD: Final = "OPTIONS"


class _Framework(Litestar):
    """Litestar without its pydantic and attrs plugins, which take 2 MB of memory.

    The hook is internal to Litestar. If a version drops it, memory use grows and a test fails.
    """

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def create_app(deps: Dependencies) -> ASGIApp:
    """Return the ASGI application over `deps`. It closes them when the server stops."""
    deps.metrics.observe_usage(lambda: _usage(deps))

    async def close_at_stop(stop: asyncio.Event) -> None:
        try:
            await stop.wait()
        finally:
            await deps.close()

    app = RequestMiddleware(LifespanTask(_router(deps.public_url), close_at_stop), deps)
    return PublicPathMiddleware(app, deps.public_path) if deps.public_path else app


def _usage(deps: Dependencies) -> ProcessUsage:
    store = deps.store.usage() if isinstance(deps.store, ObservableStore) else None
    caches = {**listing_cache_use(), **deps.intake.cache_use(), "keys": deps.keys.use}
    return ProcessUsage(store, caches, deps.long_polls.waiting)


async def _admit_and_handle(request: AnyRequest) -> Any:  # noqa: ANN401 (the ASGI application of a handler)
    """Admit the request and call the handler.

    All handlers take only the request. Letting the framework inspect and validate that costs a tenth of a
    response; if `before_request` returns a response, the framework calls no handler itself.
    """
    await admit(request)
    operation: Operation = request.route_handler.opt[OPERATION_KEY]
    if operation.takes_idempotency_key and (key := idempotency_key(request)) is not None:
        return await answer_once(request, key)
    return await request.route_handler.fn(request)


@cache
def _router(public_url: str | None) -> Litestar:
    """Return the router of all handlers. It holds no state of a service, so it is built once per process."""
    handlers = [*HANDLERS, *PAGE_HANDLERS, *GUIDE_HANDLERS, *document_handlers(HANDLERS, public_url)]
    return _Framework(
        # First: a path without an OPTIONS handler gets the framework's.
        [*options_handlers(handlers), *handlers],
        before_request=_admit_and_handle,
        exception_handlers={Exception: handle_any_exception},
        request_max_body_size=BODY_BYTES,
        # The OpenAPI document comes from the operations (see `openapi`), and the caller configures logging.
        openapi_config=None,
        logging_config=None,
    )


def options_handlers(handlers: Iterable[Any]) -> list[Any]:
    """Return an OPTIONS handler for each path.

    The framework's own handler knows only one method of a path.
    """
    methods: defaultdict[str, set[str]] = defaultdict(lambda: {_METHOD})
    for handler in handlers:
        for path in handler.paths:
            methods[path] |= {str(method) for method in handler.http_methods}
    return [_options_handler(path, allow_header(named)) for path, named in methods.items()]


def _options_handler(path: str, allowed: str) -> Any:  # noqa: ANN401 (one of the framework's kinds of handler)
    response = Response(b"", status=204, media_type=b"", headers=((b"allow", allowed.encode()),))

    @route(path, http_method=[_METHOD], operation=_operation(path))
    async def options(request: AnyRequest) -> Response:  # noqa: ARG001 (the framework passes it by name)
        return response

    return options


def _operation(path: str) -> Operation:
    responses = {204: ResponseSpec(description="See the Allow header.")}
    summary = "Methods of the path."
    return Operation(
        id=f"options {path}",
        tag="Documents",
        summary=summary,
        is_negotiated=False,
        parses_query=True,
        responses=responses,
        is_published=False,
    )
