"""Batches come in the order of their records, however long each takes, and damage is told."""

from collections.abc import Iterator
from io import BytesIO

import pytest
from pyarrow import parquet

from calltally.calls.errors import DamagedStore
from calltally.formats.arrow_stream import ArrowStream
from calltally.formats.batches_ahead import BatchesAhead
from calltally.formats.parquet_file import ParquetFile
from calltally.formats.writer import Writer
from tests.unit.formats.records import joined, plain

CHUNKS = [joined([plain(call_sid=f"{chunk}")] * (1 if chunk % 3 else 500)) for chunk in range(10)]


def sids(batches: Iterator[object]) -> list[str]:
    return [batch.column("call_sid")[0].as_py() for batch in batches]  # type: ignore[attr-defined] # pyarrow has no types


def test_they_come_in_order_and_so_many_behind() -> None:
    ahead = BatchesAhead()
    taken = [sids(ahead.put(chunk)) for chunk in CHUNKS]
    left = sids(ahead.rest())
    assert taken[0] == []
    assert all(len(each) == 1 for each in taken[1:])
    assert [sid for each in taken for sid in each] + left == [f"{chunk}" for chunk in range(10)]


@pytest.mark.parametrize("kind", [ParquetFile, ArrowStream])
def test_damage_is_told_before_the_file_ends(kind: type[Writer]) -> None:
    writer = kind()
    writer.begin()

    def write() -> None:
        for chunk in (plain(), b"{", plain()):
            writer.add(chunk)
        writer.end()

    with pytest.raises(DamagedStore, match="calltally verify"):
        write()


def test_the_same_records_give_the_same_file() -> None:
    def written() -> bytes:
        writer = ParquetFile()
        return b"".join([writer.begin(), *map(writer.add, CHUNKS), writer.end()])

    first = written()
    assert written() == first
    assert parquet.read_table(BytesIO(first)).num_rows == sum(chunk.count(b"\n") + 1 for chunk in CHUNKS)
