"""How a client is set up: where the server is, the key, and for how long it tries."""

import random
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from calltally.calls.errors import InvalidInput

TIMEOUT_S: Final = 30.0
CONNECT_S: Final = 10.0
# A page of 1,000 calls has a few MB; a compressed answer can unpack to a thousand times what was sent.
LONGEST_BYTES: Final = 256 * 1024 * 1024
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
# What may stand behind Bearer (RFC 6750, section 2.1), and what header fields can carry beside it.
_FIRST_CHAR: Final = "!"
_LAST_CHAR: Final = "~"


class Key:
    """An API key that does not show itself: not in a representation, nor in a log or a message made of it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not text or not all(_FIRST_CHAR <= char <= _LAST_CHAR for char in text):
            raise InvalidInput.of(
                "key", "the key must be the text of an API key, without spaces or line ends"
            )
        self._text = text

    def __repr__(self) -> str:
        return "Key(…)"

    def reveal(self) -> str:
        """The key itself, for the one header that carries it."""
        return self._text

    def hide_in(self, text: str) -> str:
        """`text` without the key, should a server have repeated it."""
        return text.replace(self._text, "…")


class Retries(NamedTuple):
    """How often and for how long a request is tried again, after 429, 502, 503, 504 and connection faults.

    Before try n + 1 the client waits a random time from 0 to `first_s` · 2ⁿ⁻¹, at most `longest_s` (full
    jitter), and never less than Retry-After says. If that says more than `longest_s`, or what is left of
    `together_s`, the bound on all tries together, then the error is raised at once.
    """

    tries: int = 6
    first_s: float = 0.5
    longest_s: float = 60.0
    together_s: float = 180.0


async def _sleep_async(seconds: float) -> None:
    import asyncio  # deferred: takes a fifth of the import, and whoever awaits has loaded it

    await asyncio.sleep(seconds)


class Surroundings(NamedTuple):
    """What the client takes from outside; tests hand in others and wait for nothing."""

    now_s: Callable[[], float] = time.monotonic
    wall_s: Callable[[], float] = time.time  # clock: Retry-After may be a date, and a library has no rim
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], None] = time.sleep
    sleep_async: Callable[[float], Awaitable[None]] = _sleep_async


class Plan(NamedTuple):
    """What every operation is given.

    `base` is the base URL without a slash at its end; `longest_bytes` bounds an answer kept in memory.
    """

    base: str
    key: Key
    timeout_s: float
    retries: Retries
    surroundings: Surroundings
    longest_bytes: int = LONGEST_BYTES

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine, so that no proxy of the environment is meant for it."""
        return urlsplit(self.base).hostname in _LOCAL


def checked_base(base_url: str) -> str:
    """A base URL as it is used; raises InvalidInput with words that say what it should be."""
    why = _why_not(base_url)
    if why:
        raise InvalidInput.of("base_url", f"the base URL {why}: write it as https://calls.example.com")
    return base_url.rstrip("/")


def _why_not(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        _ = parts.port
    except ValueError:
        return "cannot be read"
    return _why_not_parts(parts)


def _why_not_parts(parts: SplitResult) -> str:
    if parts.scheme not in {"http", "https"}:
        return "must begin with https:// or http://"
    if not parts.hostname:
        return "names no host"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user or a password"
    if parts.query or parts.fragment:
        return "must end before a ? or #"
    return ""
