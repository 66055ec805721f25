"""Middleware for a public URL with a path, such as https://example.com/calls-api."""

from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send


class PublicPathMiddleware:
    """Removes the path from requests, and puts it before the paths of redirects.

    Requests without it are served too: probes, scrapers and proxies that remove it. Responses put it into the
    links of their pages.
    """

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return

        async def finish(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [self._public(*header) for header in message["headers"]]
            await send(message)

        await self._app(self._inner(scope), receive, finish)

    def _inner(self, scope: HTTPScope) -> Any:  # noqa: ANN401 (a scope)
        path, raw_path = scope["path"], scope.get("raw_path") or scope["path"].encode()
        if path != self._path and not path.startswith(f"{self._path}/"):
            return scope
        # The path has plain characters only; a client may still send one of them encoded.
        prefix = self._path.encode()
        if not raw_path.startswith(prefix):
            return scope
        return {
            **scope,
            "path": path.removeprefix(self._path) or "/",
            "raw_path": raw_path.removeprefix(prefix) or b"/",
        }

    def _public(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        is_own_path = name == b"location" and value.startswith(b"/")
        return name, self._path.encode() + value if is_own_path else value
