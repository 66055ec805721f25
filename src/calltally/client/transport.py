"""Transports, the only part of the client that uses the HTTP library: blocking, and for asyncio.

The library is loaded with the first request, because its import takes as long as all others together.
"""

from collections.abc import Callable
from threading import Lock
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from calltally import __version__
from calltally.client.config import CONNECT_TIMEOUT_S, ClientConfig
from calltally.client.errors import ClientError, InvalidArgument, Unreachable
from calltally.client.response_parsing import unexpected_answer
from calltally.client.wire import Answer, Request

USER_AGENT: Final = f"calltally/{__version__}"
_MIN_TIMEOUT_S: Final = 0.001
# Messages for errors whose text in the library is empty or differs from system to system.
_TIMEOUT_MESSAGES: Final = {
    "ConnectTimeout": "the server did not accept the connection in time",
    "ReadTimeout": "the server did not respond in time",
    "WriteTimeout": "the server did not accept the request in time",
    "PoolTimeout": "all connections were busy for too long",
}


class ResponseSink(Protocol):
    """Receiver of a response body in pieces, in place of memory."""

    @property
    def size(self) -> int:
        """Number of bytes received."""

    def open(self, answer: Answer) -> None:
        """Check the head of the response; raise an error if its body is not acceptable."""

    def write(self, piece: bytes) -> None:
        """Receive the next piece."""


class RequestAttempt(NamedTuple):
    """Request to send once.

    `read_s` limits each wait for bytes. `ends_s` is the deadline of the whole attempt on the monotonic clock.
    With a `sink`, the body of a successful response goes there, and the deadline holds for its head only.
    """

    request: Request
    read_s: float
    ends_s: float
    sink: ResponseSink | None = None


AttemptResult: TypeAlias = Answer | Unreachable


class Transport(Protocol):
    """I/O of a client. A blocking one never suspends its caller."""

    async def send(self, attempt: RequestAttempt) -> AttemptResult:
        """Send a request once."""

    async def sleep(self, seconds: float) -> None:
        """Wait before the next attempt."""


class Session(Protocol):
    """Client that an operation runs in."""

    @property
    def config(self) -> ClientConfig:
        """Base URL, key, timeouts and retries."""

    @property
    def transport(self) -> Transport:
        """Performer of its I/O."""


