"""HTTP/1.1 connections to untrusted servers, with responses of bounded size, and the pool of idle ones."""

import asyncio
from typing import Final, NamedTuple, TypeAlias, cast

import httptools

PoolKey: TypeAlias = tuple[str, str, int]

IDLE_S: Final = 20.0
# DNS entries change, and revoked permissions must take effect: no connection lives for long.
MAX_AGE_S: Final = 120.0
MAX_IDLE_PER_KEY: Final = 64
MAX_IDLE: Final = 512
BODY_BYTES: Final = 1024
# Limit of the header section, including interim responses; a longer one fails the request.
MAX_HEAD_BYTES: Final = 16 * 1024
# Limit of the body that is read to keep the connection; a longer one closes it.
MAX_BODY_BYTES: Final = 64 * 1024
_FIRST_FINAL: Final = 200
_SWITCHING: Final = 101


class OutgoingResponse(NamedTuple):
    """A response: its status, its headers by lower-case names, and the first KiB of its body."""

    status: int
    headers: dict[str, str]
    body: bytes


class RequestFailed(Exception):
    """A request without a response; `reason` is one of a few words, the text has the details."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class HttpConnection(asyncio.Protocol):
    """HTTP/1.1 connection: one request at a time, each with its response."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._response_waiter: asyncio.Future[None] | None = None
        self._reset()
        self.is_usable = True

    def _reset(self) -> None:
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._head_bytes = self._body_bytes = 0
        self._has_head = self._is_complete = False

    async def send(self, request: bytes) -> OutgoingResponse:
        """Send a request and return its response. Raises RequestFailed."""
        self._reset()
        transport = self._transport
        if transport is None or not self.is_usable:
            raise RequestFailed("reset", "the connection was closed before the request was sent")
        self._response_waiter = asyncio.get_running_loop().create_future()
        transport.write(request)
        try:
            await self._response_waiter
        finally:
            self._response_waiter = None
        response = self.partial_response()
        if response is None:
            raise RequestFailed("reset", "the connection ended before a response")
        return response

    @property
    def is_silent(self) -> bool:
        return self._head_bytes == 0

    def partial_response(self) -> OutgoingResponse | None:
        """Return the response if its headers are complete, even if its body is not."""
        return OutgoingResponse(self._status, self._headers, bytes(self._body)) if self._has_head else None

    def close(self) -> None:
        """Abort the connection; unsent bytes are lost."""
        self.is_usable = False
        if self._transport is not None:
            self._transport.abort()

    # ----------------------------------------------------------------------------- callbacks of the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes; unrequested ones close the connection."""
        if self._response_waiter is None or self._response_waiter.done():
            self.close()
            return
        if not self._has_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._finish()
            self.close()
            return
        except httptools.HttpParserError as fault:
            self._fail(RequestFailed("malformed", f"the response is not valid HTTP: {fault}"))
            return
        self._enforce_limits()

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the end of the connection, which completes a response without a length."""
        self.is_usable = False
        if self._has_head:
            self._finish()
        else:
            detail = f"the connection ended before a response: {exc or 'it was closed'}"
            self._fail(RequestFailed("reset", detail))

    def _enforce_limits(self) -> None:
        if not self._has_head and self._head_bytes > MAX_HEAD_BYTES:
            self._fail(RequestFailed("too-large", f"the response's headers exceed {MAX_HEAD_BYTES} bytes"))
        elif self._body_bytes > MAX_BODY_BYTES and not self._is_complete:
            self._finish()
            self.close()

    def _finish(self) -> None:
        if self._response_waiter is not None and not self._response_waiter.done():
            self._response_waiter.set_result(None)

    def _fail(self, fault: RequestFailed) -> None:
        self.close()
        if self._response_waiter is not None and not self._response_waiter.done():
            self._response_waiter.set_exception(fault)

    # -------------------------------------------------------------------------------- callbacks of the parser

    def on_message_begin(self) -> None:
        """Mark the connection unusable if a second response follows the first."""
        if self._is_complete:
            self.is_usable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store a header; the last one of a name counts."""
        if not self._is_complete:
            self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Store the status; interim responses (RFC 9110, section 15.2) are skipped."""
        status = self._parser.get_status_code()
        if self._is_complete:
            return
        if status >= _FIRST_FINAL or status == _SWITCHING:
            self._status, self._has_head = status, True
        else:
            self._headers = {}

    def on_body(self, data: bytes) -> None:
        if self._is_complete:
            return
        self._body_bytes += len(data)
        self._body += data[: BODY_BYTES - len(self._body)]

    def on_message_complete(self) -> None:
        """Finish the response, unless it was an interim one."""
        if self._has_head and not self._is_complete:
            self._is_complete = True
            self.is_usable = self.is_usable and self._parser.should_keep_alive()
            self._finish()


class PooledConnection(NamedTuple):
    """A connection, the time of its opening by the loop's clock, and whether it has carried a request."""

    connection: HttpConnection
    opened_s: float
    is_reused: bool


class ConnectionPool:
    """Idle connections. Each is handed out once, and closes after its idle time."""

    def __init__(self) -> None:
        self._idle: dict[PoolKey, list[PooledConnection]] = {}
        self._count = 0

    def acquire(self, key: PoolKey, now_s: float) -> PooledConnection | None:
        """Return the most recently used connection that still works, or None."""
        idle = self._idle.get(key, [])
        while idle:
            self._count -= 1
            pooled = idle.pop()
            if pooled.connection.is_usable and now_s - pooled.opened_s < MAX_AGE_S:
                return pooled
            pooled.connection.close()
        self._idle.pop(key, None)
        return None

    def release(self, key: PoolKey, pooled: PooledConnection) -> None:
        idle = self._idle.setdefault(key, [])
        if not pooled.connection.is_usable or len(idle) >= MAX_IDLE_PER_KEY or self._count >= MAX_IDLE:
            pooled.connection.close()
            return
        used = pooled._replace(is_reused=True)
        idle.append(used)
        self._count += 1
        asyncio.get_running_loop().call_later(IDLE_S, self._end, key, used)

    def close(self) -> None:
        for idle in self._idle.values():
            for pooled in idle:
                pooled.connection.close()
        self._idle.clear()
        self._count = 0

    def _end(self, key: PoolKey, pooled: PooledConnection) -> None:
        idle = self._idle.get(key, [])
        if any(each is pooled for each in idle):
            self._idle[key] = [each for each in idle if each is not pooled]
            self._count -= 1
            pooled.connection.close()
