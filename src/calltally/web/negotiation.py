"""What the client can take: Accept and Accept-Encoding (RFC 9110, sections 12.5.1 and 12.5.3)."""

from functools import lru_cache

from calltally.calls.errors import NotAcceptable


# Clients send the same few values with every request.
@lru_cache(maxsize=256)
def check_accept(accept: bytes | None) -> None:
    """Raise NotAcceptable unless JSON may be served. The most specific range that matches decides."""
    if accept is None or not accept.strip():
        return
    wanted = _weighted(accept)
    for media_range in (b"application/json", b"application/*", b"*/*"):
        if media_range in wanted:
            if wanted[media_range]:
                return
            break
    raise NotAcceptable("this is served as application/json; send Accept: application/json, or none")


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: bytes | None) -> bool:
    """Whether gzip is asked for by its name."""
    return accept_encoding is not None and _weighted(accept_encoding).get(b"gzip", False)


def _weighted(header: bytes) -> dict[bytes, bool]:
    """What a header lists, each with whether its weight lets it through."""
    return dict(map(_item, header.lower().split(b",")))


def _item(text: bytes) -> tuple[bytes, bool]:
    name, *parameters = [piece.strip() for piece in text.split(b";")]
    weights = [piece[2:].strip() for piece in parameters if piece.startswith(b"q=")]
    return name, not weights or weights[0].strip(b"0.") != b""
