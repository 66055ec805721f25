"""Arrow columns of sealed records, parsed by msgspec."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final

import pyarrow as pa

from calltally.calls.errors import DamagedStore
from calltally.formats.arrow_schema import READ_AS, SCHEMA, STRUCTS, TEXT
from calltally.formats.columns import COLUMNS, DAMAGED, Column, ColumnReader, Kind, is_unknown

_NULL: Final = b"null"


class ArrowReader:
    """Reads sealed records into record batches of `SCHEMA`."""

    def __init__(self) -> None:
        self._reader = ColumnReader(READ_AS)
        self._makers = [(_MAKERS[field.name], field.type) for field in SCHEMA]

    def read(self, records: bytes) -> Any:  # noqa: ANN401 (pyarrow has no types of its own)
        """Return a batch of records joined by a line feed. Raises DamagedStore for what is no record."""
        columns = self._reader.read(records)
        try:
            arrays = [
                pa.nulls(len(column), kind) if is_unknown(column) else make(column, kind)
                for (make, kind), column in zip(self._makers, columns, strict=True)
            ]
        except (pa.ArrowInvalid, OverflowError, UnicodeDecodeError) as fault:
            raise DamagedStore(DAMAGED) from fault
        return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


Maker = Callable[[Column, Any], Any]


def _plain(column: Column, kind: Any) -> Any:  # noqa: ANN401 (pyarrow has no types of its own)
    return pa.array(column, kind)


def _instants(column: Column, kind: Any) -> Any:  # noqa: ANN401
    # As text first: Arrow reads RFC 3339 itself, ten times as fast as Python makes datetimes of it.
    return pa.array(column, TEXT).cast(kind)


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
    **dict.fromkeys(STRUCTS, _structs),
    "metadata": _json,
}
