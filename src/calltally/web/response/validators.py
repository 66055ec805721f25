"""Entity tags (RFC 9110, section 8.8.3) and byte ranges of a file (section 14)."""

import re
from hashlib import blake2b
from typing import Final, NamedTuple

from calltally.web.response.problem_kinds import RangeNotSatisfiable

ETAG_HEADERS: Final = {"ETag": "Weak. Send it as If-None-Match to get 304 for an unchanged response."}
_DIGEST_BYTES: Final = 15
_TAG: Final = re.compile(rb'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_RANGE: Final = re.compile(rb"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


def weak_etag(*values: object) -> bytes:
    """Return the weak ETag of a response that is a function of `values`."""
    framed = "\0".join(map(repr, values)).encode("utf-8", "backslashreplace")
    return b'W/"%b"' % blake2b(framed, digest_size=_DIGEST_BYTES).hexdigest().encode()


def etag_matches(if_none_match: bytes | None, tag: bytes) -> bool:
    """Return whether If-None-Match contains `tag`, by the weak comparison."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == b"*" or tag.removeprefix(b"W/") in _TAG.findall(if_none_match)


class ByteRange(NamedTuple):
    """Bytes from `first` to before `end`."""

    first: int
    end: int


def requested_range(headers: dict[bytes, bytes], tag: bytes, size: int) -> ByteRange | None:
    """Return the single range that a GET requests, or None for the whole file.

    `size` and `tag` are the size and strong ETag of the file. Several ranges and invalid ranges get the whole
    file, as the standard allows; so does a range of another version of the file (If-Range). Raises
    RangeNotSatisfiable.
    """
    found = _RANGE.fullmatch(headers.get(b"range", b"").strip())
    if found is None or headers.get(b"if-range", tag).strip() != tag:
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if not first:
        span = ByteRange(max(size - int(last), 0), size)
    else:
        span = ByteRange(int(first), min(int(last) + 1, size) if last else size)
        if last and int(last) < int(first):
            return None
    if span.first >= span.end:
        raise RangeNotSatisfiable(f"the file has {size} bytes", size)
    return span
