"""One HTTP/1.1 connection to an untrusted server; the response is bounded in size."""

import asyncio
from typing import Final, NamedTuple, cast

import httptools

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
        """True if no byte came since the request."""
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
        """Store the transport of the open connection."""
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
        """Store the first KiB of the body."""
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
