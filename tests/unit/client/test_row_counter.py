"""How many rows a file has, told while it passes, wherever it is cut into pieces."""

import csv
import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.client.row_counter import KINDS, Rows

CELLS = st.text(st.sampled_from('ab",\r\n '), max_size=6)
EOS = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def passed(name: str, content: bytes, cuts: list[int]) -> Rows:
    rows = KINDS[name].rows()
    places = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    for start, end in pairwise(places):
        rows.add(content[start:end])
    return rows


@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=6), st.lists(st.integers(0, 99), max_size=5)
)
def test_records_of_csv_are_counted_whatever_is_in_quotes(records: list[list[str]], cuts: list[int]) -> None:
    written = io.StringIO(newline="")
    csv.writer(written).writerows([["id", "summary"], *records])
    rows = passed("csv", written.getvalue().encode(), cuts)
    assert rows.found() == len(records)
    assert rows.is_whole()


@given(
    st.lists(st.binary(max_size=5).map(lambda line: line.replace(b"\n", b"")), max_size=6),
    st.lists(st.integers(0, 40)),
)
def test_lines_are_counted(lines: list[bytes], cuts: list[int]) -> None:
    rows = passed("ndjson", b"".join(line + b"\n" for line in lines), cuts)
    assert rows.found() == len(lines)
    assert rows.is_whole()


@given(st.binary(max_size=20), st.lists(st.integers(0, 40)))
def test_frames_are_found_wherever_they_are_cut(inside: bytes, cuts: list[int]) -> None:
    for name, content in (("parquet", b"PAR1" + inside + b"PAR1"), ("arrow", EOS + inside + EOS)):
        rows = passed(name, content, cuts)
        assert rows.is_whole()
        assert rows.found() is None


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
def test_a_file_without_its_end_is_not_whole(name: str, content: bytes) -> None:
    assert not passed(name, content, []).is_whole()
