"""Middleware around all requests, in plain ASGI."""

import re
import secrets
from time import perf_counter
from typing import Any, Final
from urllib.parse import unquote

from litestar.enums import ScopeType
from litestar.types import HTTPScope, Message, Receive, Scope, Send

from calltally.calls.errors import TooLarge
from calltally.logs import log_request
from calltally.providers.provider import MAX_DRAINED_BYTES
from calltally.providers.registry import WEBHOOKS
from calltally.tracing import begin_request
from calltally.web.lifespan import App
from calltally.web.request.bodies import MAX_EVENTS_BYTES
from calltally.web.request.context import RequestContext, end_request_span, request_line
from calltally.web.request.dependencies import Dependencies
from calltally.web.request.long_poll import ON_STOP
from calltally.web.response.problems import problem_response

# Largest body of any path. The framework checks the lower limits of single handlers.
MAX_BODY_BYTES: Final = 5 * 1024 * 1024
# Exceptions: bodies that are written to disk as they arrive.
_LARGER_BODY_BYTES: Final = {"/api/v1/reconciliations": MAX_EVENTS_BYTES}
# Providers whose long bodies are read to their end and not kept.
_DRAINING_PATHS: Final = tuple(
    f"/api/v1/ingest/{name}/" for name, webhook in WEBHOOKS.items() if webhook.drained is not None
)
_SAFE_ID: Final = re.compile(rb"[A-Za-z0-9._~:+/=@-]{1,128}")
_UNMATCHED: Final = "(none)"

# Responses depend on the key and on Accept. Pages send their own content security policy.
COMMON_HEADERS: Final = (
    (b"vary", b"Authorization, Accept, Accept-Encoding"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)


_REVALIDATE: Final = (b"cache-control", b"private, no-cache")
_IMMUTABLE: Final = (b"cache-control", b"public, max-age=31536000, immutable")


class RequestMiddleware:
    """Outermost application: request id, HEAD, body limit, headers, metrics, access log, last errors."""

    def __init__(self, app: App, deps: Dependencies) -> None:
        self._app = app
        self._deps = deps
        limit = (b"x-ratelimit-limit", b"%d" % deps.limits.limit)
        # No header without a limit.
        self._common_headers = (*COMMON_HEADERS, limit) if deps.limits.limit else COMMON_HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            await self._serve(scope, receive, send)
            return
        scope.setdefault("state", {})[ON_STOP] = self._deps.long_polls.close
        await self._app(scope, receive, send)

    async def _serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        method = scope["method"]
        inner = _inner_scope(scope)
        context = RequestContext(self._deps, *_id_and_headers(scope))
        context.attach(inner)
        span = begin_request(context.headers, method)
        status = sent_bytes = 0
        is_head = context.is_head = method == "HEAD"

        async def finish(message: Message) -> None:
            nonlocal status, sent_bytes
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(message, context)
            elif message["type"] == "http.response.body":
                if is_head:
                    message["body"] = b""
                sent_bytes += len(message["body"])
            await send(message)

        try:
            await self._answer(inner, receive, finish, context=context)
        except Exception as error:
            if status:  # Too late for a problem document; the server closes the connection.
                raise
            await problem_response(inner, error)(inner, receive, finish)
        finally:
            route = inner.get("path_template") or _UNMATCHED
            line = request_line(context, route, method, status or 500)
            self._deps.metrics.observe_request(route, method, line.status, seconds=perf_counter() - started)
            line.duration_ms, line.sent_bytes = round((perf_counter() - started) * 1000, 3), sent_bytes
            log_request(line)
            if span is not None:
                end_request_span(span, line)

    async def _answer(
        self, scope: HTTPScope, receive: Receive, send: Send, *, context: RequestContext
    ) -> None:
        length = context.headers.get(b"content-length", b"")
        max_bytes = _max_body_bytes(scope["path"])
        if length.isdigit() and int(length) > max_bytes:
            refusal = TooLarge(f"the body has {int(length)} bytes; the limit here is {max_bytes} bytes")
            await problem_response(scope, refusal)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _add_headers(self, message: Any, context: RequestContext) -> None:  # noqa: ANN401 (a response start message)
        cache_control = _IMMUTABLE if context.is_immutable else _REVALIDATE
        headers = [
            *message["headers"],
            *self._common_headers,
            cache_control,
            (b"x-request-id", context.request_id),
            *context.deprecation_headers,
        ]
        if self._deps.limits.limit:
            headers.append((b"x-ratelimit-remaining", b"%d" % context.remaining))
        message["headers"] = headers


def _max_body_bytes(path: str) -> int:
    """Return the limit of a path. Handlers of callbacks have lower limits of their own."""
    is_drained = path.startswith(_DRAINING_PATHS)
    return MAX_DRAINED_BYTES if is_drained else _LARGER_BODY_BYTES.get(path, MAX_BODY_BYTES)


def _inner_scope(scope: HTTPScope) -> HTTPScope:
    """Return the scope for the framework: HEAD becomes GET, and an encoded slash is no separator.

    Handlers read such a segment from `raw_path` (see `paths`), so the replacement only has to contain no
    slash.
    """
    if scope["method"] == "HEAD":
        scope = {**scope, "method": "GET"}
    raw = scope.get("raw_path") or b""
    if b"%2F" in raw or b"%2f" in raw:
        raw_text = raw.partition(b"?")[0].decode("ascii", "replace")
        scope = {**scope, "path": unquote(raw_text.replace("%2F", "%252F").replace("%2f", "%252F"))}
    return scope


def _id_and_headers(scope: HTTPScope) -> tuple[bytes, dict[bytes, bytes]]:
    """Return the request id (the client's own if it is safe to repeat and log) and the headers."""
    headers = dict(scope["headers"])
    client_id = headers.get(b"x-request-id")
    is_safe = client_id is not None and _SAFE_ID.fullmatch(client_id) is not None
    return client_id if client_id and is_safe else secrets.token_hex(16).encode(), headers
