"""Blocking and asyncio clients with the same operations."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from types import TracebackType
from typing import Any, ClassVar, Concatenate, Final, ParamSpec, Self, TypeAlias, TypeVar

from calltally.calls.errors import InvalidInput
from calltally.client import alerts, change_feed, operations, quality, sessions, streaming
from calltally.client import retries as sending
from calltally.client.config import (
    LONGEST_BYTES,
    TIMEOUT_S,
    ClientConfig,
    ClientKey,
    Surroundings,
    validate_base_url,
)
from calltally.client.sans_io import (
    ClientIteration,
    ClientOperation,
    iterate_operation,
    iterate_operation_async,
    run_operation,
    run_operation_async,
)
from calltally.client.transport import AsyncTransport, BlockingTransport
from calltally.retry_policy import RetryPolicy

P = ParamSpec("P")
T = TypeVar("T")

_RETRIES: Final = RetryPolicy()
_SURROUNDINGS: Final = Surroundings()
_ClientMethod: TypeAlias = Callable[Concatenate["Client", P], T]
_AsyncClientMethod: TypeAlias = Callable[Concatenate["AsyncClient", P], T]


def blocking_method(
    operation: Callable[Concatenate[ClientConfig, P], ClientOperation[T]],
) -> _ClientMethod[P, T]:
    """Return the blocking method for an operation with one result."""

    @wraps(operation)
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return run_operation(operation(client.config, *args, **kwargs), client.transport.perform)

    return method


def iterating_method(
    operation: Callable[Concatenate[ClientConfig, P], ClientIteration[T]],
) -> _ClientMethod[P, Iterator[T]]:
    """Return the blocking method for an operation with many results."""

    @wraps(operation)
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return iterate_operation(operation(client.config, *args, **kwargs), client.transport.perform)

    return method


def async_method(
    operation: Callable[Concatenate[ClientConfig, P], ClientOperation[T]],
) -> _AsyncClientMethod[P, Coroutine[Any, Any, T]]:
    """Return the async method for an operation with one result."""

    @wraps(operation)
    def method(client: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        return run_operation_async(operation(client.config, *args, **kwargs), client.transport.perform)

    return method


def async_iterating_method(
    operation: Callable[Concatenate[ClientConfig, P], ClientIteration[T]],
) -> _AsyncClientMethod[P, AsyncIterator[T]]:
    """Return the async method for an operation with many results."""

    @wraps(operation)
    def method(client: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        return iterate_operation_async(operation(client.config, *args, **kwargs), client.transport.perform)

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

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self.transport.close()

    send = blocking_method(sending.send)
    list_calls = blocking_method(operations.list_calls)
    iter_calls = iterating_method(operations.iter_calls)
    iter_call_pages = iterating_method(operations.iter_call_pages)
    get_call = blocking_method(operations.get_call)
    list_call_events = blocking_method(operations.list_call_events)
    iter_call_events = iterating_method(operations.iter_call_events)
    changes = blocking_method(change_feed.changes)
    iter_changes = iterating_method(change_feed.iter_changes)
    iter_change_pages = iterating_method(change_feed.iter_change_pages)
    stream = blocking_method(streaming.stream)
    launch_quality = blocking_method(quality.launch_quality)
    view_launch = blocking_method(quality.view_launch)
    list_alerts = blocking_method(alerts.list_alerts)
    get_alert = blocking_method(alerts.get_alert)
    acknowledge_alert = blocking_method(alerts.acknowledge_alert)
    resolve_alert = blocking_method(alerts.resolve_alert)
    mute_alert = blocking_method(alerts.mute_alert)
    list_sessions = blocking_method(sessions.list_sessions)
    iter_sessions = iterating_method(sessions.iter_sessions)
    get_session = blocking_method(sessions.get_session)
    put_session = blocking_method(sessions.put_session)


class AsyncClient(_ClientBase):
    """Asyncio client: await the results of `Client`'s methods, and use `async for` for its iterators.

    Use one client within one event loop. `stream` writes to its file without awaiting it.
    """

    def _open(self) -> None:
        self.transport = AsyncTransport(self.config)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self.transport.close()

    send = async_method(sending.send)
    list_calls = async_method(operations.list_calls)
    iter_calls = async_iterating_method(operations.iter_calls)
    iter_call_pages = async_iterating_method(operations.iter_call_pages)
    get_call = async_method(operations.get_call)
    list_call_events = async_method(operations.list_call_events)
    iter_call_events = async_iterating_method(operations.iter_call_events)
    changes = async_method(change_feed.changes)
    iter_changes = async_iterating_method(change_feed.iter_changes)
    iter_change_pages = async_iterating_method(change_feed.iter_change_pages)
    stream = async_method(streaming.stream)
    launch_quality = async_method(quality.launch_quality)
    view_launch = async_method(quality.view_launch)
    list_alerts = async_method(alerts.list_alerts)
    get_alert = async_method(alerts.get_alert)
    acknowledge_alert = async_method(alerts.acknowledge_alert)
    resolve_alert = async_method(alerts.resolve_alert)
    mute_alert = async_method(alerts.mute_alert)
    list_sessions = async_method(sessions.list_sessions)
    iter_sessions = async_iterating_method(sessions.iter_sessions)
    get_session = async_method(sessions.get_session)
    put_session = async_method(sessions.put_session)
