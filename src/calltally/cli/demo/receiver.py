"""Receiver of the demo's webhooks, inside its own server."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from calltally.bootstrap.service import Application

PATH: Final = "/demo-receiver"
# Some deliveries fail at first, so that their attempts show.
_REFUSED_EVERY: Final = 15
_TAKEN, _REFUSED = 204, 503

_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]


class WebhookReceiver:
    """ASGI application in front of another one. It accepts deliveries on its path, and refuses some."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._requests = 0

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        while (await receive()).get("more_body"):
            pass
        self._requests += 1
        status = _TAKEN if self._requests % _REFUSED_EVERY else _REFUSED
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
