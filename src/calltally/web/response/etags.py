"""Entity tags (RFC 9110, section 8.8.3): whether what a client has is still what it would get."""

import re
from hashlib import blake2b
from typing import Final

ETAG_HEADERS: Final = {"ETag": "Weak; send it back as If-None-Match, and what did not change is a 304."}
_DIGEST_BYTES: Final = 15
_TAG: Final = re.compile(rb'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def weak_etag(*parts: object) -> bytes:
    """The tag of an answer that is a function of `parts`."""
    framed = "\0".join(map(repr, parts)).encode("utf-8", "backslashreplace")
    return b'W/"%b"' % blake2b(framed, digest_size=_DIGEST_BYTES).hexdigest().encode()


def etag_matches(if_none_match: bytes | None, tag: bytes) -> bool:
    """Whether a client has what `tag` stands for, by the weak comparison."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == b"*" or tag.removeprefix(b"W/") in _TAG.findall(if_none_match)
