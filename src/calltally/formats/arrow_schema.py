"""The Arrow schema that Parquet and Arrow files share.

To import this loads pyarrow, which takes 40 MB: only a writer that needs it may.
"""

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from calltally.calls.model import Cost, Escalation, Transfer
from calltally.formats.columns import COLUMNS, Kind

TEXT: Final = pa.string()
INSTANT: Final = pa.timestamp("us", tz="UTC")
STRUCTS: Final[Mapping[str, type]] = {"escalation": Escalation, "transfer": Transfer, "cost": Cost}
_TYPES: Final[Mapping[Kind, Any]] = {
    Kind.WORD: TEXT,
    Kind.TEXT: TEXT,
    Kind.INSTANT: INSTANT,
    Kind.INTEGER: pa.int64(),
    Kind.FLAG: pa.bool_(),
}
_NESTED: Final[Mapping[str, Any]] = {
    **{
        name: pa.struct([(key, TEXT) for key in each.__struct_fields__])  # type: ignore[attr-defined] # they are Structs
        for name, each in STRUCTS.items()
    },
    "tags": pa.list_(TEXT),
    # JSON in text: its keys are whatever the sender liked.
    "metadata": TEXT,
}
SCHEMA: Final = pa.schema(
    [(name, _NESTED[name] if kind is Kind.NESTED else _TYPES[kind]) for name, kind in COLUMNS.items()]
)
# What nested values are decoded as; metadata stays as it is.
READ_AS: Final[Mapping[str, Any]] = {
    **{name: each | None for name, each in STRUCTS.items()},
    "tags": list[str] | None,
}
