"""What the schemes by which providers sign have in common. Pure; a comparison takes the same time for all."""

import hmac
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from calltally.calls.times import SECOND_US

# What most providers' SDKs allow a signed time to be off, either way.
TOLERANCE_S: Final = 300
# Several signatures come in a rotation; whoever sends hundreds makes work.
MOST_SIGNATURES: Final = 10
MOST_HEADER_CHARS: Final = 8_192
_MOST_DIGITS: Final = 18
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


def keys_of(secrets: Mapping[str, str], names: Iterable[str]) -> list[bytes]:
    """The stored secrets of these names. An empty one is none: it would let everybody sign."""
    return [secrets[name].encode() for name in names if secrets.get(name)]


def hmac_of(key: bytes, message: bytes, hash_name: str = "sha256") -> bytes:
    """The plain HMAC of a message."""
    return hmac.digest(key, message, hash_name)


def is_among(computed: bytes, given: Iterable[bytes]) -> bool:
    """Whether one of the signatures that came is the computed one; all are looked at."""
    # Not `any`: it would tell by its time which of them was right.
    return sum(hmac.compare_digest(computed, each) for each in given) > 0


def is_fresh(signed_at_us: int, received_us: int, tolerance_s: int = TOLERANCE_S) -> bool:
    """Whether a signed time lies within the tolerance of the receipt, either way."""
    return abs(received_us - signed_at_us) <= tolerance_s * SECOND_US


def whole_number(text: str) -> int | None:
    """A header's number; None for whatever is not plain digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def parts_of(header: str) -> dict[str, list[str]]:
    """The parts of a header like `t=123,v1=abc,v1=def`, by name: several signatures stand in a rotation."""
    parts: dict[str, list[str]] = {}
    for part in header[:MOST_HEADER_CHARS].split(","):
        name, equals, value = part.strip().partition("=")
        if equals:
            parts.setdefault(name, []).append(value)
    return parts


def spellings(url: str) -> Iterator[str]:
    """The URL as given, without a port and with the default one, each by https and http; none twice.

    Providers are not of one mind whether a default port belongs to what is signed, and a proxy may have
    changed the scheme. The first is nearly always the one; the others are made when they are asked for.
    """
    yield url
    met, parts = {url}, urlsplit(url)
    host = _without_port(parts)
    for scheme, port in _DEFAULT_PORTS.items():
        for netloc in (parts.netloc, host, f"{host}:{port}"):
            spelling = parts._replace(scheme=scheme, netloc=netloc).geturl()
            if spelling not in met:
                met.add(spelling)
                yield spelling


def _without_port(parts: SplitResult) -> str:
    return parts.netloc if parts.port is None else parts.netloc[: parts.netloc.rindex(":")]
