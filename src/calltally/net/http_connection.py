"""One connection to a stranger's server, and the answers that are read from it: bounded in all directions."""

import asyncio
from typing import Final, NamedTuple, cast

import httptools

BODY_BYTES: Final = 1024
# What a header section may take, interim answers included; beyond, it is no answer.
MAX_HEAD_BYTES: Final = 16 * 1024
# What is read of a body so that the connection can be kept; whoever sends more loses the connection.
MAX_BODY_BYTES: Final = 64 * 1024
_FIRST_FINAL: Final = 200
_SWITCHING: Final = 101


class OutgoingResponse(NamedTuple):
    """An answer: its status, its headers by lower-case names, and the first KiB of its body."""

    status: int
    headers: dict[str, str]
    body: bytes


class RequestFailed(Exception):
    """There will be no answer; `reason` is one of a few words, the text says more."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class HttpConnection(asyncio.Protocol):
    """HTTP/1.1 over one connection: a request, its answer, and perhaps another request."""

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
        """Send a request and read its answer. Raises Broken where there is none."""
        self._reset()
        transport = self._transport
        if transport is None or not self.is_usable:
            raise RequestFailed("reset", "the connection was closed before anything was sent")
        self._response_waiter = asyncio.get_running_loop().create_future()
        transport.write(request)
        try:
            await self._response_waiter
        finally:
            self._response_waiter = None
        response = self.partial_response()
        if response is None:
            raise RequestFailed("reset", "the connection ended before an answer")
        return response

    @property
    def is_silent(self) -> bool:
        """Whether nothing at all came since the request."""
        return self._head_bytes == 0

    def partial_response(self) -> OutgoingResponse | None:
        """The answer where its head has come, even if its body does not end."""
        return OutgoingResponse(self._status, self._headers, bytes(self._body)) if self._has_head else None

    def close(self) -> None:
        """End at once; what was not sent yet is not."""
        self.is_usable = False
        if self._transport is not None:
            self._transport.abort()

    # ---- what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Something came; what nobody asked for ends the connection."""
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
            self._fail(RequestFailed("malformed", f"what came is no HTTP answer: {fault}"))
            return
        self._enforce_limits()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed. An answer without a length ends so."""
        self.is_usable = False
        if self._has_head:
            self._finish()
        else:
            detail = f"the connection ended before an answer: {exc or 'it was closed'}"
            self._fail(RequestFailed("reset", detail))

    def _enforce_limits(self) -> None:
        if not self._has_head and self._head_bytes > MAX_HEAD_BYTES:
            self._fail(RequestFailed("too-large", f"the answer's headers are over {MAX_HEAD_BYTES} bytes"))
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

    # ---- what the parser calls

    def on_message_begin(self) -> None:
        """An answer that nobody asked for, behind the one that somebody did."""
        if self._is_complete:
            self.is_usable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; of several of a name the last."""
        if not self._is_complete:
            self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Interim answers (RFC 9110, section 15.2) are passed over."""
        status = self._parser.get_status_code()
        if self._is_complete:
            return
        if status >= _FIRST_FINAL or status == _SWITCHING:
            self._status, self._has_head = status, True
        else:
            self._headers = {}

    def on_body(self, data: bytes) -> None:
        """The first KiB is kept."""
        if self._is_complete:
            return
        self._body_bytes += len(data)
        self._body += data[: BODY_BYTES - len(self._body)]

    def on_message_complete(self) -> None:
        """The answer is whole, unless it was an interim one."""
        if self._has_head and not self._is_complete:
            self._is_complete = True
            self.is_usable = self.is_usable and self._parser.should_keep_alive()
            self._finish()
