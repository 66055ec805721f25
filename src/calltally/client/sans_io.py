"""Conversations without I/O: an operation yields what it wants done, and is sent what came of it.

One piece of code so serves the blocking and the awaiting client, and a test can run it without a network.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from calltally.client.errors import Unreachable
from calltally.client.wire import Answer, Request

T = TypeVar("T")
P = TypeVar("P")


class Sink(Protocol):
    """Takes a body in pieces, instead of the answer."""

    @property
    def size(self) -> int:
        """How many bytes it took."""

    def open(self, answer: Answer) -> None:
        """Look at the head of the answer; raises what speaks against its body."""

    def write(self, piece: bytes) -> None:
        """Take the next piece."""


class Attempt(NamedTuple):
    """Send a request once, and be sent its Answer or an Unreachable.

    `read_s` bounds each wait for bytes, `ends_s` (of the steady clock) the whole of it. The body of a good
    answer goes `into` a sink where there is one, and then only its head has to be there by `ends_s`.
    """

    request: Request
    read_s: float
    ends_s: float
    into: Sink | None = None


class Pause(NamedTuple):
    """Wait for so long."""

    seconds: float


class Items(NamedTuple, Generic[T]):
    """What whoever iterates gets next."""

    items: Sequence[T]


class Finished(NamedTuple):
    """The operation is done, with this result."""

    value: Any


Effect: TypeAlias = Attempt | Pause
Reply: TypeAlias = Answer | Unreachable | None
# One result; or many, one after the other.
Talk: TypeAlias = Generator[Effect, Any, T]
Walk: TypeAlias = Generator[Effect | Items[T], Any, None]


def advance(operation: Generator[Any, Any, Any], reply: object) -> Any:  # noqa: ANN401 (effect or result)
    """Send `reply` to an operation and return what it wants next."""
    try:
        return operation.send(reply)
    except StopIteration as done:
        return Finished(done.value)


def flattened(walked: Walk[P], rows: Callable[[P], Sequence[T]]) -> Walk[T]:
    """The rows of the pages that another operation finds, page by page."""
    reply: Any = None
    while not isinstance(step := advance(walked, reply), Finished):
        reply = None
        if isinstance(step, Items):
            for page in step.items:
                yield Items(rows(page))
        else:
            reply = yield step


def drive(talk: Talk[T], perform: Callable[[Effect], Reply]) -> T:
    """Run an operation to its result."""
    step = advance(talk, None)
    while not isinstance(step, Finished):
        step = advance(talk, perform(step))
    result: T = step.value
    return result


async def drive_async(talk: Talk[T], perform: Callable[[Effect], Awaitable[Reply]]) -> T:
    """Run an operation to its result."""
    step = advance(talk, None)
    while not isinstance(step, Finished):
        step = advance(talk, await perform(step))
    result: T = step.value
    return result


def walk(walked: Walk[T], perform: Callable[[Effect], Reply]) -> Iterator[T]:
    """Run an operation, and hand out what it finds as it finds it."""
    step = advance(walked, None)
    while not isinstance(step, Finished):
        if isinstance(step, Items):
            yield from step.items
            step = advance(walked, None)
        else:
            step = advance(walked, perform(step))


async def walk_async(walked: Walk[T], perform: Callable[[Effect], Awaitable[Reply]]) -> AsyncIterator[T]:
    """Run an operation, and hand out what it finds as it finds it."""
    step = advance(walked, None)
    while not isinstance(step, Finished):
        if isinstance(step, Items):
            for item in step.items:
                yield item
            step = advance(walked, None)
        else:
            step = advance(walked, await perform(step))
