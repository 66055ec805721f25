"""Content negotiation (RFC 9110, section 12.5), and the content codings gzip and Zstandard (RFC 8878)."""

import sys
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Final, NamedTuple, Protocol

from calltally.calls.errors import NotAcceptable

# Weights are integers in thousandths: a weight has at most three digits.
_FULL: Final = 1_000
_IDENTITY: Final = b"identity"
_PROBLEM_JSON: Final = b"application/problem+json"
if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# Level 1 takes a third of the time of level 6 on a page of calls, and is a tenth larger.
_GZIP_LEVEL: Final = 1
_GZIP_FRAMING: Final = 31
_ZSTD_LEVEL: Final = 1


# Clients send the same few values with every request.
@lru_cache(maxsize=256)
def choose_type(accept: bytes | None, offered: tuple[bytes, ...]) -> bytes:
    """Return the media type of `offered` with the highest weight; the first one of several.

    The most specific matching range decides the weight of a type. Raises NotAcceptable if no type matches.
    The type of errors alone is no choice: OpenAPI Generator's client for Python sends it for all but JSON.
    """
    if accept is None or not accept.strip():
        return offered[0]
    weights = _weights(accept)
    best = max(offered, key=lambda media_type: _weight_of(media_type, weights))
    if _weight_of(best, weights):
        return best
    if weights.keys() == {_PROBLEM_JSON}:
        return offered[0]
    names = b", ".join(offered).decode()
    raise NotAcceptable(f"this resource is available as {names}; send one of them in Accept, or no Accept")


@lru_cache(maxsize=256)
def choose_coding(accept_encoding: bytes | None, offered: tuple[bytes, ...]) -> bytes | None:
    """Return the content coding of `offered` that the client names, unless it prefers identity.

    A client must name the coding, because some clients send `*` and cannot decode.
    """
    if not accept_encoding:
        return None
    weights = _weights(accept_encoding)
    named = [coding for coding in offered if weights.get(coding)]
    best = max(named, key=weights.__getitem__, default=None)
    return best if best and weights[best] >= weights.get(_IDENTITY, 0) else None


def _weight_of(media_type: bytes, weights: dict[bytes, int]) -> int:
    whole_kind = media_type.partition(b"/")[0] + b"/*"
    for media_range in (media_type, whole_kind, b"*/*"):
        if media_range in weights:
            return weights[media_range]
    return 0


def _weights(header: bytes) -> dict[bytes, int]:
    return dict(map(_item, header.lower().split(b",")))


def _item(text: bytes) -> tuple[bytes, int]:
    name, *parameters = [piece.strip() for piece in text.split(b";")]
    weights = [piece[2:].strip() for piece in parameters if piece.startswith(b"q=")]
    return name, _thousandths(weights[0]) if weights else _FULL


def _thousandths(weight: bytes) -> int:
    """Parse a weight from 0 to 1; an invalid weight counts as absent."""
    whole, _, digits = weight.partition(b".")
    if not (whole + digits).isdigit() or len(whole) > 1:
        return _FULL
    return min(int(whole) * _FULL + int(digits[:3].ljust(3, b"0")), _FULL)


class Compressor(Protocol):
    """Compressor of a stream. Its output may be empty for a chunk."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes:
        """End the stream. Without the end, the decoder reports a truncated stream."""
        ...


class ContentCoding(NamedTuple):
    """Functions of one content coding."""

    compress: Callable[[bytes], bytes]
    new_compressor: Callable[[], Compressor]


# In order of preference, for clients without a preference.
CODINGS: Final[Mapping[bytes, ContentCoding]] = {
    b"zstd": ContentCoding(
        partial(zstd.compress, level=_ZSTD_LEVEL), partial(zstd.ZstdCompressor, _ZSTD_LEVEL)
    ),
    b"gzip": ContentCoding(
        partial(zlib.compress, level=_GZIP_LEVEL, wbits=_GZIP_FRAMING),
        partial(zlib.compressobj, _GZIP_LEVEL, zlib.DEFLATED, _GZIP_FRAMING),
    ),
}
OFFERED: Final = tuple(CODINGS)
