"""Python client for any server that implements the contract of /api/v1/call-logs.

The client needs none of the server's packages, and loads its HTTP library with the first request.
`calltally.client.errors` has its exceptions, `calltally.client.webhooks` verifies deliveries.
"""

from calltally.calls.conversation import Evaluation, FunctionCall, Turn
from calltally.client.alert_settings import AlertRules, SinkRecord, SinkSecret, SinkTest
from calltally.client.alerts import AlertPage, AlertRecord
from calltally.client.clients import AsyncClient, Client
from calltally.client.config import Surroundings
from calltally.client.errors import ClientError
from calltally.client.exports import ExportedFile, ExportError, ExportFields, ExportPage, ExportRecord
from calltally.client.filters import Filters, Moment, TotalsFilters, Window
from calltally.client.literals import (
    AlertStateFilter,
    CallDirection,
    CallStatus,
    DeliveryState,
    EventForm,
    EventType,
    ExportPartition,
    ListOrder,
    SessionState,
    SinkKindName,
    StreamFormat,
)
from calltally.client.own_events import EventFault, EventFields, EventResult
from calltally.client.records import (
    CallDetail,
    CallEvent,
    CallPage,
    CallRecord,
    Change,
    ChangePage,
    EventPage,
    Page,
    Tombstone,
)
from calltally.client.sessions import SessionDetail, SessionEvent, SessionPage, SessionRecord, SessionStored
from calltally.client.streaming import Streamed
from calltally.client.times import parse_time
from calltally.client.webhook_deliveries import DeliveryFilters, DeliveryPage, DeliveryRecord, DeliveryTry
from calltally.client.webhook_endpoints import EndpointFields, EndpointRecord, EndpointSecret
from calltally.client.wire import Answer, Request
from calltally.retry_policy import RetryPolicy

__all__ = [
    "AlertPage",
    "AlertRecord",
    "AlertRules",
    "AlertStateFilter",
    "Answer",
    "AsyncClient",
    "CallDetail",
    "CallDirection",
    "CallEvent",
    "CallPage",
    "CallRecord",
    "CallStatus",
    "Change",
    "ChangePage",
    "Client",
    "ClientError",
    "DeliveryFilters",
    "DeliveryPage",
    "DeliveryRecord",
    "DeliveryState",
    "DeliveryTry",
    "EndpointFields",
    "EndpointRecord",
    "EndpointSecret",
    "Evaluation",
    "EventFault",
    "EventFields",
    "EventForm",
    "EventPage",
    "EventResult",
    "EventType",
    "ExportError",
    "ExportFields",
    "ExportPage",
    "ExportPartition",
    "ExportRecord",
    "ExportedFile",
    "Filters",
    "FunctionCall",
    "ListOrder",
    "Moment",
    "Page",
    "Request",
    "RetryPolicy",
    "SessionDetail",
    "SessionEvent",
    "SessionPage",
    "SessionRecord",
    "SessionState",
    "SessionStored",
    "SinkKindName",
    "SinkRecord",
    "SinkSecret",
    "SinkTest",
    "StreamFormat",
    "Streamed",
    "Surroundings",
    "Tombstone",
    "TotalsFilters",
    "Turn",
    "Window",
    "parse_time",
]
