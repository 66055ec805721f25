"""Parquet and Arrow: what a reader finds is what JSON says, damage is an error, and memory stays flat."""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from pyarrow import parquet

from calltally.calls.errors import DamagedStore
from calltally.formats import parquet_file
from calltally.formats.arrow import SCHEMA, ArrowReader, ArrowStream
from calltally.formats.columns import COLUMNS, Kind
from calltally.formats.parquet_file import ParquetFile
from calltally.formats.writers import Writer
from calltally.store.listing.refold_as_of import erased_document
from tests.unit.formats.records import decoded, joined, plain, records

READER = ArrowReader()
# Texts with what JSON is made of.
ODD = (
    *(
        '"',
        "\\",
        '\\"',
        'ends in \\\\"',
        '","status":"busy","summary":"',
        '":',
        "a:null,",
        "null",
        "{",
        "}\n{",
    ),
    *("line\nfeed\r\n\ttab", "\x00\x01\x1f\x7f", "\N{LINE SEPARATOR}\N{NEXT LINE}", "é\N{PILE OF POO}"),
    *("2026-10-25T00:30:00.000001Z", "0012", "-0", "true", " ", ":", "x" * 5_000),
)
CHUNKS = [joined([plain(call_sid=f"{chunk}")] * (1 if chunk % 3 else 500)) for chunk in range(10)]
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


def as_read(name: str, value: Any) -> Any:  # noqa: ANN401 (JSON may be anything)
    """A value as JSON has it, as the column has it."""
    if value is not None and COLUMNS[name] is Kind.INSTANT:
        return datetime.fromisoformat(value)
    if value is not None and name == "cost":
        return {**value, "amount": Decimal(value["amount"])}
    return value


