"""An HTTP client that costs little: ready requests over kept connections, answers counted and not read."""

import asyncio
import time
from collections.abc import Iterator
from typing import Final, NamedTuple, cast

from bench.timing import cpu_seconds, cpu_seconds_with_children, percentile

DEADLINE_S: Final = 120.0
_OK: Final = (b"200", b"202")
_CHUNKED_END: Final = b"\r\n0\r\n\r\n"
_HEAD_END: Final = b"\r\n\r\n"


class Load(NamedTuple):
    """Result of a load. Times in seconds; the processor time is that of the server's processes."""

    requests: int
    seconds: float
    cpu_seconds: float
    latencies: list[float]
    # Of it, what the process had that answers.
    answering_seconds: float

    @property
    def per_s(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds

    @property
    def cpu_each(self) -> float:
        """The server's processor time for one of them."""
        return self.cpu_seconds / self.requests

    @property
    def p99(self) -> float:
        """Return the 99th percentile of the response times."""
        return percentile(self.latencies, 0.99)


class _Connection(asyncio.Protocol):
    """Sends one request after the other; ends when there are no more, or at a wrong answer."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float], pause_s: float) -> None:
        loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._requests = requests
        self._latencies = latencies
        self._pause_s = pause_s
        self._transport: asyncio.Transport | None = None
        self._started = 0.0
        self._head = b""
        # Bytes of the body still to come; None while the head is, -1 for chunks.
        self._left: int | None = None
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asked by isinstance: uvloop's transports are no subclass.
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        try:
            self._take(data)
        except (ValueError, AssertionError) as fault:
            if not self.done.done():
                self.done.set_exception(fault)

    def _take(self, data: bytes) -> None:
        if self._left is None:
            self._head += data
            if _HEAD_END not in self._head:
                return
            head, _, data = self._head.partition(_HEAD_END)
            self._left = _body_length(head)
        if self._left < 0:
            self._tail = (self._tail + data)[-len(_CHUNKED_END) :]
            if self._tail.endswith(_CHUNKED_END) or self._tail == _CHUNKED_END[2:]:
                self._finish()
            return
        self._left -= len(data)
        if self._left == 0:
            self._finish()

    def _finish(self) -> None:
        self._latencies.append(time.perf_counter() - self._started)
        self._head, self._left, self._tail = b"", None, b""
        if self._pause_s:
            self._loop.call_later(self._pause_s, self._send)
        else:
            self._send()

    def _send(self) -> None:
        assert self._transport is not None
        request = next(self._requests, None)
        if request is None:
            if not self.done.done():
                self.done.set_result(None)
            self._transport.close()
            return
        self._started = time.perf_counter()
        self._transport.write(request)


def _body_length(head: bytes) -> int:
    status, _, fields = head.partition(b"\r\n")
    if status.split(b" ", 2)[1] not in _OK:
        raise ValueError(f"the server answered {status.decode('latin-1')}")
    for field in fields.lower().split(b"\r\n"):
        name, _, value = field.partition(b":")
        if name == b"content-length":
            return int(value)
    return -1


async def load(
    port: int, pid: int, requests: Iterator[bytes], *, connections: int = 4, pause_s: float = 0.0
) -> Load:
    """Send all of `requests` over that many connections, each as soon as the one before it was answered.

    With `pause_s` a connection waits in between. Raises ValueError for an answer other than a good
    one, and TimeoutError after two minutes.
    """
    latencies: list[float] = []
    cpu, own, started = cpu_seconds_with_children(pid), cpu_seconds(pid), time.perf_counter()
    async with asyncio.timeout(DEADLINE_S):
        opened = [await _open(port, requests, latencies, pause_s) for _ in range(connections)]
        await asyncio.gather(*(connection.done for connection in opened))
    seconds = time.perf_counter() - started
    cpu, own = cpu_seconds_with_children(pid) - cpu, cpu_seconds(pid) - own
    return Load(len(latencies), seconds, cpu, latencies, own)


async def _open(port: int, requests: Iterator[bytes], latencies: list[float], pause_s: float) -> _Connection:
    _, connection = await asyncio.get_running_loop().create_connection(
        lambda: _Connection(requests, latencies, pause_s), "127.0.0.1", port
    )
    return connection


def get(path: str, port: int, key: str = "") -> bytes:
    """A GET request, ready to be sent."""
    authorization = f"authorization: Bearer {key}\r\n" if key else ""
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{authorization}\r\n".encode()
