"""Small HTTP clients: one for commands that talk to a server, one that retries for providers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TypeAlias

from calltally.retry_policy import RetryPolicy, parse_retry_after_s

# The request was not processed, or an intermediary could not pass it on.
_RETRYABLE: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)

_RETRY_POLICY: Final = RetryPolicy(tries=8)
_QUOTED_CHARS: Final = 200

Pause: TypeAlias = Callable[[float], Awaitable[None]]


class HttpResponse(NamedTuple):
    """A response of any status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class RetryingClient:
    """Client that retries 429, 502, 503, 504 and missing responses, and honours Retry-After.

    Requests must be safe to repeat. Redirects are not followed, because credentials must not go elsewhere.
    `chance` returns 0 to 1.
    """

    def __init__(
        self,
        chance: Callable[[], float],
        *,
        timeout_s: float = 30.0,
        retry_policy: RetryPolicy = _RETRY_POLICY,
        pause: Pause = asyncio.sleep,
    ) -> None:
        import httpx2  # deferred: an eighth of a service's start

        self._client = httpx2.AsyncClient(timeout=timeout_s, trust_env=False)
        self._retry_policy = retry_policy
        self._chance = chance
        self._pause = pause

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def request(self, url: str, headers: Mapping[str, str], body: bytes | None = None) -> HttpResponse:
        """Return the response to a GET, or to a POST of a body; after the last try, any response.

        Raises ConnectionError without a response, and ValueError for an invalid URL.
        """
        failures = 1
        while self._retry_policy.allows_retry(failures):
            retry_after_s = None
            with suppress(ConnectionError):
                response = await self._send(url, headers, body)
                if response.status not in _RETRYABLE:
                    return response
                retry_after_s = parse_retry_after_s(response.headers)
            await self._pause(self._retry_policy.delay_s(failures, self._chance(), retry_after_s))
            failures += 1
        return await self._send(url, headers, body)

    async def _send(self, url: str, headers: Mapping[str, str], body: bytes | None) -> HttpResponse:
        method = "GET" if body is None else "POST"
        with _builtin_errors(url):
            response = await self._client.request(method, url, headers=headers, content=body)
        return HttpResponse(response.status_code, response.headers, response.content)


class HttpClient:
    """Client that keeps its connection open between requests.

    Each request raises ConnectionError without a response, and ValueError for an invalid URL. Redirects are
    not followed and proxies of the environment are not used: a signed URL means exactly that URL.
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

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
        return self._send("GET", url, headers=headers)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpResponse:
        """Post a body as it is; the headers state its type."""
        return self._send("POST", url, content=body, headers=headers)

    def post_json(self, url: str, body: object, headers: Mapping[str, str] | None = None) -> HttpResponse:
        return self._send("POST", url, json=body, headers=headers)

    def _send(self, method: str, url: str, **content: Any) -> HttpResponse:  # noqa: ANN401 (the library's)
        with _builtin_errors(url):
            response = self._client.request(method, url, **content)
        return HttpResponse(response.status_code, response.headers, response.content)


@contextmanager
def _builtin_errors(url: str) -> Iterator[None]:
    """Raise the library's errors as ConnectionError and ValueError."""
    import httpx2  # deferred: an eighth of a service's start

    try:
        yield
    except httpx2.InvalidURL as fault:
        raise ValueError(f"{url[:_QUOTED_CHARS]!r} is not a URL: {fault}") from fault
    except httpx2.TransportError as fault:
        message = f"no answer from {httpx2.URL(url).host}: {str(fault) or type(fault).__name__}"
        raise ConnectionError(message) from fault
