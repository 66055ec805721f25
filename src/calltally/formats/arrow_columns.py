"""Calls as Arrow columns: the schema that Parquet and Arrow files share, and records read into it.

To import this loads pyarrow, which takes 40 MB: only a writer that needs it may.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final

import pyarrow as pa

from calltally.calls.model import Cost, Escalation, Transfer
from calltally.formats.columns import COLUMNS, Column, ColumnReader, Kind, is_unknown

_TEXT: Final = pa.string()
_NULL: Final = b"null"
_INSTANT: Final = pa.timestamp("us", tz="UTC")
_STRUCTS: Final[Mapping[str, type]] = {"escalation": Escalation, "transfer": Transfer, "cost": Cost}
_TYPES: Final[Mapping[Kind, Any]] = {
    Kind.WORD: _TEXT,
    Kind.TEXT: _TEXT,
    Kind.INSTANT: _INSTANT,
    Kind.INTEGER: pa.int64(),
    Kind.FLAG: pa.bool_(),
}
_NESTED: Final[Mapping[str, Any]] = {
    **{
        name: pa.struct([(key, _TEXT) for key in each.__struct_fields__])  # type: ignore[attr-defined] # they are Structs
        for name, each in _STRUCTS.items()
    },
    "tags": pa.list_(_TEXT),
    # JSON in text: its keys are whatever the sender liked.
    "metadata": _TEXT,
}
SCHEMA: Final = pa.schema(
    [(name, _NESTED[name] if kind is Kind.NESTED else _TYPES[kind]) for name, kind in COLUMNS.items()]
)


class ArrowReader:
    """Reads sealed records into record batches of `SCHEMA`."""

    def __init__(self) -> None:
        read_as = {name: each | None for name, each in _STRUCTS.items()}
        self._reader = ColumnReader({**read_as, "tags": list[str] | None})
        self._makers = [(_MAKERS[field.name], field.type) for field in SCHEMA]

    def read(self, records: bytes) -> Any:  # noqa: ANN401 (pyarrow has no types of its own)
        """One batch. Raises DamagedStore for what is no record."""
        columns = self._reader.read(records)
        arrays = [
            pa.nulls(len(column), kind) if is_unknown(column) else make(column, kind)
            for (make, kind), column in zip(self._makers, columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


Maker = Callable[[Column, Any], Any]


def _plain(column: Column, kind: Any) -> Any:  # noqa: ANN401 (pyarrow has no types of its own)
    return pa.array(column, kind)


def _instants(column: Column, kind: Any) -> Any:  # noqa: ANN401
    # As text first: Arrow reads RFC 3339 itself, ten times as fast as Python makes datetimes of it.
    return pa.array(column, _TEXT).cast(kind)


def _json(column: Column, kind: Any) -> Any:  # noqa: ANN401
    if None not in column and b"".join(column) == _NULL * len(column):
        return pa.nulls(len(column), kind)
    texts = [None if value is None else str(value, "utf-8") for value in column]
    return pa.array([None if text == "null" else text for text in texts], kind)


def _structs(column: Column, kind: Any) -> Any:  # noqa: ANN401
    if None in column:
        absent = pa.array([value is None for value in column])
        children = [
            [None if value is None else getattr(value, field.name) for value in column] for field in kind
        ]
    else:
        absent = None
        children = [list(map(attrgetter(field.name), column)) for field in kind]
    arrays = [pa.array(each, field.type) for field, each in zip(kind, children, strict=True)]
    return pa.StructArray.from_arrays(arrays, fields=list(kind), mask=absent)


_MAKERS: Final[Mapping[str, Maker]] = {
    **{name: _instants if kind is Kind.INSTANT else _plain for name, kind in COLUMNS.items()},
    **dict.fromkeys(_STRUCTS, _structs),
    "metadata": _json,
}
