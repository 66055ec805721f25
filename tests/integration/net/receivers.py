"""Test servers that answer in raw bytes, well or badly, and count."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

Behave: TypeAlias = Callable[["Visit"], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Visit:
    """One request of a connection: its bytes, and a method to answer in bytes."""

    def __init__(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        self.head, self.body, self.writer = head, body, writer

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:-2]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


class Receiver:
    """Requests and connections of a server, and its port."""

    def __init__(self, behave: Behave) -> None:
        self.behave = behave
        self.visits: list[Visit] = []
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                visit = Visit(head, b"", writer)
                visit.body = await reader.readexactly(int(visit.headers.get("content-length", 0)))
                self.visits.append(visit)
                await self.behave(visit)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def receiving(behave: Behave, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """Run a local server during the block."""
    receiver = Receiver(behave)
    running: set[asyncio.Task[None]] = set()

    async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await receiver.serve(reader, writer)
        except asyncio.CancelledError:
            writer.close()
        finally:
            running.discard(task)

    server = await asyncio.start_server(visited, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def answer_ok(visit: Visit) -> None:
    await visit.send(OK)


def answering(data: bytes) -> Behave:
    async def behave(visit: Visit) -> None:
        await visit.send(data)

    return behave


async def hang(visit: Visit) -> None:
    del visit
    await asyncio.Event().wait()


async def reset(visit: Visit) -> None:
    visit.writer.transport.abort()
