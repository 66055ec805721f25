"""Content negotiation by Accept and Accept-Encoding (RFC 9110, sections 12.5.1 and 12.5.3)."""

from functools import lru_cache
from typing import Final

from calltally.calls.errors import NotAcceptable

# Weights are integers in thousandths: a weight has at most three digits.
_FULL: Final = 1_000
_IDENTITY: Final = b"identity"


# Clients send the same few values with every request.
@lru_cache(maxsize=256)
def choose_type(accept: bytes | None, offered: tuple[bytes, ...]) -> bytes:
    """Return the media type of `offered` with the highest weight; the first one of several.

    The most specific matching range decides the weight of a type. Raises NotAcceptable if no type matches.
    """
    if accept is None or not accept.strip():
        return offered[0]
    weights = _weights(accept)
    best = max(offered, key=lambda media_type: _weight_of(media_type, weights))
    if _weight_of(best, weights):
        return best
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
    """Return the weight of each item of a header."""
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
