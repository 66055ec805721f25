"""Operations without I/O: generators that yield I/O commands and receive their results.

One implementation so serves the blocking and the asyncio client, and a test can run it without a network.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from calltally.client.errors import Unreachable
from calltally.client.wire import Answer, Request

T = TypeVar("T")
P = TypeVar("P")


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
    """Command to send a request once. Its result is an Answer or an Unreachable.

    `read_s` limits each wait for bytes. `ends_s` is the deadline of the whole attempt on the monotonic clock.
    With a `sink`, the body of a successful response goes there, and the deadline holds for its head only.
    """

    request: Request
    read_s: float
    ends_s: float
    sink: ResponseSink | None = None


class BackOff(NamedTuple):
    """Command to wait."""

    seconds: float


class FoundItems(NamedTuple, Generic[T]):
    """Next items for the caller that iterates."""

    items: Sequence[T]


class OperationResult(NamedTuple):
    """Result of a finished operation."""

    value: Any


IoCommand: TypeAlias = RequestAttempt | BackOff
IoResult: TypeAlias = Answer | Unreachable | None
# A ClientOperation has one result, a ClientIteration many.
ClientOperation: TypeAlias = Generator[IoCommand, Any, T]
ClientIteration: TypeAlias = Generator[IoCommand | FoundItems[T], Any, None]


def advance(operation: Generator[Any, Any, Any], io_result: object) -> Any:  # noqa: ANN401 (command or result)
    """Send `io_result` to an operation and return its next command."""
    try:
        return operation.send(io_result)
    except StopIteration as stop:
        return OperationResult(stop.value)


def flatten_pages(pages: ClientIteration[P], rows: Callable[[P], Sequence[T]]) -> ClientIteration[T]:
    """Yield the rows of the pages of another operation."""
    io_result: Any = None
    while not isinstance(command := advance(pages, io_result), OperationResult):
        io_result = None
        if isinstance(command, FoundItems):
            for page in command.items:
                yield FoundItems(rows(page))
        else:
            io_result = yield command


def run_operation(operation: ClientOperation[T], perform: Callable[[IoCommand], IoResult]) -> T:
    """Run an operation and return its result."""
    command = advance(operation, None)
    while not isinstance(command, OperationResult):
        command = advance(operation, perform(command))
    result: T = command.value
    return result


async def run_operation_async(
    operation: ClientOperation[T], perform: Callable[[IoCommand], Awaitable[IoResult]]
) -> T:
    """Run an operation and return its result."""
    command = advance(operation, None)
    while not isinstance(command, OperationResult):
        command = advance(operation, await perform(command))
    result: T = command.value
    return result


def iterate_operation(operation: ClientIteration[T], perform: Callable[[IoCommand], IoResult]) -> Iterator[T]:
    """Run an operation and yield its items as it finds them."""
    command = advance(operation, None)
    while not isinstance(command, OperationResult):
        if isinstance(command, FoundItems):
            yield from command.items
            command = advance(operation, None)
        else:
            command = advance(operation, perform(command))


async def iterate_operation_async(
    operation: ClientIteration[T], perform: Callable[[IoCommand], Awaitable[IoResult]]
) -> AsyncIterator[T]:
    """Run an operation and yield its items as it finds them."""
    command = advance(operation, None)
    while not isinstance(command, OperationResult):
        if isinstance(command, FoundItems):
            for item in command.items:
                yield item
            command = advance(operation, None)
        else:
            command = advance(operation, await perform(command))
