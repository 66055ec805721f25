"""The little HTTP client that commands use to speak with a server."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import NamedTuple, Self

import httpx2


class Answer(NamedTuple):
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """Keeps its connection open between requests. Each request raises ConnectionError if no answer came.

    Redirects are not followed and proxies of the environment not used: whoever signs a URL means that URL.
    """

    def __init__(self, timeout_s: float = 10.0) -> None:
        self._client = httpx2.Client(timeout=timeout_s, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Fetch a page."""
        return _sent(url, lambda: self._client.get(url, headers=headers))

    def post_form(
        self, url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send fields as `application/x-www-form-urlencoded`."""
        return _sent(url, lambda: self._client.post(url, data=fields, headers=headers))

    def post_json(self, url: str, body: object, headers: Mapping[str, str] | None = None) -> Answer:
        """Send anything that JSON can say."""
        return _sent(url, lambda: self._client.post(url, json=body, headers=headers))


def _sent(url: str, request: Callable[[], httpx2.Response]) -> Answer:
    try:
        answer = request()
    except httpx2.TransportError as fault:
        message = f"no answer from {httpx2.URL(url).host}: {str(fault) or type(fault).__name__}"
        raise ConnectionError(message) from fault
    return Answer(answer.status_code, answer.headers, answer.content)
