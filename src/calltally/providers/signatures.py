"""Common parts of signature schemes. Pure functions; comparisons take constant time."""

import hmac
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from calltally.calls.times import SECOND_US

# Most providers' SDKs accept a signed time within this tolerance, in both directions.
TOLERANCE_S: Final = 300
# A rotation sends several signatures. The limit bounds the work for a request with hundreds.
MAX_SIGNATURES: Final = 10
MAX_HEADER_CHARS: Final = 8_192
_MAX_DIGITS: Final = 18
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


def keys_of(secrets: Mapping[str, str], names: Iterable[str]) -> list[bytes]:
    """Return the stored secrets of these names, without empty ones: anybody could sign with those."""
    return [secrets[name].encode() for name in names if secrets.get(name)]


def hmac_of(key: bytes, message: bytes, hash_name: str = "sha256") -> bytes:
    """Return the HMAC of a message."""
    return hmac.digest(key, message, hash_name)


def is_among(computed: bytes, given: Iterable[bytes]) -> bool:
    """Return whether one of the given signatures equals the computed one; compares all of them."""
    # `any` would reveal the position of the match by its time.
    return sum(hmac.compare_digest(computed, each) for each in given) > 0


def is_fresh(signed_at_us: int, received_us: int, tolerance_s: int = TOLERANCE_S) -> bool:
    """Return whether a signed time is within the tolerance of the receipt, in both directions."""
    return abs(received_us - signed_at_us) <= tolerance_s * SECOND_US


def parse_whole_number(text: str) -> int | None:
    """Return the number of a header; None unless it is plain digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None


def header_params(header: str) -> dict[str, list[str]]:
    """Parse a header such as `t=123,v1=abc,v1=def`. A rotation repeats names."""
    params: dict[str, list[str]] = {}
    for param in header[:MAX_HEADER_CHARS].split(","):
        name, equals, value = param.strip().partition("=")
        if equals:
            params.setdefault(name, []).append(value)
    return params


def url_variants(url: str) -> Iterator[str]:
    """Yield the URL as given, without a port and with the default port, each with https and http, once.

    Providers disagree on whether a default port is part of the signed URL, and a proxy may change the scheme.
    The first variant nearly always matches, so the others are built lazily.
    """
    yield url
    yielded, params = {url}, urlsplit(url)
    host = _without_port(params)
    for scheme, port in _DEFAULT_PORTS.items():
        for netloc in (params.netloc, host, f"{host}:{port}"):
            variant = params._replace(scheme=scheme, netloc=netloc).geturl()
            if variant not in yielded:
                yielded.add(variant)
                yield variant


def _without_port(params: SplitResult) -> str:
    return params.netloc if params.port is None else params.netloc[: params.netloc.rindex(":")]
