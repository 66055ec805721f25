"""A webhook receiver for the measurements: answers at once, or badly on purpose. `-m bench.receiver PORT`.

It writes down on standard output, a line each, when the first delivery of each call came to `/good`:
the call's SID and the wall clock in microseconds.
"""

import asyncio
import re
import sys
import time
from typing import Final

_LENGTH: Final = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_SID: Final = re.compile(rb'"call_sid":"([^"]+)"')
_OK: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
_FAILED: Final = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"
_AWAY: Final = b"HTTP/1.1 307 Go\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n"
_LARGE: Final = b"HTTP/1.1 500 No\r\ncontent-length: 3000000\r\n\r\n" + b"x" * 3_000_000
_DRIP_S: Final = 0.5
_FLUSH_S: Final = 0.1


class Receiver(asyncio.Protocol):
    """One connection. What it does is in the path."""

    def __init__(self) -> None:
        self._got = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._got, 0, end)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self._got) < whole:
                return
            request, self._got = self._got[:whole], self._got[whole:]
            self._answer(request)

    def _answer(self, request: bytes) -> None:
        transport = self._transport
        assert transport is not None
        behavior = request.split(b" ", 2)[1].strip(b"/").split(b"-")[0]
        if behavior == b"good":
            transport.write(_OK)
            found = _SID.search(request)
            if found:
                sys.stdout.write(f"{found[1].decode()} {time.time_ns() // 1000}\n")
        elif behavior == b"reset":
            transport.abort()
        elif behavior == b"drip":
            self._drip(b"HTTP/1.1 200 OK\r\n" + b"x-slow: 1\r\n" * 100)
        elif behavior != b"hang":
            transport.write({b"away": _AWAY, b"large": _LARGE}.get(behavior, _FAILED))

    def _drip(self, left: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(left[:1])
            asyncio.get_running_loop().call_later(_DRIP_S, self._drip, left[1:])


async def _flush() -> None:
    """The lines of a tenth of a second at once: one by one they would cost more than the answers."""
    while True:
        await asyncio.sleep(_FLUSH_S)
        sys.stdout.flush()


async def _serve(port: int) -> None:
    flushing = asyncio.create_task(_flush())
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", port)
    sys.stderr.write("listening\n")
    sys.stderr.flush()
    async with server:
        await asyncio.gather(server.serve_forever(), flushing)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
