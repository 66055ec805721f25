"""Blocking and asyncio clients with the same operations."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from functools import wraps
from typing import ClassVar, Concatenate, Final, ParamSpec, Self, TypeAlias, TypeVar

from calltally.calls.errors import InvalidInput
from calltally.client import alerts, operations, quality, sessions, streaming
from calltally.client import retries as sending
from calltally.client.blocking import iterate_now, run_now
from calltally.client.config import (
    LONGEST_BYTES,
    TIMEOUT_S,
    ClientConfig,
    ClientKey,
    Surroundings,
    validate_base_url,
)
from calltally.client.transport import AsyncTransport, BlockingTransport, Session
from calltally.retry_policy import RetryPolicy

P = ParamSpec("P")
T = TypeVar("T")

_RETRIES: Final = RetryPolicy()
_SURROUNDINGS: Final = Surroundings()
_BlockingMethod: TypeAlias = Callable[Concatenate["Client", P], T]


def blocking(operation: Callable[Concatenate[Session, P], Awaitable[T]]) -> _BlockingMethod[P, T]:
    """Return the blocking method for an operation with one result."""

    @wraps(operation)
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return run_now(operation(client, *args, **kwargs))

    return method


def iterating(
    operation: Callable[Concatenate[Session, P], AsyncGenerator[T, None]],
) -> _BlockingMethod[P, Iterator[T]]:
    """Return the blocking method for an operation with many results."""

    @wraps(operation)
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return iterate_now(operation(client, *args, **kwargs))

    return method


class _ClientBase(ABC):
    """Configuration of both clients."""

    longest_bytes: ClassVar[int] = LONGEST_BYTES

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeout_s: float = TIMEOUT_S,
        retries: RetryPolicy = _RETRIES,
        surroundings: Surroundings = _SURROUNDINGS,
    ) -> None:
        if not 0 < timeout_s < float("inf"):
            raise InvalidInput.of(
                "timeout_s", f"timeout_s must be a number of seconds above 0, not {timeout_s}"
            )
        self.config: Final = ClientConfig(
            validate_base_url(base_url), ClientKey(key), timeout_s, retries, surroundings, self.longest_bytes
        )
        self._open()

    @abstractmethod
    def _open(self) -> None:
        """Create the transport, which connects with the first request."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.config.base!r})"


class Client(_ClientBase):
    """Blocking client of a server that implements the contract. Threads may share one client.

    - `base_url` may have a path (`https://example.com/calls`). Over plain HTTP, others can read the key.
    - `timeout_s` limits each wait: to connect (at most 10 s), to send the request, and to receive more of
      the response.
    - `retries` limits the number of tries and the total time of all tries of one request.
    - A response of more than `longest_bytes` after decompression (256 MiB, a subclass may set another) is an
      UnexpectedAnswer. `stream` writes to a file and has no such limit.
    - Proxies and certificates come from the environment (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE). A server on
      this machine is reached without a proxy.
    - Redirects are not followed.

    Raises InvalidInput for an invalid argument.
    """

    def _open(self) -> None:
        self.transport = BlockingTransport(self.config)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self.close()

    def close(self) -> None:
        self.transport.close()

    send = blocking(sending.send)
    list_calls = blocking(operations.list_calls)
    iter_calls = iterating(operations.iter_calls)
    iter_call_pages = iterating(operations.iter_call_pages)
    get_call = blocking(operations.get_call)
    list_call_events = blocking(operations.list_call_events)
    iter_call_events = iterating(operations.iter_call_events)
    changes = blocking(operations.changes)
    iter_changes = iterating(operations.iter_changes)
    iter_change_pages = iterating(operations.iter_change_pages)
    stream = blocking(streaming.stream)
    launch_quality = blocking(quality.launch_quality)
    view_launch = blocking(quality.view_launch)
    list_alerts = blocking(alerts.list_alerts)
    get_alert = blocking(alerts.get_alert)
    acknowledge_alert = blocking(alerts.acknowledge_alert)
    resolve_alert = blocking(alerts.resolve_alert)
    mute_alert = blocking(alerts.mute_alert)
    list_sessions = blocking(sessions.list_sessions)
    iter_sessions = iterating(sessions.iter_sessions)
    get_session = blocking(sessions.get_session)
    put_session = blocking(sessions.put_session)


class AsyncClient(_ClientBase):
    """Asyncio client: await the results of `Client`'s methods, and use `async for` for its iterators.

    Use one client within one event loop. `stream` writes to its file without awaiting it.
    """

    def _open(self) -> None:
        self.transport = AsyncTransport(self.config)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_fault: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self.transport.close()

    send = sending.send
    list_calls = operations.list_calls
    iter_calls = operations.iter_calls
    iter_call_pages = operations.iter_call_pages
    get_call = operations.get_call
    list_call_events = operations.list_call_events
    iter_call_events = operations.iter_call_events
    changes = operations.changes
    iter_changes = operations.iter_changes
    iter_change_pages = operations.iter_change_pages
    stream = streaming.stream
    launch_quality = quality.launch_quality
    view_launch = quality.view_launch
    list_alerts = alerts.list_alerts
    get_alert = alerts.get_alert
    acknowledge_alert = alerts.acknowledge_alert
    resolve_alert = alerts.resolve_alert
    mute_alert = alerts.mute_alert
    list_sessions = sessions.list_sessions
    iter_sessions = sessions.iter_sessions
    get_session = sessions.get_session
    put_session = sessions.put_session
