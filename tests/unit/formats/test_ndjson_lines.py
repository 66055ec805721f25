"""NDJSON: the very records, a line each."""

from hypothesis import given

from calltally.formats.ndjson_lines import NdjsonLines
from tests.unit.formats.records import joined, records


@given(records)
def test_each_line_is_a_record_to_the_byte(sealed: list[bytes]) -> None:
    writer = NdjsonLines()
    body = writer.begin() + writer.add(joined(sealed)) + writer.add(sealed[0]) + writer.end()
    assert body.split(b"\n") == [*sealed, sealed[0], b""]
