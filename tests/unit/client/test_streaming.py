"""Row counters give the same result for any division into pieces."""

import csv
import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.export_formats import FORMATS
from calltally.client.streaming import RowCounter, new_check

CELLS = st.text(st.sampled_from('ab",\r\n '), max_size=6)
EOS = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def counter_after(name: str, content: bytes, cuts: list[int]) -> RowCounter:
    counter = new_check(FORMATS[name])
    offsets = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    for start, end in pairwise(offsets):
        counter.add(content[start:end])
    return counter


@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=6), st.lists(st.integers(0, 99), max_size=5)
)
def test_csv_records_are_counted_with_line_ends_in_quotes(records: list[list[str]], cuts: list[int]) -> None:
    written = io.StringIO(newline="")
    csv.writer(written).writerows([["id", "summary"], *records])
    counter = counter_after("csv", written.getvalue().encode(), cuts)
    assert counter.row_count() == len(records)
    assert counter.is_complete()


@given(
    st.lists(st.binary(max_size=5).map(lambda line: line.replace(b"\n", b"")), max_size=6),
    st.lists(st.integers(0, 40)),
)
def test_lines_are_counted(lines: list[bytes], cuts: list[int]) -> None:
    counter = counter_after("ndjson", b"".join(line + b"\n" for line in lines), cuts)
    assert counter.row_count() == len(lines)
    assert counter.is_complete()


@given(st.binary(max_size=20), st.lists(st.integers(0, 40)))
def test_start_and_end_marks_are_found_across_pieces(inside: bytes, cuts: list[int]) -> None:
    for name, content in (("parquet", b"PAR1" + inside + b"PAR1"), ("arrow", EOS + inside + EOS)):
        counter = counter_after(name, content, cuts)
        assert counter.is_complete()
        assert counter.row_count() is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("csv", b""),
        ("csv", b"id,summary"),
        ("csv", b'id\r\n"cut\n'),
        ("ndjson", b'{"id": 1}\n{"id"'),
        ("parquet", b"PAR1..."),
        ("parquet", b"...PAR1"),
        ("parquet", b""),
        ("arrow", b"\xff\xff\xff\xff\x08\x00\x00\x00"),
    ],
)
def test_file_without_its_end_is_incomplete(name: str, content: bytes) -> None:
    assert not counter_after(name, content, []).is_complete()
