"""Entity tags (RFC 9110, section 8.8.3)."""

import re
from hashlib import blake2b
from typing import Final

ETAG_HEADERS: Final = {"ETag": "Weak. Send it as If-None-Match to get 304 for an unchanged response."}
_DIGEST_BYTES: Final = 15
_TAG: Final = re.compile(rb'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def weak_etag(*values: object) -> bytes:
    """Return the weak ETag of a response that is a function of `values`."""
    framed = "\0".join(map(repr, values)).encode("utf-8", "backslashreplace")
    return b'W/"%b"' % blake2b(framed, digest_size=_DIGEST_BYTES).hexdigest().encode()


def etag_matches(if_none_match: bytes | None, tag: bytes) -> bool:
    """Return whether If-None-Match contains `tag`, by the weak comparison."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == b"*" or tag.removeprefix(b"W/") in _TAG.findall(if_none_match)
