"""The two clients: the same operations, carried out by blocking or by awaiting."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from types import TracebackType
from typing import Any, ClassVar, Concatenate, Final, ParamSpec, Self, TypeAlias, TypeVar

from calltally.calls.errors import InvalidInput
from calltally.client import alerts, change_feed, operations, quality, sessions, streaming
from calltally.client import retries as sending
from calltally.client.config import LONGEST_BYTES, TIMEOUT_S, Key, Plan, Retries, Surroundings, checked_base
from calltally.client.sans_io import Talk, Walk, drive, drive_async, walk, walk_async
from calltally.client.transport import AwaitingTransport, BlockingTransport

P = ParamSpec("P")
T = TypeVar("T")

_RETRIES: Final = Retries()
_SURROUNDINGS: Final = Surroundings()
_MethodOf: TypeAlias = Callable[Concatenate["Client", P], T]
_AsyncMethodOf: TypeAlias = Callable[Concatenate["AsyncClient", P], T]


def blocking(operation: Callable[Concatenate[Plan, P], Talk[T]]) -> _MethodOf[P, T]:
    """The method that carries an operation out and returns its result."""

    @wraps(operation)
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return drive(operation(client.plan, *args, **kwargs), client.transport.perform)

    return method


def iterating(operation: Callable[Concatenate[Plan, P], Walk[T]]) -> _MethodOf[P, Iterator[T]]:
    """The method that hands out what an operation finds."""

    @wraps(operation)
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return walk(operation(client.plan, *args, **kwargs), client.transport.perform)

    return method


def awaiting(
    operation: Callable[Concatenate[Plan, P], Talk[T]],
) -> _AsyncMethodOf[P, Coroutine[Any, Any, T]]:
    """The method that carries an operation out and returns its result."""

    @wraps(operation)
    def method(client: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        return drive_async(operation(client.plan, *args, **kwargs), client.transport.perform)

    return method


def iterating_async(
    operation: Callable[Concatenate[Plan, P], Walk[T]],
) -> _AsyncMethodOf[P, AsyncIterator[T]]:
    """The method that hands out what an operation finds."""

    @wraps(operation)
    def method(client: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        return walk_async(operation(client.plan, *args, **kwargs), client.transport.perform)

    return method


class _Opened(ABC):
    """What both clients are set up with."""

    longest_bytes: ClassVar[int] = LONGEST_BYTES

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeout_s: float = TIMEOUT_S,
        retries: Retries = _RETRIES,
        surroundings: Surroundings = _SURROUNDINGS,
    ) -> None:
        if not 0 < timeout_s < float("inf"):
            raise InvalidInput.of(
                "timeout_s", f"timeout_s must be a number of seconds above 0, not {timeout_s}"
            )
        self.plan: Final = Plan(
            checked_base(base_url), Key(key), timeout_s, retries, surroundings, self.longest_bytes
        )
        self._open()

    @abstractmethod
    def _open(self) -> None:
        """Make the transport, which connects with the first request."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.plan.base!r})"


class Client(_Opened):
    """Asks a server of the contract, and blocks until it has answered. Threads may share one.

    `base_url` may have a path of its own (`https://example.com/calls`). `timeout_s` bounds each wait for the
    server: to take the connection (at most 10 s), to take the request, to send more of its answer. `retries`
    says how often it is asked again, and bounds all tries of one request together. An answer of more than
    `longest_bytes` (256 MiB; a subclass may say another), counted as it is unpacked, is an UnexpectedAnswer;
    what `stream` writes to a file has no such bound. Proxies and certificates are those of the environment
    (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE), but for a server on this machine.
    Redirects are not followed. Over plain http the key can be read on the way. Raises InvalidInput where one
    of them cannot be.
    """

    def _open(self) -> None:
        self.transport = BlockingTransport(self.plan)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self.transport.close()

    send = blocking(sending.send)
    list_calls = blocking(operations.list_calls)
    iter_calls = iterating(operations.iter_calls)
    iter_call_pages = iterating(operations.iter_call_pages)
    get_call = blocking(operations.get_call)
    list_call_events = blocking(operations.list_call_events)
    iter_call_events = iterating(operations.iter_call_events)
    changes = blocking(change_feed.changes)
    iter_changes = iterating(change_feed.iter_changes)
    iter_change_pages = iterating(change_feed.iter_change_pages)
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


class AsyncClient(_Opened):
    """The same for asyncio: what `Client` returns is awaited, what it iterates over goes by `async for`.

    Use one within one loop. `stream` writes to its file without awaiting it.
    """

    def _open(self) -> None:
        self.transport = AwaitingTransport(self.plan)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await self.transport.close()

    send = awaiting(sending.send)
    list_calls = awaiting(operations.list_calls)
    iter_calls = iterating_async(operations.iter_calls)
    iter_call_pages = iterating_async(operations.iter_call_pages)
    get_call = awaiting(operations.get_call)
    list_call_events = awaiting(operations.list_call_events)
    iter_call_events = iterating_async(operations.iter_call_events)
    changes = awaiting(change_feed.changes)
    iter_changes = iterating_async(change_feed.iter_changes)
    iter_change_pages = iterating_async(change_feed.iter_change_pages)
    stream = awaiting(streaming.stream)
    launch_quality = awaiting(quality.launch_quality)
    view_launch = awaiting(quality.view_launch)
    list_alerts = awaiting(alerts.list_alerts)
    get_alert = awaiting(alerts.get_alert)
    acknowledge_alert = awaiting(alerts.acknowledge_alert)
    resolve_alert = awaiting(alerts.resolve_alert)
    mute_alert = awaiting(alerts.mute_alert)
    list_sessions = awaiting(sessions.list_sessions)
    iter_sessions = iterating_async(sessions.iter_sessions)
    get_session = awaiting(sessions.get_session)
    put_session = awaiting(sessions.put_session)
