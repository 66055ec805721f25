"""The little HTTP clients: one that commands use to speak with a server, one that waits for a provider."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TypeAlias

# The request was not processed, or somebody on the way could not pass it on.
_RETRYABLE: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)

_QUOTED_CHARS: Final = 200

Pause: TypeAlias = Callable[[float], Awaitable[None]]


class HttpAnswer(NamedTuple):
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpRetryPolicy(NamedTuple):
    """How often a request is tried, and how long is waited in between (seconds).

    `longest_s` also bounds what an answer's Retry-After may ask for.
    """

    tries: int = 8
    first_s: float = 0.5
    max_s: float = 60.0

    def wait_s(self, attempt: int, retry_after: str | None, chance: float) -> float:
        """The wait after a failed attempt (from 1): as asked for, else any part of a growing span.

        `chance` is from 0 to 1: clients that failed together so do not come back together.
        """
        span_s = min(self.max_s, self.first_s * 2.0 ** (attempt - 1))
        if retry_after is not None and retry_after.isascii() and retry_after.isdigit():
            return min(self.max_s, float(retry_after) + chance * self.first_s)
        return chance * span_s


class RetryingClient:
    """Asks, waits as long as it is asked to, and tries again what passes: 429, 502, 503, 504, no answer.

    What is sent must be safe to repeat. Redirects are not followed, since a sign-in must not be carried
    elsewhere. `chance` gives 0 to 1.
    """

    def __init__(
        self,
        chance: Callable[[], float],
        *,
        timeout_s: float = 30.0,
        retry_policy: HttpRetryPolicy | None = None,
        pause: Pause = asyncio.sleep,
    ) -> None:
        import httpx2  # deferred: an eighth of a service's start

        self._client = httpx2.AsyncClient(timeout=timeout_s, trust_env=False)
        self._retry_policy = retry_policy or HttpRetryPolicy()
        self._chance = chance
        self._pause = pause

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def request(self, url: str, headers: Mapping[str, str], body: bytes | None = None) -> HttpAnswer:
        """The answer to a GET, or to a POST of a body; the last of those that told to come back.

        Raises ConnectionError if none came, and ValueError where the URL is none.
        """
        for attempt in range(1, self._retry_policy.tries):
            try:
                response = await self._sent(url, headers, body)
            except ConnectionError:
                await self._wait(attempt, None)
                continue
            if response.status not in _RETRYABLE:
                return response
            await self._wait(attempt, response.headers.get("retry-after"))
        return await self._sent(url, headers, body)

    async def _wait(self, attempt: int, retry_after: str | None) -> None:
        await self._pause(self._retry_policy.wait_s(attempt, retry_after, self._chance()))

    async def _sent(self, url: str, headers: Mapping[str, str], body: bytes | None) -> HttpAnswer:
        import httpx2  # deferred: an eighth of a service's start

        method = "GET" if body is None else "POST"
        try:
            response = await self._client.request(method, url, headers=headers, content=body)
        except httpx2.InvalidURL as fault:
            raise _invalid_url(url, fault) from fault
        except httpx2.TransportError as fault:
            raise _unreachable(url, fault) from fault
        return HttpAnswer(response.status_code, response.headers, response.content)


class HttpClient:
    """Keeps its connection open between requests.

    Each request raises ConnectionError if no answer came, and ValueError where the URL is none.
    Redirects are not followed and proxies of the environment not used: whoever signs a URL means that URL.
    """

    def __init__(self, timeout_s: float = 10.0) -> None:
        import httpx2  # deferred: an eighth of a service's start

        self._client = httpx2.Client(timeout=timeout_s, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """Fetch a page."""
        return _sent(url, lambda: self._client.get(url, headers=headers))

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Send a body as it is; the headers say what it is."""
        return _sent(url, lambda: self._client.post(url, content=body, headers=headers))

    def post_json(self, url: str, body: object, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """Send anything that JSON can say."""
        return _sent(url, lambda: self._client.post(url, json=body, headers=headers))


def _sent(url: str, request: Callable[[], Any]) -> HttpAnswer:
    import httpx2  # deferred: an eighth of a service's start

    try:
        response = request()
    except httpx2.InvalidURL as fault:
        raise _invalid_url(url, fault) from fault
    except httpx2.TransportError as fault:
        raise _unreachable(url, fault) from fault
    return HttpAnswer(response.status_code, response.headers, response.content)


def _unreachable(url: str, fault: Exception) -> ConnectionError:
    import httpx2  # deferred: an eighth of a service's start

    return ConnectionError(f"no answer from {httpx2.URL(url).host}: {str(fault) or type(fault).__name__}")


def _invalid_url(url: str, fault: Exception) -> ValueError:
    return ValueError(f"{url[:_QUOTED_CHARS]!r} is no URL: {fault}")
