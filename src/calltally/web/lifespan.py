"""Work that runs for as long as an application is up, in its loop, and ends before its store is closed."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from calltally.logs import get_logger

# The framework's types know nothing of the messages of an application's life.
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
# Works until the event is set, then ends soon.
BackgroundWork: TypeAlias = Callable[[asyncio.Event], Awaitable[None]]

log: Final = get_logger(__name__)


class LifespanTask:
    """An application with such work beside it: begun when the server starts, awaited when it stops."""

    def __init__(self, app: App, work: BackgroundWork) -> None:
        self._app = app
        self._work = work

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything on; around the application's life, live along."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _live(self, scope: Message, receive: Receive, send: Send) -> None:
        stop = asyncio.Event()
        work = asyncio.ensure_future(self._work_on(stop))

        async def receive_when_done() -> Message:
            message = await receive()
            # The application closes the store on it, which the work still needs.
            if message["type"] == "lifespan.shutdown":
                stop.set()
                await work
            return message

        try:
            await self._app(scope, receive_when_done, send)
        finally:
            stop.set()
            await work

    async def _work_on(self, stop: asyncio.Event) -> None:
        """Say where a fault ends the work. The application goes on, and closes its store in the end."""
        try:
            await self._work(stop)
        except Exception:
            log.exception("work beside the application failed; restart the process to have it done again")
