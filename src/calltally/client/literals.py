"""Words of the contract as literal types, for type checkers and editors.

The statuses and directions of a call do not change within v1. Other words may be added.
"""

from typing import Literal, TypeAlias

CallStatus: TypeAlias = Literal[
    "queued",
    "initiated",
    "ringing",
    "in-progress",
    "completed",
    "busy",
    "failed",
    "no-answer",
    "canceled",
]
CallDirection: TypeAlias = Literal["inbound", "outbound"]
ListOrder: TypeAlias = Literal["desc", "asc"]
StreamFormat: TypeAlias = Literal["csv", "ndjson", "parquet", "arrow"]
SessionState: TypeAlias = Literal["active", "completed", "failed"]
AlertState: TypeAlias = Literal["open", "acknowledged", "resolved"]
AlertStateFilter: TypeAlias = Literal["open", "acknowledged", "resolved", "unresolved"]
