"""Byte ranges, compared with the standard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.web.response.problem_kinds import RangeNotSatisfiable
from calltally.web.response.validators import ByteRange, requested_range

NUMBERS = st.integers(0, 40)


def expected(first: int | None, last: int | None, size: int) -> list[int] | None:
    """Return the requested positions; empty outside the file, None for an invalid range."""
    offsets = range(size)
    if first is None and last is None:
        return None
    if first is None:
        return list(offsets)[size - min(last or 0, size) :]
    if last is not None and last < first:
        return None
    return [position for position in offsets if position >= first and (last is None or position <= last)]


@given(st.none() | NUMBERS, st.none() | NUMBERS, st.integers(0, 30))
def test_range_follows_the_standard(first: int | None, last: int | None, size: int) -> None:
    text = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    wanted = expected(first, last, size)
    if wanted == []:
        with pytest.raises(RangeNotSatisfiable):
            requested_range({b"range": text.encode()}, b'"tag"', size)
        return
    span = requested_range({b"range": text.encode()}, b'"tag"', size)
    assert (span and list(range(*span))) == wanted


@given(st.binary(max_size=40))
def test_invalid_range_is_ignored(text: bytes) -> None:
    try:
        span = requested_range({b"range": text}, b'"tag"', 10)
    except RangeNotSatisfiable:
        return
    assert span is None or 0 <= span.first < span.end <= 10


def test_without_a_range_the_whole_file_is_sent() -> None:
    assert requested_range({}, b'"tag"', 10) is None
    assert requested_range({b"range": b"BYTES=1-2"}, b'"tag"', 10) == ByteRange(1, 3)
