"""What every request and answer has, whichever handler it is for: one layer of plain ASGI around all."""

import re
import secrets
from time import perf_counter
from typing import Any, Final
from urllib.parse import unquote

from litestar.enums import ScopeType
from litestar.types import HTTPScope, Message, Receive, Scope, Send

from calltally.calls.errors import TooLarge
from calltally.web.lifespan import App
from calltally.web.request.bodies import MAX_EVENTS_BYTES
from calltally.web.request.context import RequestContext
from calltally.web.request.dependencies import Dependencies
from calltally.web.request.long_poll import ON_STOP
from calltally.web.response.problems import problem_response

# The largest body that a path takes; most take far less, which the framework checks per handler.
LARGEST_BODY_BYTES: Final = 5 * 1024 * 1024
# But for what is written to the disk as it comes.
_LARGER: Final = {"/api/v1/reconciliations": MAX_EVENTS_BYTES}
_SAFE_ID: Final = re.compile(rb"[A-Za-z0-9._~:+/=@-]{1,128}")
_UNMATCHED: Final = "(none)"

# Answers depend on who asks and what they take. Pages of their own bring their own policy.
COMMON_HEADERS: Final = (
    (b"vary", b"Authorization, Accept, Accept-Encoding"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)


_ANEW: Final = (b"cache-control", b"private, no-cache")
_LASTING: Final = (b"cache-control", b"public, max-age=31536000, immutable")


class RequestMiddleware:
    """The outermost application: request id, HEAD, body limit, headers, counting, the last catch."""

    def __init__(self, app: App, deps: Dependencies) -> None:
        self._app = app
        self._deps = deps
        limit = (b"x-ratelimit-limit", b"%d" % deps.limits.limit)
        # Without a limit there is nothing to tell.
        self._standing = (*COMMON_HEADERS, limit) if deps.limits.limit else COMMON_HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is not HTTP; wrap what is."""
        if scope["type"] == ScopeType.HTTP:
            await self._serve(scope, receive, send)
            return
        scope.setdefault("state", {})[ON_STOP] = self._deps.long_polls.close
        await self._app(scope, receive, send)

    async def _serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        method = scope["method"]
        inner = _inner_scope(scope)
        context = RequestContext(self._deps, *_head(scope))
        context.attach(inner)
        status = 0
        is_head = context.is_head = method == "HEAD"

        async def finish(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(message, context)
            elif is_head and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        try:
            await self._answer(inner, receive, finish, context=context)
        except Exception as error:
            if status:  # Too late for a problem; the server cuts the connection.
                raise
            await problem_response(inner, error)(inner, receive, finish)
        finally:
            route = inner.get("path_template") or _UNMATCHED
            self._deps.metrics.observe_request(route, method, status or 500, seconds=perf_counter() - started)

    async def _answer(
        self, scope: HTTPScope, receive: Receive, send: Send, *, context: RequestContext
    ) -> None:
        length = context.headers.get(b"content-length", b"")
        most = _LARGER.get(scope["path"], LARGEST_BODY_BYTES)
        if length.isdigit() and int(length) > most:
            refusal = TooLarge(f"no body here may have more than {most} bytes; this has {int(length)}")
            await problem_response(scope, refusal)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _add_headers(self, message: Any, context: RequestContext) -> None:  # noqa: ANN401 (a message that is known to be a start)
        cached = _LASTING if context.is_lasting else _ANEW
        headers = [*message["headers"], *self._standing, cached, (b"x-request-id", context.request_id)]
        if self._deps.limits.limit:
            headers.append((b"x-ratelimit-remaining", b"%d" % context.remaining))
        message["headers"] = headers


def _inner_scope(scope: HTTPScope) -> HTTPScope:
    """The scope as the framework is to see it: HEAD is GET, and an encoded slash is no separator.

    Handlers take such a part of the path from `raw_path` (see `paths`), so what it is replaced by
    only has to be no slash.
    """
    if scope["method"] == "HEAD":
        scope = {**scope, "method": "GET"}
    raw = scope.get("raw_path") or b""
    if b"%2F" in raw or b"%2f" in raw:
        raw_text = raw.partition(b"?")[0].decode("ascii", "replace")
        scope = {**scope, "path": unquote(raw_text.replace("%2F", "%252F").replace("%2f", "%252F"))}
    return scope


def _head(scope: HTTPScope) -> tuple[bytes, dict[bytes, bytes]]:
    """The request's id (the caller's own if it is safe to repeat and to log), and its headers."""
    headers = dict(scope["headers"])
    asked = headers.get(b"x-request-id")
    is_kept = asked is not None and _SAFE_ID.fullmatch(asked) is not None
    return asked if asked and is_kept else secrets.token_hex(16).encode(), headers
