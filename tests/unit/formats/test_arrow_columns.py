"""Arrow columns have what JSON says, whatever texts look like, and damage is an error."""

from io import BytesIO
from typing import Any

import msgspec
import pytest
from pyarrow import parquet

from calltally.calls.errors import DamagedStore
from calltally.formats.arrow_columns import ArrowReader
from calltally.formats.arrow_stream import ArrowStream
from calltally.formats.parquet_file import ParquetFile
from calltally.formats.writer import Writer
from calltally.store.listing.refold_as_of import erased_document
from tests.unit.formats.records import joined, plain

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


@pytest.mark.parametrize("text", ODD)
def test_a_text_may_look_like_anything(text: str) -> None:
    given: dict[str, Any] = {
        "summary": text,
        "agent": text,
        "tags": [text, text],
        "cost": {"amount": text, "currency": None},
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
        {"amount": "1", "currency": None},
        {"amount": "1", "currency": "EUR"},
    ]


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
        (b'"answered_at":null', b'"answered_at":"yesterday"'),
        (b'"answered_at":null', b'"answered_at":"2026-13-01T00:00:00.000000Z"'),
    ],
)
def test_what_json_or_the_schema_does_not_have_is_damage(good: bytes, bad: bytes) -> None:
    record = plain()
    assert good in record
    for records in ([record.replace(good, bad)], [record, record.replace(good, bad), record]):
        with pytest.raises(DamagedStore):
            READER.read(joined(records))


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
