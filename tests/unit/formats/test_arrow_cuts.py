"""What is cut is what parsing gives, to the value, and what cannot be cut is left to parsing."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.errors import DamagedStore
from calltally.calls.model import CALL_FIELDS
from calltally.formats.arrow_columns import ArrowReader
from calltally.formats.arrow_cuts import read_cuts
from calltally.store.listing.refold_as_of import erased_document
from tests.unit.formats.records import joined, plain, records, standing

READER = ArrowReader()
# Texts that look like what the cuts are found by.
ODD = (
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
    "line\nfeed\r\n\ttab",
    "\x00\x01\x1f\x7f",
    "\N{LINE SEPARATOR}\N{NEXT LINE}",
    "é\N{PILE OF POO}",
    "2026-10-25T00:30:00.000001Z",
    "0012",
    "-0",
    "true",
    " ",
    "x" * 5_000,
)
# A text or name that begins with a colon: its first quote looks like the end of a name.
COLON_FIRST = re.compile(rb'[:,\[{]":')
# All that a record may hold beside texts.
WHOLE: dict[str, Any] = {
    "duration_seconds": 2**63 - 1,
    "ring_seconds": 0,
    "hangup_cause": -(2**63),
    "sip_code": -1,
    "escalated": True,
    "answered_at": "1999-12-31T23:59:59.999999Z",
    "escalation": {"target": "a", "initiated_by": None, "reason": "b"},
    "transfer": {"target": None, "outcome": "bridged"},
    "cost": {"amount": "0.0120", "currency": "USD"},
    "tags": ["a", "b"],
    "metadata": {"id": {"conflicts": [1, None, {"created_at": 1.5e300}]}, "": "", "updated_at": "x"},
}


def outcome(read: Any, sealed: bytes) -> Any:  # noqa: ANN401 (a batch, or what was raised)
    """What became of reading: a batch and its rows, or that the store is damaged."""
    try:
        batch = read(sealed)
    except DamagedStore:
        return DamagedStore
    batch.validate(full=True)
    return batch.to_pylist()


def same(sealed: bytes) -> bool:
    """Whether both ways of reading come to the same."""
    return bool(outcome(READER.read, sealed) == outcome(READER.parsed, sealed))


@given(records)
def test_cut_or_parsed_is_one(sealed: list[bytes]) -> None:
    assert READER.read(joined(sealed)).equals(READER.parsed(joined(sealed)))


@given(st.lists(standing.filter(lambda record: not COLON_FIRST.search(record)), min_size=1, max_size=5))
def test_whatever_stands_is_cut(sealed: list[bytes]) -> None:
    cut = read_cuts(joined(sealed))
    assert cut is not None
    assert cut.equals(READER.parsed(joined(sealed)))


@pytest.mark.parametrize("text", ODD)
def test_a_text_may_look_like_anything(text: str) -> None:
    told = {"summary": text, "agent": text, "cost": {"amount": text, "currency": None}}
    among = {"tags": [text, text], "metadata": {text: text, "b": [text]}, "escalation": {"target": text}}
    of_schema = {"escalation": {"target": text, "initiated_by": None, "reason": text}}
    sealed = joined([plain(), plain(**told), plain(**{**among, **of_schema}), plain(**told), plain(**WHOLE)])
    assert READER.read(sealed).equals(READER.parsed(sealed))
    assert read_cuts(sealed) is not None


def test_each_column_is_cut_whatever_others_have() -> None:
    for name, value in WHOLE.items():
        for sealed in (plain(**{name: value}), joined([plain(), plain(**{name: value}), plain()])):
            cut = read_cuts(sealed)
            assert cut is not None, name
            assert cut.equals(READER.parsed(sealed)), name


def test_the_names_of_an_object_may_be_any() -> None:
    """One of them less or more than usual: then it is parsed."""
    for cost in ({"amount": "1"}, {"amount": "1", "currency": "EUR", "id": "2"}):
        sealed = joined([plain(cost=cost), plain(cost={"amount": "1", "currency": "EUR"})])
        assert READER.read(sealed).equals(READER.parsed(sealed))
    assert READER.read(plain(cost={"currency": "EUR", "amount": "1"})).column("cost")[0].as_py() == {
        "amount": "1",
        "currency": "EUR",
    }


def test_erased_calls_are_parsed_with_those_among_which_they_stand() -> None:
    sealed = joined([plain(), erased_document(bytes(16), 0), plain()])
    assert read_cuts(sealed) is None
    assert READER.read(sealed).column("erased").to_pylist() == [None, True, None]


def test_a_text_that_begins_with_a_colon_is_parsed() -> None:
    sealed = joined([plain(summary=":"), plain()])
    assert READER.read(sealed).column("summary").to_pylist() == [":", None]


def test_other_fields_and_another_order_are_parsed() -> None:
    record = msgspec.json.decode(plain(summary="Kept."))
    for told in (
        {**record, "mood": "calm"},
        dict(reversed(record.items())),
        {name: value for name, value in record.items() if name != "tags"},
    ):
        sealed = msgspec.json.encode(told)
        assert read_cuts(sealed) is None
        assert READER.read(sealed).column("summary").to_pylist() == ["Kept."]


def spoilt(sealed: bytes) -> Iterator[bytes]:
    """Each byte left out, doubled or put out, in two of six ways in turn."""
    for at in range(len(sealed)):
        before, here, behind = sealed[:at], sealed[at : at + 1], sealed[at + 1 :]
        instead = (b"", b'"', here * 2, b"\\", b"{", b"\xff")
        for byte in instead[at % 3 :: 3]:
            yield before + byte + behind


def test_damage_is_told_as_by_parsing_wherever_it_is() -> None:
    whole = {**WHOLE, "metadata": {"a": 'b"'}, "summary": "c:"}
    sealed = joined([plain(call_sid="1"), plain(**whole)])
    assert read_cuts(sealed) is not None
    for each in spoilt(sealed):
        assert same(each), each


@pytest.mark.parametrize(
    ("told", "instead"),
    [
        (b'"conflicts":0', b'"conflicts":00'),
        (b'"conflicts":0', b'"conflicts":0x1'),
        (b'"conflicts":0', b'"conflicts":+1'),
        (b'"conflicts":0', b'"conflicts":1.0'),
        (b'"conflicts":0', b'"conflicts":-0'),
        (b'"conflicts":0', b'"conflicts": 1'),
        (b'"conflicts":0', b'"conflicts":9223372036854775808'),
        (b'"conflicts":0', b'"conflicts":true'),
        (b'"conflicts":0', b'"conflicts":"1"'),
        (b'"escalated":false', b'"escalated":falsy'),
        (b'"escalated":false', b'"escalated":"true"'),
        (b'"summary":null', b'"summary":nul1'),
        (b'"summary":null', b'"summary":12'),
        (b'"summary":null', b'"summary":"\\ud800"'),
        (b'"summary":null', b'"summary":"\\x"'),
        (b'"summary":null', b'"summary":"\xed\xa0\x80"'),
        (b'"summary":null', b'"summary":"\x1f"'),
        (b'"summary":null', b'"summary":"\\"'),
        (b'"tags":[]', b'"tags":[1]'),
        (b'"tags":[]', b'"tags":["a"'),
        (b'"tags":[]', b'"tags":{}'),
        (b'"metadata":null', b'"metadata":{"a"}'),
        (b'"metadata":null', b'"metadata":["a","b"'),
        (b'"cost":null', b'"cost":{"amount":1,"currency":"EUR"}'),
        (b'"answered_at":null', b'"answered_at":"yesterday"'),
        (b'"answered_at":null', b'"answered_at":"2026-13-01T00:00:00.000000Z"'),
        (b'{"id":', b'{"id" :'),
        (b'{"id":', b'{ "id":'),
    ],
)
def test_what_json_or_the_schema_does_not_have_is_told_as_by_parsing(told: bytes, instead: bytes) -> None:
    good = plain()
    assert told in good
    for sealed in (
        [good.replace(told, instead)],
        [good, good.replace(told, instead)],
        [good.replace(told, instead), good],
    ):
        assert same(joined(sealed))


def test_all_fields_are_cut() -> None:
    """A field that is added to the record and not to the cuts would have every chunk parsed."""
    cut = read_cuts(plain())
    assert cut is not None
    assert cut.schema.names == [*CALL_FIELDS, "erased"]
