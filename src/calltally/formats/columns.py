"""The columns of an export, each of one kind, and sealed records read into them."""

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

DAMAGED: Final = "a stored record cannot be read; `calltally verify` says which"

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
    """Reads records into columns. `nested` has the types of nested values; the others stay JSON as it was.

    To decode is half of what an export costs, so only what is needed is decoded, and straight into its place.
    """

    def __init__(self, nested: Mapping[str, Any] | None = None) -> None:
        types = {name: _TYPES[kind] for name, kind in COLUMNS.items()} | dict(nested or {})
        fields = [(name, each, None) for name, each in types.items()]
        row = msgspec.defstruct("Row", fields, gc=False)
        # A column at a time: to make tuples of the rows and turn them takes half as long again.
        self._getters = [attrgetter(name) for name in types]
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(row)

    def read(self, records: bytes) -> list[Column]:
        """The columns of records, of which there is at least one, joined by a line feed.

        Raises DamagedStore for what is no record.
        """
        try:
            rows = self._decoder.decode_lines(records)
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise DamagedStore(DAMAGED) from fault
        return [list(map(get, rows)) for get in self._getters]


def is_unknown(column: Column) -> bool:
    """Return whether a column has no value, as most columns that the provider does not report."""
    return column[0] is None and column[-1] is None and column.count(None) == len(column)
