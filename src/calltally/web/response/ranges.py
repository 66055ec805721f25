"""Byte ranges of a file (RFC 9110, section 14)."""

import re
from typing import Final, NamedTuple

from calltally.web.response.problem_kinds import RangeNotSatisfiable

_RANGE: Final = re.compile(rb"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


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
