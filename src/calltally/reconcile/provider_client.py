"""A provider's word, asked for over HTTP: its list page by page, and single calls."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Final, Protocol

from calltally.calls.errors import NotUnderstood, Unavailable
from calltally.calls.events import Fact
from calltally.providers.callback import Refusal
from calltally.providers.list_requests import Access, Answered, Ask, Fetch, Started, fetch


class HttpAnswer(Protocol):
    """What an HTTP client gives back."""

    @property
    def status(self) -> int:
        """The status code."""
        ...

    @property
    def body(self) -> bytes:
        """The whole body."""
        ...


_QUOTED_CHARS: Final = 200

# Told the URL, the headers, and the body of what is posted.
HttpAsk = Callable[[str, Mapping[str, str], bytes | None], Awaitable[HttpAnswer]]


class Asking:
    """Asks one provider about one tenant's account.

    `send` does the HTTP, with its waits and retries. What gets no answer is raised as Unavailable.
    """

    def __init__(self, provider: Fetch, access: Access, send: HttpAsk) -> None:
        self._provider = provider
        self._access = access
        self._send = send
        self.requests = 0

    @property
    def account(self) -> str:
        """Whose calls are listed; raises Misconfigured where the secrets do not say it."""
        return self._provider.account_of(self._access.secrets)

    async def pages(self, started: Started) -> AsyncGenerator[list[Fact | Refusal]]:
        """The calls that started in a stretch of time, a page at a time.

        Raises NotUnderstood where a page leads back to one before, which would never end.
        """
        place: str | None = None
        seen: set[str] = set()
        while True:
            listing = await fetch(self._provider.list_page(self._access, started, place), self._answer)
            yield listing.items
            place = listing.following
            if place is None:
                return
            if place in seen:
                raise NotUnderstood(
                    f"the provider's list leads back to {place[:_QUOTED_CHARS]!r}; ask it again later"
                )
            seen.add(place)

    async def call(self, call_sid: str) -> list[Fact | Refusal]:
        """What the provider says of one call now; nothing where it knows none."""
        return await fetch(self._provider.one_call(self._access, call_sid), self._answer)

    async def _answer(self, request: Ask) -> Answered:
        self.requests += 1
        try:
            answer = await self._send(*request)
        except ConnectionError as fault:
            raise Unavailable(f"{fault}; what was done is kept, so run it again later") from fault
        except ValueError as fault:
            raise NotUnderstood(f"the provider cannot be asked there: {fault}") from fault
        return Answered(answer.status, answer.body)
