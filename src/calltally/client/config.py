"""Configuration of a client: base URL, key, timeouts and retry policy."""

import random
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from calltally.client.errors import InvalidArgument
from calltally.retry_policy import RetryPolicy

TIMEOUT_S: Final = 30.0
CONNECT_TIMEOUT_S: Final = 10.0
# A page of 1,000 calls has a few MB. A compressed response can grow a thousandfold by decompression.
LONGEST_BYTES: Final = 256 * 1024 * 1024
# A server behind a proxy may have a path, but not that of the API.
_API_PATHS: Final = ("/api/", "/api/v1/", "/api/v1/call-logs/")
_LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
# Characters that a header field can carry after Bearer, a superset of RFC 6750, section 2.1.
_FIRST_KEY_CHAR: Final = "!"
_LAST_KEY_CHAR: Final = "~"


class ClientKey:
    """API key that its representation does not reveal, so that no log or message contains it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not text or not all(_FIRST_KEY_CHAR <= char <= _LAST_KEY_CHAR for char in text):
            raise InvalidArgument.of(
                "key", "the key must be the text of an API key, without spaces and line ends"
            )
        self._text = text

    def __repr__(self) -> str:
        return "Key(…)"

    def reveal(self) -> str:
        """Return the key itself, for the header that carries it."""
        return self._text

    def hide_in(self, text: str) -> str:
        """Return `text` without the key, in case a server repeated it."""
        return text.replace(self._text, "…")


async def _sleep_async(seconds: float) -> None:
    import asyncio  # deferred: takes a fifth of the import time, and an async caller has loaded it

    await asyncio.sleep(seconds)


class Surroundings(NamedTuple):
    """Clocks, randomness and sleep of the client. Tests replace them so that nothing waits."""

    now_s: Callable[[], float] = time.monotonic
    wall_s: Callable[[], float] = time.time  # clock: a date in Retry-After is compared with it
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], None] = time.sleep
    sleep_async: Callable[[float], Awaitable[None]] = _sleep_async


class ClientConfig(NamedTuple):
    """Configuration that every operation receives.

    `base` is the base URL without a trailing slash. `longest_bytes` limits a response held in memory.
    """

    base: str
    key: ClientKey
    timeout_s: float
    retries: RetryPolicy
    surroundings: Surroundings
    longest_bytes: int = LONGEST_BYTES

    @property
    def is_local(self) -> bool:
        """True if the server is on this machine, which is reached without a proxy."""
        return urlsplit(self.base).hostname in _LOCAL_HOSTS


def validate_base_url(base_url: str) -> str:
    """Return the base URL without a trailing slash. Raises InvalidArgument naming the expected form."""
    try:
        parts = urlsplit(base_url)
        _ = parts.port
        why = _url_parts_error(parts)
    except ValueError:
        why = "cannot be read"
    if why:
        raise InvalidArgument.of("base_url", f"the base URL {why}: write it as https://calls.example.com")
    return base_url.rstrip("/")


def _url_parts_error(parts: SplitResult) -> str:
    if parts.scheme not in {"http", "https"}:
        return "must begin with https:// or http://"
    if not parts.hostname:
        return "names no host"
    if parts.username is not None or parts.password is not None:
        return "must not contain a user or a password"
    if parts.query or parts.fragment:
        return "must not have a query or a fragment"
    if f"{parts.path.rstrip('/')}/".endswith(_API_PATHS):
        return "must end before /api"
    return ""
