"""Each column is of the kind that the record has, and damage is told."""

import types
from typing import get_args, get_type_hints

import msgspec
import pytest

from calltally.calls.errors import DamagedStore
from calltally.calls.model import CALL_FIELDS, Call
from calltally.formats.columns import COLUMNS, ColumnReader, Kind
from tests.unit.formats.records import plain


def test_the_columns_are_the_records_fields_and_whether_it_was_erased() -> None:
    assert tuple(COLUMNS) == (*CALL_FIELDS, "erased")


def test_each_is_of_the_kind_that_the_record_declares() -> None:
    of_kind = {Kind.WORD: str, Kind.TEXT: str, Kind.INSTANT: str, Kind.INTEGER: int, Kind.FLAG: bool}
    hints = get_type_hints(Call)
    for name, hint in hints.items():
        options = set(get_args(hint)) - {type(None)} if isinstance(hint, types.UnionType) else {hint}
        if COLUMNS[name] is Kind.NESTED:
            assert all(get_args(option) for option in options)
        else:
            assert options == {of_kind[COLUMNS[name]]}
    instants = {name for name, kind in COLUMNS.items() if kind is Kind.INSTANT}
    assert instants == {name for name in CALL_FIELDS if name.endswith("_at")}


def test_nested_values_stay_json_unless_their_types_are_given() -> None:
    record = plain(metadata={"b": [1, {"c": "é"}]}, tags=["x"])
    columns = dict(zip(COLUMNS, ColumnReader({"tags": list[str]}).read(record), strict=True))
    assert bytes(columns["metadata"][0]) == '{"b":[1,{"c":"é"}]}'.encode()
    assert columns["tags"] == [["x"]]
    assert columns["erased"] == [None]


def test_a_field_of_a_later_version_is_passed_over() -> None:
    record = msgspec.json.decode(plain(summary="Kept."))
    (summary,) = dict(
        zip(COLUMNS, ColumnReader().read(msgspec.json.encode({**record, "mood": "calm"})), strict=True)
    )["summary"]
    assert summary == "Kept."


@pytest.mark.parametrize("damaged", [b"{", b"null", b'{"id":1}', b'{"id":"\xff"}', b'{"sip_code":"200"}'])
def test_what_is_no_record_is_a_damaged_store(damaged: bytes) -> None:
    with pytest.raises(DamagedStore, match="calltally verify"):
        ColumnReader().read(damaged)
