"""Finished records as Arrow record batches, and the Arrow IPC stream of them.

Importing this module loads pyarrow, which takes 40 MB: import it only for a writer that needs it.
"""

from collections.abc import Callable, Mapping
from io import RawIOBase
from operator import attrgetter
from typing import Any, Final

import pyarrow as pa

from calltally.calls.errors import DamagedStore
from calltally.calls.model import Cost, Escalation, Transfer
from calltally.formats.columns import COLUMNS, DAMAGED, Column, ColumnReader, Kind, is_unknown

_TEXT: Final = pa.string()
_STRUCTS: Final[Mapping[str, type]] = {"escalation": Escalation, "transfer": Transfer, "cost": Cost}
_TYPES: Final[Mapping[Kind, Any]] = {
    Kind.WORD: _TEXT,
    Kind.TEXT: _TEXT,
    Kind.INSTANT: pa.timestamp("us", tz="UTC"),
    Kind.INTEGER: pa.int64(),
    Kind.FLAG: pa.bool_(),
}
# Room for every amount: own events state up to 18 digits before the point, providers up to 20 after it.
AMOUNT: Final = pa.decimal128(38, 20)
_NESTED: Final[Mapping[str, Any]] = {
    **{
        name: pa.struct([(key, AMOUNT if key == "amount" else _TEXT) for key in each.__struct_fields__])  # type: ignore[attr-defined] # they are Structs
        for name, each in _STRUCTS.items()
    },
    "tags": pa.list_(_TEXT),
    # JSON in text: its keys are whatever the sender liked.
    "metadata": _TEXT,
}
SCHEMA: Final = pa.schema(
    [(name, _NESTED[name] if kind is Kind.NESTED else _TYPES[kind]) for name, kind in COLUMNS.items()]
)
# Types of decoded nested values; metadata stays JSON.
_NESTED_TYPES: Final[Mapping[str, Any]] = {
    **{name: each | None for name, each in _STRUCTS.items()},
    "tags": list[str] | None,
}
_NULL: Final = b"null"


class ArrowReader:
    """Reader of finished records into record batches of `SCHEMA`."""

    def __init__(self) -> None:
        self._reader = ColumnReader(_NESTED_TYPES)
        self._makers = [(_MAKERS[field.name], field.type) for field in SCHEMA]

    def read(self, records: bytes) -> Any:  # noqa: ANN401 (pyarrow has no types of its own)
        """Return a batch of records joined by a line feed. Raises DamagedStore for other bytes."""
        columns = self._reader.read(records)
        try:
            arrays = [
                pa.nulls(len(column), kind) if is_unknown(column) else make(column, kind)
                for (make, kind), column in zip(self._makers, columns, strict=True)
            ]
        except (pa.ArrowInvalid, OverflowError, UnicodeDecodeError) as fault:
            raise DamagedStore(DAMAGED) from fault
        return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def _parsed(column: Column, kind: Any) -> Any:  # noqa: ANN401 (pyarrow has no types of its own)
    # As text first: Arrow reads RFC 3339 itself, ten times as fast as Python makes datetimes of it, and
    # decimals too.
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
    arrays = [_parsed(each, field.type) for field, each in zip(kind, children, strict=True)]
    return pa.StructArray.from_arrays(arrays, fields=list(kind), mask=absent)


_MAKERS: Final[Mapping[str, Callable[[Column, Any], Any]]] = {
    **{name: _parsed if kind is Kind.INSTANT else pa.array for name, kind in COLUMNS.items()},
    **dict.fromkeys(_STRUCTS, _structs),
    "metadata": _json,
}


class Sink(RawIOBase):
    """Buffer of written bytes until `take` removes them. The writer's own count of bytes continues."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        """Store a copy, because the buffer belongs to the writer."""
        piece = bytes(data)  # type: ignore[call-overload] # whatever has a buffer
        self._pieces.append(piece)
        return len(piece)

    def take(self) -> bytes:
        """Remove and return everything since the last call."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


class ArrowStream:
    """Writer of one uncompressed batch per chunk. The transport compresses it if the client accepts that."""

    def __init__(self) -> None:
        self._reader = ArrowReader()
        self._sink = Sink()
        self._writer: Any = pa.ipc.new_stream(self._sink, SCHEMA)

    def begin(self) -> bytes:
        return self._sink.take()

    def add(self, records: bytes) -> bytes:
        self._writer.write_batch(self._reader.read(records))
        return self._sink.take()

    def end(self) -> bytes:
        """Return the end marker. A stream without it counts as truncated."""
        self._writer.close()
        return self._sink.take()