class _HttpAttempt:
    """One attempt: the request in the library's form, and the response as it arrives."""

    def __init__(self, config: ClientConfig, attempt: RequestAttempt) -> None:
        self._config = config
        self._attempt = attempt
        self._pieces: list[bytes] = []
        self._size = 0
        self._consume: Callable[[bytes], object] = self._buffer
        self._answer = Answer(0, {})

    def arguments(self) -> dict[str, Any]:
        request, key = self._attempt.request, self._config.key.reveal()
        # Only administrators name a tenant, a tenant's key implies its own.
        is_admin = any(name == "tenant" for name, _ in request.params)
        credential = {"x-admin-key": key} if is_admin else {"authorization": f"Bearer {key}"}
        own = {**credential, "user-agent": USER_AGENT}
        return {
            "method": request.method,
            "url": self._config.base + request.path,
            "params": list(request.params) or None,
            "headers": {**request.headers, **own},
            "content": request.body,
            "timeout": self._timeouts(),
        }

    def _timeouts(self) -> tuple[float, float, float, float]:
        """Return the timeouts to connect, read, write and get a connection, all within the deadline."""
        left_s = max(self._attempt.ends_s - self._config.surroundings.now_s(), _MIN_TIMEOUT_S)
        bound_s = min(self._attempt.read_s, left_s)
        return min(CONNECT_TIMEOUT_S, bound_s), bound_s, min(self._config.timeout_s, bound_s), bound_s

    def open(self, status: int, headers: Any) -> None:  # noqa: ANN401 (the library's headers)
        self._answer = Answer(status, {name.lower(): value for name, value in headers.items()})
        if self._attempt.sink is not None and self._answer.is_good:
            self._attempt.sink.open(self._answer)
            self._consume = self._attempt.sink.write

    def receive(self, piece: bytes) -> None:
        """Receive a decompressed piece of the body.

        Raises Unreachable if the body takes too long, and UnexpectedAnswer if it exceeds the size limit after
        decompression.
        """
        self._consume(piece)

    def _buffer(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._config.longest_bytes:
            limit = f"{self._config.longest_bytes:,} bytes"
            raise unexpected_answer(self._answer, f"the body is longer than {limit}")
        self._pieces.append(piece)
        if self._config.surroundings.now_s() > self._attempt.ends_s:
            message = "the server was still sending its response when the time for all attempts ended"
            raise Unreachable(f"{self._config.base}: {message}")

    def answer(self) -> Answer:
        """Return the whole response, with an empty body if a sink received it."""
        return self._answer._replace(body=b"".join(self._pieces))

    def failed(self, fault: Exception) -> Unreachable:
        """Convert the library's exception to an Unreachable."""
        request, kind = self._attempt.request, type(fault).__name__
        why = _TIMEOUT_MESSAGES.get(kind) or str(fault) or kind
        error = Unreachable(f"no response to {request.method} {self._config.base}{request.path}: {why}")
        error.__cause__ = fault
        return error


class _HttpTransport:
    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self._http: Any = None
        self._is_closed = False

    def _options(self) -> dict[str, Any]:
        """Return the options of the library's client. Raises ClientError if this one is closed."""
        if self._is_closed:
            raise ClientError("the client is closed; open another one")
        config = self._config
        return {"trust_env": not config.is_local, "follow_redirects": False, "timeout": config.timeout_s}

    def _opened(self, library_client: Callable[..., Any]) -> Any:  # noqa: ANN401 (the library's client)
        """Return the library's client. Raises InvalidArgument for a wrong proxy or certificate file."""
        options = self._options()
        if self._http is None:
            try:
                self._http = library_client(**options)
            except (OSError, ValueError) as fault:
                # The text of the error names the file or the proxy.
                message = f"the HTTP library cannot start ({fault}): check HTTPS_PROXY and SSL_CERT_FILE"
                raise InvalidArgument.of("environment", message) from fault
        return self._http


class BlockingTransport(_HttpTransport):
    """Transport whose coroutines block. Threads may share it."""

    def __init__(self, config: ClientConfig) -> None:
        super().__init__(config)
        self._lock = Lock()

    async def sleep(self, seconds: float) -> None:
        self._config.surroundings.sleep(seconds)

    async def send(self, attempt: RequestAttempt) -> AttemptResult:
        import httpx2  # deferred: takes 100 ms

        http_attempt = _HttpAttempt(self._config, attempt)
        try:
            with self._http_client().stream(**http_attempt.arguments()) as response:
                http_attempt.open(response.status_code, response.headers)
                for piece in response.iter_bytes():
                    http_attempt.receive(piece)
            return http_attempt.answer()
        except Unreachable as fault:
            return fault
        except httpx2.RequestError as fault:
            return http_attempt.failed(fault)

    def _http_client(self) -> Any:  # noqa: ANN401 (the library is not loaded yet)
        import httpx2  # deferred: takes 100 ms

        with self._lock:
            return self._opened(httpx2.Client)

    def close(self) -> None:
        """Close all connections and refuse further requests."""
        with self._lock:
            self._is_closed = True
            if self._http is not None:
                self._http.close()


class AsyncTransport(_HttpTransport):
    """Transport in an asyncio event loop."""

    async def sleep(self, seconds: float) -> None:
        await self._config.surroundings.sleep_async(seconds)

    async def send(self, attempt: RequestAttempt) -> AttemptResult:
        import httpx2  # deferred: takes 100 ms

        http_attempt = _HttpAttempt(self._config, attempt)
        try:
            async with self._http_client().stream(**http_attempt.arguments()) as response:
                http_attempt.open(response.status_code, response.headers)
                async for piece in response.aiter_bytes():
                    http_attempt.receive(piece)
            return http_attempt.answer()
        except Unreachable as fault:
            return fault
        except httpx2.RequestError as fault:
            return http_attempt.failed(fault)

    def _http_client(self) -> Any:  # noqa: ANN401 (the library is not loaded yet)
        import httpx2  # deferred: takes 100 ms

        return self._opened(httpx2.AsyncClient)

    async def close(self) -> None:
        """Close all connections and refuse further requests."""
        self._is_closed = True
        if self._http is not None:
            await self._http.aclose()
