"""Client of a provider's call list over HTTP: pages, and single calls."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Final

from calltally.calls.errors import NotUnderstood, Unavailable
from calltally.calls.events import Fact
from calltally.net import HttpResponse
from calltally.providers.call_fetcher import (
    ApiAccess,
    ApiRequest,
    ApiResponse,
    CallFetcher,
    StartWindow,
    run_fetch,
)
from calltally.providers.callback import UnreadableRecord

_QUOTED_CHARS: Final = 200

# Parameters: the URL, the headers, and the body of a POST request.
SendRequest = Callable[[str, Mapping[str, str], bytes | None], Awaitable[HttpResponse]]


class ProviderClient:
    """Client of one provider for one tenant's account.

    `send` does the HTTP request, with waits and retries. A missing response raises Unavailable.
    """

    def __init__(self, provider: CallFetcher, access: ApiAccess, send: SendRequest) -> None:
        self._provider = provider
        self._access = access
        self._send = send
        self.requests = 0

    @property
    def account(self) -> str:
        """The account whose calls are listed. Raises Misconfigured if the secrets do not contain it."""
        return self._provider.account_of(self._access.secrets)

    async def pages(self, started: StartWindow) -> AsyncGenerator[list[Fact | UnreadableRecord]]:
        """Yield the calls that started in a period, page by page.

        Raises NotUnderstood if a page links to an earlier page, because that would never end.
        """
        page: str | None = None
        visited_pages: set[str] = set()
        while True:
            listing = await run_fetch(
                self._provider.list_page(self._access, started, page), self._send_request
            )
            yield listing.records
            page = listing.next_cursor
            if page is None:
                return
            if page in visited_pages:
                raise NotUnderstood(
                    f"the provider's list links back to its page {page[:_QUOTED_CHARS]!r}; try again later"
                )
            visited_pages.add(page)

    async def call(self, call_sid: str) -> list[Fact | UnreadableRecord]:
        """Return the provider's current facts of one call; none if the provider does not know it."""
        return await run_fetch(self._provider.one_call(self._access, call_sid), self._send_request)

    async def _send_request(self, request: ApiRequest) -> ApiResponse:
        self.requests += 1
        try:
            reply = await self._send(*request)
        except ConnectionError as fault:
            raise Unavailable(f"{fault}; completed work is stored, so run it again later") from fault
        except ValueError as fault:
            raise NotUnderstood(f"the provider's URL cannot be used: {fault}") from fault
        return ApiResponse(reply.status, reply.body)