def displayed(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its metadata as what its text says."""
    metadata = row["metadata"]
    return {**row, "metadata": None if metadata is None else json.loads(metadata)}


@pytest.mark.parametrize("text", ODD)
def test_a_text_may_look_like_anything(text: str) -> None:
    given: dict[str, Any] = {
        "summary": text,
        "agent": text,
        "tags": [text, text],
        "escalation": {"target": None, "initiated_by": text, "reason": text},
    }
    batch = READER.read(joined([plain(), plain(metadata={text: text, "b": [text]}, **given), plain()]))
    batch.validate(full=True)
    [before, row, behind] = batch.to_pylist()
    assert {name: row[name] for name in given} == given
    assert msgspec.json.decode(row["metadata"]) == {text: text, "b": [text]}
    assert before["summary"] is behind["summary"] is None


def test_integers_reach_both_ends_of_64_bits() -> None:
    batch = READER.read(plain(duration_seconds=2**63 - 1, hangup_cause=-(2**63)))
    assert batch.column("duration_seconds").to_pylist() == [2**63 - 1]
    assert batch.column("hangup_cause").to_pylist() == [-(2**63)]


def test_objects_may_have_fewer_fields_or_more_in_any_order() -> None:
    costs = [{"amount": "1"}, {"id": "2", "currency": "EUR", "amount": "1"}]
    batch = READER.read(joined([plain(cost=cost) for cost in costs]))
    assert batch.column("cost").to_pylist() == [
        {"amount": Decimal(1), "currency": None},
        {"amount": Decimal(1), "currency": "EUR"},
    ]


@pytest.mark.parametrize(
    "text", ["0.0140", "-0", "123456789012345678.123456789012", "1.23456789012345678901"]
)
def test_amounts_are_exact_decimals(text: str) -> None:
    batch = READER.read(plain(cost={"amount": text, "currency": "USD"}))
    assert batch.column("cost").to_pylist()[0]["amount"] == Decimal(text)


def test_erased_calls_stand_among_others() -> None:
    batch = READER.read(joined([plain(), erased_document(bytes(16), 0), plain()]))
    assert batch.column("erased").to_pylist() == [None, True, None]


def test_records_of_other_releases_have_more_fields_or_fewer_in_any_order() -> None:
    record = msgspec.json.decode(plain(summary="Kept."))
    for other in (
        {**record, "mood": "calm"},
        dict(reversed(record.items())),
        {name: value for name, value in record.items() if name != "tags"},
    ):
        assert READER.read(msgspec.json.encode(other)).column("summary").to_pylist() == ["Kept."]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        *(
            (b'"conflicts":0', b'"conflicts":' + bad)
            for bad in (b"00", b"0x1", b"+1", b"9223372036854775808")
        ),
        *((b'"conflicts":0', b'"conflicts":' + bad) for bad in (b"true", b'"1"')),
        *((b'"escalated":false', b'"escalated":' + bad) for bad in (b"falsy", b'"true"')),
        *((b'"summary":null', b'"summary":' + bad) for bad in (b"nul1", b"12", b'"\\ud800"', b'"\\x"')),
        *((b'"summary":null', b'"summary":' + bad) for bad in (b'"\xed\xa0\x80"', b'"\x1f"', b'"\\"')),
        *((b'"tags":[]', b'"tags":' + bad) for bad in (b"[1]", b'["a"', b"{}")),
        *((b'"metadata":null', b'"metadata":' + bad) for bad in (b'{"a"}', b'["a","b"')),
        (b'"cost":null', b'"cost":{"amount":1,"currency":"EUR"}'),
        (b'"cost":null', b'"cost":{"amount":"one","currency":"EUR"}'),
        (b'"answered_at":null', b'"answered_at":"yesterday"'),
        (b'"answered_at":null', b'"answered_at":"2026-13-01T00:00:00.000000Z"'),
    ],
)
def test_what_json_or_the_schema_does_not_have_is_damage(good: bytes, bad: bytes) -> None:
    record = plain()
    assert good in record
    for damaged in ([record.replace(good, bad)], [record, record.replace(good, bad), record]):
        with pytest.raises(DamagedStore):
            READER.read(joined(damaged))


@writers
def test_damage_is_reported_before_the_file_ends(kind: type[Writer]) -> None:
    with pytest.raises(DamagedStore, match="calltally verify"):
        written(kind(), plain(), b"{", plain())


def test_the_same_records_give_the_same_file() -> None:
    first = written(ParquetFile(), *CHUNKS)
    assert written(ParquetFile(), *CHUNKS) == first
    assert parquet.read_table(BytesIO(first)).num_rows == sum(chunk.count(b"\n") + 1 for chunk in CHUNKS)


@writers
@given(sealed=records)
def test_what_is_written_is_read_back(kind: type[Writer], sealed: list[bytes]) -> None:
    table = read_back(kind, joined(sealed), sealed[0])
    assert table.schema.equals(SCHEMA)
    expected = [{name: as_read(name, value) for name, value in call.items()} for call in decoded(sealed)]
    assert [displayed(row) for row in table.to_pylist()] == [*expected, expected[0]]


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
    assert SCHEMA.field("cost").type == pa.struct(
        [("amount", pa.decimal128(38, 20)), ("currency", pa.string())]
    )


def test_row_groups_are_bounded_by_rows_and_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "GROUP_ROWS", 4)
    monkeypatch.setattr(parquet_file, "GROUP_BYTES", 10_000)
    short, long = plain(), plain(summary="x" * 20_000)
    file = BytesIO(written(ParquetFile(), short, joined([short] * 3), long, joined([short] * 5), short))
    metadata = parquet.ParquetFile(file).metadata
    assert [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)] == [4, 1, 5, 1]


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
def test_a_cut_file_is_found_by_its_reader(kind: type[Writer]) -> None:
    whole = written(kind(), joined([plain()] * 10))
    with pytest.raises(pa.ArrowInvalid):
        READERS[kind](BytesIO(whole[: len(whole) // 2]))
