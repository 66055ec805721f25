"""Words of the contract as literal types, for type checkers and editors.

The statuses and directions of a call do not change within v1. Servers may add other words, so records have
them as texts, and only arguments as literals.
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
AlertStateFilter: TypeAlias = Literal["open", "acknowledged", "resolved", "unresolved"]
ExportPartition: TypeAlias = Literal["day", "month"]
EventForm: TypeAlias = Literal["standard", "cloudevents"]
EventType: TypeAlias = Literal[
    "voice.call.started",
    "voice.call.escalated",
    "voice.call.completed",
    "voice.session.evaluated",
    "voice.webhook.delivery_failed",
]
DeliveryState: TypeAlias = Literal["waiting", "delivered", "dead"]
SinkKindName: TypeAlias = Literal["webhook", "slack", "pagerduty", "alertmanager", "email"]
