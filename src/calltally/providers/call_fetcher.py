"""Requests for a provider's list of calls, without I/O: a generator yields requests and receives responses.

A provider's `fetch.py` contains its addresses, authentication and record shapes. The caller does the HTTP
and the waiting after a 429: each response that it sends in is final.
"""

from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import NamedTuple, TypeAlias, TypeVar

from calltally.calls.events import Fact
from calltally.providers.callback import UnreadableRecord

T = TypeVar("T")


class ApiRequest(NamedTuple):
    """One request: a GET, or a POST if it has a body.

    The headers contain credentials: do not log them. A POST only queries, so it may be repeated.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


class ApiResponse(NamedTuple):
    """Response with any status."""

    status: int
    body: bytes


class ApiAccess(NamedTuple):
    """Address and secrets of a tenant's provider, and the time of receipt of its facts (microseconds UTC)."""

    base_url: str
    secrets: Mapping[str, str]
    received_us: int


class FetchedPage(NamedTuple):
    """One page of a list, and the cursor of the next page; None on the last page."""

    records: list[Fact | UnreadableRecord]
    next_cursor: str | None


class StartWindow(NamedTuple):
    """Time window of call starts, microseconds UTC. Calls that a provider lists beyond it are passed on."""

    from_us: int
    to_us: int


FetchGenerator: TypeAlias = Generator[ApiRequest, ApiResponse, T]
ListPage: TypeAlias = Callable[[ApiAccess, StartWindow, str | None], FetchGenerator[FetchedPage]]
OneCall: TypeAlias = Callable[[ApiAccess, str], FetchGenerator[list[Fact | UnreadableRecord]]]


class CallFetcher(NamedTuple):
    """API of one provider's call list.

    `secret_names` are the secrets that it uses. `account_of` returns the account that they open. `list_page`
    takes None for the first page, then the `next_cursor` of the page before. `one_call` returns nothing for a
    call that the provider does not have. `list_page` and `one_call` raise Misconfigured for wrong secrets,
    Unavailable if the provider fails, and NotUnderstood for a response that differs from its documentation.
    """

    secret_names: tuple[str, ...]
    account_of: Callable[[Mapping[str, str]], str]
    list_page: ListPage
    one_call: OneCall


async def run_fetch(steps: FetchGenerator[T], send: Callable[[ApiRequest], Awaitable[ApiResponse]]) -> T:
    """Run a fetch generator to its result. `send` does the HTTP."""
    try:
        request = next(steps)
        while True:
            request = steps.send(await send(request))
    except StopIteration as done:
        result: T = done.value
        return result
