"""Proxy for PostgreSQL that counts protocol messages and cuts the connection at any of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from itertools import count
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

HOST: Final = "127.0.0.1"
_LENGTH: Final = 4


class Cut(StrEnum):
    """Kind of end of a connection."""

    RESET = "reset"
    # Half of the message still arrives.
    AMID = "amid"
    # Both sides stay connected, and nothing arrives any more.
    FREEZE = "freeze"


class CuttingProxy:
    """Proxy that forwards connections until `cut_at` messages have passed, in either direction."""

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        [folder] = parse_qs(parts.query)["host"]
        self._path = f"{folder}/.s.PGSQL.5432"
        self._parts = parts
        self._tasks: set[asyncio.Task[None]] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._forwarded = 0
        self._cut_at: int | None = None
        self._how = Cut.RESET
        self.cuts = 0
        self.port = 0

    @property
    def url(self) -> str:
        """Return the URL of the database through this proxy."""
        user = self._parts.username or "postgres"
        query = urlencode({"sslmode": "disable", "gssencmode": "disable"})
        return f"postgresql://{user}@{HOST}:{self.port}{self._parts.path}?{query}"

    def cut_nothing(self) -> None:
        """Forward everything from now on."""
        self._cut_at = None

    def cut_at(self, message: int, how: Cut) -> None:
        """Cut the connection at the message with that number, counted from now."""
        self._forwarded, self._cut_at, self._how = 0, message, how

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; `close` waits for it."""
        serving = asyncio.create_task(self._connect(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        await serving

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward until one side closes the connection, or it is cut."""
        server = await asyncio.open_unix_connection(self._path)
        streams = ((reader, server[1], 0), (server[0], writer, 1))
        tasks = [asyncio.create_task(self._forward(*stream)) for stream in streams]
        self._tasks.update(tasks)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.difference_update(tasks)
        for end in (writer, server[1]):
            end.transport.abort()

    async def close(self) -> None:
        """Cut the open connections."""
        for task in self._tasks:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, typed: int) -> None:
        """The first message of a client has no type."""
        with suppress(asyncio.IncompleteReadError, OSError):
            for number in count():
                of_type = _LENGTH + (typed or number > 0)
                head = await reader.readexactly(of_type)
                body = await reader.readexactly(int.from_bytes(head[-_LENGTH:], "big") - _LENGTH)
                if self._is_cut():
                    if self._how is Cut.AMID:
                        writer.write(head)
                        await writer.drain()
                    elif self._how is Cut.FREEZE:
                        await asyncio.Event().wait()
                    return
                writer.write(head + body)
                await writer.drain()

    def _is_cut(self) -> bool:
        self._forwarded += 1
        if self._forwarded != self._cut_at:
            return False
        self.cuts += 1
        return True


@asynccontextmanager
async def cutting(server: str) -> AsyncIterator[CuttingProxy]:
    """Run a proxy for the duration of the block."""
    proxy = CuttingProxy(server)
    listening = await asyncio.start_server(proxy.serve, HOST, 0)
    proxy.port = listening.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listening.close()
        await proxy.close()
