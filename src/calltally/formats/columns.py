"""Columns of an export, each of one kind, and the reader that fills them from finished records."""

from collections.abc import Mapping
from enum import Enum, auto
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec

from calltally.calls.errors import DamagedStore
from calltally.calls.model import CALL_FIELDS


class Kind(Enum):
    """Kind of the values of a column."""

    WORD = auto()  # text of ours, from a few words or of a fixed form
    TEXT = auto()  # text that somebody else wrote
    INSTANT = auto()
    INTEGER = auto()
    FLAG = auto()
    NESTED = auto()


_KINDS: Final[Mapping[Kind, str]] = {
    Kind.WORD: "id direction status",
    Kind.TEXT: "call_sid summary from_number to_number route agent provider provider_account end_reason"
    " error_code answered_by session_id recording_url parent_call_sid",
    Kind.INSTANT: "created_at answered_at ended_at updated_at",
    Kind.INTEGER: "duration_seconds ring_seconds hangup_cause sip_code conflicts revision",
    Kind.FLAG: "escalated erased",
    Kind.NESTED: "escalation transfer cost tags metadata",
}
_KIND_OF: Final = {name: kind for kind, names in _KINDS.items() for name in names.split()}

# In the order of the record. Only a call that was erased after the snapshot has the last.
COLUMNS: Final[Mapping[str, Kind]] = {name: _KIND_OF[name] for name in (*CALL_FIELDS, "erased")}

DAMAGED: Final = "a stored record cannot be read; run `calltally verify` to find it"

# One column's values; what is not known is None, and nested values are as they were asked for.
Column: TypeAlias = list[Any]

_TYPES: Final[Mapping[Kind, Any]] = {
    Kind.WORD: str | None,
    Kind.TEXT: str | None,
    Kind.INSTANT: str | None,
    Kind.INTEGER: int | None,
    Kind.FLAG: bool | None,
    Kind.NESTED: msgspec.Raw,
}


class ColumnReader:
    """Reader of records into columns. `nested` has the types of decoded nested values; others stay JSON.

    Decoding is half the cost of an export, so only the necessary fields are decoded, directly into their
    columns.
    """

    def __init__(self, nested: Mapping[str, Any] | None = None) -> None:
        types = {name: _TYPES[kind] for name, kind in COLUMNS.items()} | dict(nested or {})
        fields = [(name, each, None) for name, each in types.items()]
        row = msgspec.defstruct("Row", fields, gc=False)
        # A column at a time: to make tuples of the rows and turn them takes half as long again.
        self._getters = [attrgetter(name) for name in types]
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(row)

    def read(self, records: bytes) -> list[Column]:
        """Return the columns of records (at least one), joined by line feeds.

        Raises DamagedStore for other bytes.
        """
        try:
            rows = self._decoder.decode_lines(records)
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise DamagedStore(DAMAGED) from fault
        return [list(map(get, rows)) for get in self._getters]


def is_unknown(column: Column) -> bool:
    """Return true if a column has no value, as is usual for fields that the provider does not report."""
    return column[0] is None and column[-1] is None and column.count(None) == len(column)
