"""How a provider's own list of calls is asked for, without I/O: requests go out of a generator, answers in.

A provider's `fetch.py` knows addresses, sign-in and shapes. Whoever drives it does the HTTP, and waits where
the provider asks to (429): an answer that is handed in is final.
"""

from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import NamedTuple, TypeAlias, TypeVar

from calltally.calls.events import Fact
from calltally.providers.callback import Refusal

T = TypeVar("T")


class Ask(NamedTuple):
    """One request: a GET, or a POST where it has a body. The headers hold the sign-in: they are not for logs.

    Whatever is posted only asks: it may be sent twice.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


class Answered(NamedTuple):
    """What came back, whatever its status."""

    status: int
    body: bytes


class Access(NamedTuple):
    """Where a tenant's provider is asked, as whom, and when (microseconds UTC; facts are received then)."""

    base_url: str
    secrets: Mapping[str, str]
    received_us: int


class Listing(NamedTuple):
    """One page of a list, and where the next one is; None where this is the last."""

    items: list[Fact | Refusal]
    following: str | None


class Started(NamedTuple):
    """A stretch of time in which calls began, microseconds UTC; what a provider lists beyond is passed on."""

    from_us: int
    to_us: int


Fetching: TypeAlias = Generator[Ask, Answered, T]
ListPage: TypeAlias = Callable[[Access, Started, str | None], Fetching[Listing]]
OneCall: TypeAlias = Callable[[Access, str], Fetching[list[Fact | Refusal]]]


class Fetch(NamedTuple):
    """How one provider is asked.

    `secret_names` are what it takes, `account_of` says whose calls those open. `list_page` is told None for
    the first page, then what the page before gave as `following`. `one_call` gives nothing for a call that
    the provider does not know. Both raise Misconfigured where the secrets do not do, Unavailable where the
    provider fails, and NotUnderstood for an answer that is not what its documents say.
    """

    secret_names: tuple[str, ...]
    account_of: Callable[[Mapping[str, str]], str]
    list_page: ListPage
    one_call: OneCall


async def fetch(step: Fetching[T], ask: Callable[[Ask], Awaitable[Answered]]) -> T:
    """Run it to its result with something that does the HTTP."""
    try:
        request = next(step)
        while True:
            request = step.send(await ask(request))
    except StopIteration as done:
        result: T = done.value
        return result
