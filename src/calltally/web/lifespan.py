"""Background work that runs while an application is up, and ends before its store closes."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from calltally.logs import get_logger

# The framework has no types for lifespan messages.
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
# Runs until the event is set, then returns soon.
BackgroundWork: TypeAlias = Callable[[asyncio.Event], Awaitable[None]]

log: Final = get_logger(__name__)


class LifespanTask:
    """ASGI application with background work, started and awaited by the lifespan."""

    def __init__(self, app: App, work: BackgroundWork) -> None:
        self._app = app
        self._work = work

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Forward everything; start and stop the work with the lifespan."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _run_lifespan(self, scope: Message, receive: Receive, send: Send) -> None:
        stop = asyncio.Event()
        work = asyncio.ensure_future(self._run_work(stop))

        async def receive_and_stop() -> Message:
            message = await receive()
            # The application closes the store on this message, and the work still needs it.
            if message["type"] == "lifespan.shutdown":
                stop.set()
                await work
            return message

        try:
            await self._app(scope, receive_and_stop, send)
        finally:
            stop.set()
            await work

    async def _run_work(self, stop: asyncio.Event) -> None:
        """Run the work and log a failure. The application continues, and closes its store at shutdown."""
        try:
            await self._work(stop)
        except Exception:
            log.exception("background work failed; restart the process to start it again")
