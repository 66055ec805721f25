"""Parquet and Arrow: what a reader finds is what JSON says, and memory stays flat."""

import json
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from pyarrow import parquet

from calltally.formats import parquet_file
from calltally.formats.arrow_columns import ArrowReader
from calltally.formats.arrow_schema import SCHEMA
from calltally.formats.arrow_stream import ArrowStream
from calltally.formats.columns import COLUMNS, Kind
from calltally.formats.parquet_file import ParquetFile
from calltally.formats.writer import Writer
from tests.unit.formats.records import decoded, joined, plain, records

READERS: dict[type[Writer], Callable[[BytesIO], Any]] = {
    ParquetFile: parquet.read_table,
    ArrowStream: lambda file: pa.ipc.open_stream(file).read_all(),
}
writers = pytest.mark.parametrize("kind", READERS)
MIB = 1024 * 1024


def written(writer: Writer, *chunks: bytes) -> bytes:
    return b"".join([writer.begin(), *(writer.add(chunk) for chunk in chunks), writer.end()])


def read_back(kind: type[Writer], *chunks: bytes) -> Any:  # noqa: ANN401 (pyarrow has no types of its own)
    return READERS[kind](BytesIO(written(kind(), *chunks)))


def told(name: str, value: Any) -> Any:  # noqa: ANN401 (JSON may be anything)
    """A value as JSON has it, as the column has it."""
    if value is not None and COLUMNS[name] is Kind.INSTANT:
        return datetime.fromisoformat(value)
    return value


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its metadata as what its text says."""
    metadata = row["metadata"]
    return {**row, "metadata": None if metadata is None else json.loads(metadata)}


@writers
@given(sealed=records)
def test_what_is_written_is_read_back(kind: type[Writer], sealed: list[bytes]) -> None:
    table = read_back(kind, joined(sealed), sealed[0])
    assert table.schema.equals(SCHEMA)
    expected = [{name: told(name, value) for name, value in call.items()} for call in decoded(sealed)]
    assert [shown(row) for row in table.to_pylist()] == [*expected, expected[0]]


@writers
def test_a_window_without_calls_has_its_columns_all_the_same(kind: type[Writer]) -> None:
    table = read_back(kind)
    assert (table.num_rows, table.schema.names) == (0, list(COLUMNS))


def test_the_types_are_those_that_a_warehouse_can_use() -> None:
    assert SCHEMA.field("created_at").type == pa.timestamp("us", tz="UTC")
    assert SCHEMA.field("duration_seconds").type == pa.int64()
    assert SCHEMA.field("tags").type == pa.list_(pa.string())
    assert SCHEMA.field("metadata").type == pa.string()
    assert [field.name for field in SCHEMA.field("escalation").type] == ["target", "initiated_by", "reason"]
    assert [field.name for field in SCHEMA.field("cost").type] == ["amount", "currency"]


def test_row_groups_are_bounded_by_rows_and_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "GROUP_ROWS", 4)
    monkeypatch.setattr(parquet_file, "GROUP_BYTES", 10_000)
    short, long = plain(), plain(summary="x" * 20_000)
    file = BytesIO(written(ParquetFile(), short, joined([short] * 3), long, joined([short] * 5), short))
    told = parquet.ParquetFile(file).metadata
    assert [told.row_group(number).num_rows for number in range(told.num_row_groups)] == [4, 1, 5, 1]


@writers
def test_what_arrow_holds_does_not_grow_with_the_window(
    kind: type[Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_file, "GROUP_ROWS", 10_000)
    chunk = joined([plain(summary="Customer confirmed appointment time.", metadata={"a": 1})] * 2_000)
    group_bytes = 5 * ArrowReader().read(chunk).nbytes
    writer, before = kind(), pa.total_allocated_bytes()
    held, sent = [], len(writer.begin())
    for _ in range(100):
        sent += len(writer.add(chunk))
        held.append(pa.total_allocated_bytes() - before)
    # Of twenty row groups never more than one that is collected, one that is encoded, and what that takes.
    assert max(held) < 3 * group_bytes + MIB
    sent += len(writer.end())
    del writer
    assert pa.total_allocated_bytes() - before < MIB
    assert sent > 0


@writers
def test_a_cut_file_is_seen_by_its_reader(kind: type[Writer]) -> None:
    whole = written(kind(), joined([plain()] * 10))
    with pytest.raises(pa.ArrowInvalid):
        READERS[kind](BytesIO(whole[: len(whole) // 2]))
