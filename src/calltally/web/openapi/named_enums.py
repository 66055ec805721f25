"""Enumerations of the document: each has a name, and every schema with its values refers to it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from calltally.alerts.model.finding import AlertKind, ChangeDirection, DetectionSpeed
from calltally.alerts.model.series import Dimension, Metric
from calltally.alerts.notify.sink_kinds import KINDS
from calltally.analytics.launch import LaunchVerdict
from calltally.analytics.query import GROUPS
from calltally.calls.country import COUNTRIES
from calltally.calls.end_reasons import EndReason
from calltally.calls.event_types import SUBSCRIBABLE, TEST
from calltally.calls.events import CHANNEL_NAMES, IngestOutcome
from calltally.calls.export_formats import FORMATS
from calltally.calls.export_query import PARTITIONS
from calltally.calls.failure_causes import FaultSide
from calltally.calls.list_query import ORDERS
from calltally.calls.model import DIRECTIONS, FINAL, STATUSES
from calltally.calls.payload_formats import FORMS
from calltally.calls.sessions import SESSION_STATUSES
from calltally.ingest.event_fields import TRANSFER_OUTCOMES
from calltally.providers.registry import FETCHERS
from calltally.reconcile.findings import KIND_MEANINGS
from calltally.reconcile.jobs.spec import Against
from calltally.store.alerts.alerts import UNRESOLVED, AlertEvent, AlertState
from calltally.store.jobs.jobs import JobState
from calltally.store.tenants.api_keys import SCOPES
from calltally.store.webhooks.deliveries import STATES
from calltally.web.openapi.schema_walk import Json


class NamedEnum(NamedTuple):
    """Component of an enumeration: its values in order, and its description."""

    values: Sequence[str]
    description: str


def _bullets(meanings: Mapping[Any, str]) -> str:
    return "\n".join(f"- `{value}`: {meaning}" for value, meaning in meanings.items())


TOMBSTONE_REASONS: Final = ("merged", "erased", "expired")
ENDPOINT_STATES: Final = ("active", "paused")
TEXT_ENCODINGS: Final = ("utf-8", "base64")
REPLAY_SELECTIONS: Final = ("all", "dead")
LAUNCH_FACETS: Final = ("route", "agent")
FINAL_STATUSES: Final = tuple(status for status in STATUSES if status in FINAL)

NAMED_ENUMS: Final[Mapping[str, NamedEnum]] = {
    "CallStatus": NamedEnum(STATUSES, "State of a call. The first four are open, the last five are final."),
    "FinalCallStatus": NamedEnum(FINAL_STATUSES, "Final state of a call."),
    "CallDirection": NamedEnum(
        DIRECTIONS, "Direction from the tenant's view: `inbound` calls come to it, `outbound` calls leave it."
    ),
    "EndReason": NamedEnum(tuple(EndReason), "Reason of a call's end. Values may be added."),
    "FaultSide": NamedEnum(tuple(FaultSide), "Side at fault for a call without an answer."),
    "IngestOutcome": NamedEnum(
        tuple(IngestOutcome),
        "Outcome of one fact: recorded with a change, recorded before, recorded without a change, refused, or"
        " stored because it could not be read.",
    ),
    "FactChannel": NamedEnum(tuple(CHANNEL_NAMES.values()), "Channel by which a fact came in."),
    "TransferOutcome": NamedEnum(TRANSFER_OUTCOMES, "Outcome of a transfer."),
    "TombstoneReason": NamedEnum(
        TOMBSTONE_REASONS,
        "Reason why an id is no longer valid: its call was merged into another, erased, or has expired.",
    ),
    "SessionStatus": NamedEnum(SESSION_STATUSES, "State of a voice session."),
    "DeliveryState": NamedEnum(
        STATES, "State of a delivery: it waits for an attempt, it was accepted, or all attempts failed."
    ),
    "EndpointState": NamedEnum(ENDPOINT_STATES, "State of a webhook endpoint."),
    "EventType": NamedEnum(SUBSCRIBABLE, "Type of a delivered event."),
    "AnyEventType": NamedEnum((*SUBSCRIBABLE, TEST), "Type of a delivered event, or of a test event."),
    "PayloadForm": NamedEnum(FORMS, "Format of a delivered event."),
    "ReplaySelection": NamedEnum(REPLAY_SELECTIONS, "Deliveries to replay."),
    "TextEncoding": NamedEnum(
        TEXT_ENCODINGS, "Encoding of bytes in a text: UTF-8 where they are valid, else base64."
    ),
    "SortOrder": NamedEnum(ORDERS, "Order by creation: newest first, or oldest first."),
    "ExportFormat": NamedEnum(tuple(FORMATS), "Format of the files of an export."),
    "ExportPartition": NamedEnum(PARTITIONS, "Period of each file of an export."),
    "JobState": NamedEnum(
        tuple(JobState), "State of a job. The first two are open. The files of an expired job are deleted."
    ),
    "ReconciliationSource": NamedEnum(tuple(Against), "Source that calls are compared with."),
    "FindingKind": NamedEnum(tuple(KIND_MEANINGS), _bullets(KIND_MEANINGS)),
    "ListingProvider": NamedEnum(
        tuple(sorted(FETCHERS)), "Provider whose list of calls can be read. Values may be added."
    ),
    "AlertState": NamedEnum(tuple(AlertState), "State of an alert. `open` means that it is firing."),
    "AlertStateFilter": NamedEnum(
        (*AlertState, UNRESOLVED), "State of an alert, or `unresolved` for open and acknowledged alerts."
    ),
    "AlertEvent": NamedEnum(tuple(AlertEvent), "Change in the history of an alert."),
    "AlertKind": NamedEnum(tuple(AlertKind), "Kind of an alert. Values may be added."),
    "AlertDimension": NamedEnum(tuple(Dimension), "Dimension of a series of calls."),
    "AlertMetric": NamedEnum(tuple(Metric), "Monitored rate."),
    "ChangeDirection": NamedEnum(tuple(ChangeDirection), "Direction in which a number moved."),
    "DetectionSpeed": NamedEnum(
        tuple(DetectionSpeed), "Speed of a change: within minutes, hours or days, in this order."
    ),
    "SinkKind": NamedEnum(tuple(KINDS), "Kind of an alert sink."),
    "LaunchVerdict": NamedEnum(tuple(LaunchVerdict), "Verdict on a launch, or on one of its rates."),
    "LaunchFacet": NamedEnum(LAUNCH_FACETS, "Kind of a launched item."),
    "QualityGroup": NamedEnum(GROUPS, "Name that calls are grouped by: a property, or a step of time."),
    "Country": NamedEnum(
        tuple(sorted(COUNTRIES)), "Country by its two letters in ISO 3166-1. Values may be added."
    ),
    "KeyScope": NamedEnum(tuple(SCOPES), _bullets(SCOPES)),
}
# As sets: not every source keeps the order of the values.
_NAME_OF: Final = {frozenset(map(str, each.values)): name for name, each in NAMED_ENUMS.items()}


def enum_components() -> Json:
    return {
        name: {"type": "string", "enum": list(map(str, each.values)), "description": each.description}
        for name, each in NAMED_ENUMS.items()
    }


def refer_to_enum(schema: Json) -> Json:
    """Replace the values of a named enumeration by a reference to its component, which has the name as title.

    An enumeration that allows null becomes a choice of the reference and null. A description stays, and so
    does a default.
    """
    values = schema.get("enum", ())
    name = _NAME_OF.get(frozenset(value for value in values if value is not None))
    if name is None or schema.get("title") == name:
        return schema
    rest = {key: value for key, value in schema.items() if key not in {"type", "enum", "title"}}
    reference = {"$ref": f"#/components/schemas/{name}"}
    return {**rest, "anyOf": [reference, {"type": "null"}]} if None in values else {**rest, **reference}
