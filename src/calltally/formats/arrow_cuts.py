"""Arrow columns of records that are cut instead of parsed: slices of their bytes, taken by Arrow itself.

It is busy with it, and the interpreter is not: other threads go on meanwhile.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
from msgspec.structs import asdict
from pyarrow import compute

from calltally.calls.model import CALL_FIELDS
from calltally.formats.arrow_schema import INSTANT, READ_AS, SCHEMA, STRUCTS, TEXT
from calltally.formats.columns import COLUMNS, Kind
from calltally.formats.cuts import Cuts, cut

_METADATA: Final = "metadata"
_TRUE: Final = "true"
_FALSE: Final = "false"
_BACKSLASH: Final = "\\"
_PLACE_OF: Final = {name: place for place, name in enumerate(CALL_FIELDS)}
_KINDS: Final = ((Kind.WORD, Kind.TEXT), (Kind.INSTANT,), (Kind.INTEGER,), (Kind.FLAG,), (Kind.NESTED,))
_NAMES: Final[Mapping[tuple[Kind, ...], list[str]]] = {
    kinds: [name for name in CALL_FIELDS if COLUMNS[name] in kinds] for kinds in _KINDS
}


class _UnlikeError(Exception):
    """These records have to be parsed."""


def read_cuts(records: bytes) -> Any:  # noqa: ANN401 (pyarrow has no types of its own)
    """One batch of `SCHEMA`, equal to what parsing gives; None where the records have to be parsed."""
    cuts = cut(records)
    if cuts is None:
        return None
    try:
        if not records.isascii():
            records.decode()
        return _CutBatch(records, cuts).read()
    except (_UnlikeError, pa.ArrowInvalid, msgspec.DecodeError, UnicodeDecodeError):
        return None


class _CutBatch:
    """The columns of some cuts. Raises one of four errors for what is not as the schema has it.

    All columns of a kind are made by one call, and told apart afterwards: a call costs as much as many rows.
    """

    def __init__(self, records: bytes, cuts: Cuts) -> None:
        self._rows = len(cuts.begins)
        self._records = pa.py_buffer(records)
        self._has_escapes = b"\\" in records
        self._cuts = cuts
        self._are_null = np.all(cuts.is_null, axis=0).tolist()
        # Those that stand in values which are neither text nor null, as they are read.
        self._quotes = 0

    def read(self) -> Any:  # noqa: ANN401 (pyarrow has no types of its own)
        """The batch. Calls that were erased have one field more; they are not cut."""
        made = {
            **self._of((Kind.WORD, Kind.TEXT), self._texts),
            **self._of((Kind.INSTANT,), self._instants),
            **self._of((Kind.INTEGER,), self._integers),
            **self._of((Kind.FLAG,), self._flags),
        }
        for name in self._told((Kind.NESTED,)):
            made[name] = self._nested(name)
        if self._quotes != self._cuts.quotes:
            raise _UnlikeError
        arrays = [
            made[each.name] if each.name in made else pa.nulls(self._rows, each.type) for each in SCHEMA
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)

    def _told(self, kinds: tuple[Kind, ...]) -> list[str]:
        """The columns of some kinds that have any value."""
        return [name for name in _NAMES[kinds] if not self._are_null[_PLACE_OF[name]]]

    def _of(self, kinds: tuple[Kind, ...], make: Callable[[list[str]], Any]) -> dict[str, Any]:
        names = self._told(kinds)
        if not names:
            return {}
        made = make(names)
        return {name: made.slice(at * self._rows, self._rows) for at, name in enumerate(names)}

    def _texts(self, names: list[str]) -> Any:  # noqa: ANN401
        places = [_PLACE_OF[name] for name in names]
        cuts = self._cuts
        if not (cuts.is_text[:, places] | cuts.is_null[:, places]).all():
            raise _UnlikeError
        texts = self._slices(places, within=1)
        return _unescaped(texts) if self._has_escapes else texts

    def _instants(self, names: list[str]) -> Any:  # noqa: ANN401
        return self._texts(names).cast(INSTANT)

    def _integers(self, names: list[str]) -> Any:  # noqa: ANN401
        """What Arrow takes for an integer and JSON does not is written otherwise than it was."""
        texts = self._slices([_PLACE_OF[name] for name in names])
        told = texts.cast(pa.int64())
        if not told.cast(TEXT).equals(texts):
            raise _UnlikeError
        return told

    def _flags(self, names: list[str]) -> Any:  # noqa: ANN401
        texts = self._slices([_PLACE_OF[name] for name in names])
        told = compute.equal(texts, _TRUE)
        if not compute.all(compute.or_(told, compute.equal(texts, _FALSE))).as_py():
            raise _UnlikeError
        return told

    def _nested(self, name: str) -> Any:  # noqa: ANN401
        """A column of JSON, each text of which is decoded once: mostly there are few."""
        texts = self._slices([_PLACE_OF[name]])
        encoded = texts.dictionary_encode()
        each = encoded.dictionary.to_pylist()
        counts = np.bincount(encoded.indices.drop_null().to_numpy(), minlength=len(each))
        self._quotes += sum(_quotes_of(text) * int(count) for text, count in zip(each, counts, strict=True))
        decoded = list(map(_DECODERS[name].decode, each))
        if name == _METADATA:
            return texts
        values = list(map(asdict, decoded)) if name in STRUCTS else decoded
        return pa.array(values, SCHEMA.field(name).type).take(encoded.indices)

    def _slices(self, places: list[int], *, within: int = 0) -> Any:  # noqa: ANN401
        """The bytes of some columns as text, one column behind the other, null where they say so.

        So many bytes are left out at both ends of each.
        """
        cuts, rows, columns = self._cuts, self._rows, len(places)
        offsets = np.empty(2 * rows * columns + 1, np.int32)
        offsets[:-1:2] = (cuts.begins[:, places] + within).ravel()
        offsets[1::2] = (cuts.ends[:, places] - within).ravel()
        offsets[-1] = offsets[-2]
        # Every other one of these is a value, in the order of the bytes; the others are what stands between.
        both = pa.Array.from_buffers(TEXT, len(offsets) - 1, [None, pa.py_buffer(offsets), self._records])
        order = np.arange(0, 2 * rows * columns, 2, dtype=np.int32).reshape(rows, columns)
        return both.take(pa.array(order.T.ravel(), mask=cuts.is_null[:, places].T.ravel()))


def _quotes_of(text: str) -> int:
    """How many quotes stand in some JSON, but for those that are escaped."""
    return text.replace(r"\\", "").replace(r"\"", "").count('"')


def _unescaped(column: Any) -> Any:  # noqa: ANN401 (pyarrow has no types of its own)
    """Texts as they stand between their quotes, those that have escapes decoded."""
    has_any = compute.fill_null(compute.match_substring(column, _BACKSLASH), fill_value=False)
    escaped = column.filter(has_any).to_pylist()
    if not escaped:
        return column
    told = _TEXTS.decode('["' + '","'.join(escaped) + '"]')
    if len(told) != len(escaped):
        raise _UnlikeError
    return compute.replace_with_mask(column, has_any, pa.array(told, TEXT))


_TEXTS: Final = msgspec.json.Decoder(list[str])
_DECODERS: Final[Mapping[str, Any]] = {
    **{name: msgspec.json.Decoder(each) for name, each in READ_AS.items()},
    _METADATA: msgspec.json.Decoder(msgspec.Raw),
}
