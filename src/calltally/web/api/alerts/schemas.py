"""Alerts, sinks and rules in the API. Times are RFC 3339 in UTC."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from calltally.alerts.evaluation.alert_lifecycle import read_content
from calltally.alerts.model.finding import AlertKind, ChangeDirection, DetectionSpeed, FindingEvidence
from calltally.alerts.model.series import Dimension, Metric
from calltally.alerts.notify.notification import ALERTS_PATH, calls_url
from calltally.alerts.notify.sink_kinds import KINDS
from calltally.calls.identity import uuid_text
from calltally.calls.times import utc_text
from calltally.calls.wire_types import TimeOrDate, Timestamp, UuidText
from calltally.store.alerts.alerts import Alert, AlertEvent, AlertState, StoredAlertChange
from calltally.store.alerts.sinks import StoredAlertSink
from calltally.web.response.paging import PageFields

MAX_NOTE_CHARS: Final = 500
# PostgreSQL cannot store a NUL in a text.
_Note = Annotated[str, Meta(max_length=MAX_NOTE_CHARS, pattern=r"^[^\u0000]*$")]
_State = Annotated[str, Meta(extra_json_schema={"enum": list(AlertState)})]
_Event = Annotated[str, Meta(extra_json_schema={"enum": list(AlertEvent)})]
_Kind = Annotated[str, Meta(extra_json_schema={"enum": list(AlertKind)})]
_Dimension = Annotated[str, Meta(extra_json_schema={"enum": list(Dimension)})]
_Metric = Annotated[str, Meta(extra_json_schema={"enum": list(Metric)})]
_Direction = Annotated[str, Meta(extra_json_schema={"enum": list(ChangeDirection)})]
_Speed = Annotated[str, Meta(extra_json_schema={"enum": list(DetectionSpeed)})]
_SinkKind = Annotated[str, Meta(extra_json_schema={"enum": list(KINDS)})]
_Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\u0000-\u001f\u007f]*$")]
_Settings = Annotated[
    dict[str, Any],
    Meta(
        description="Depends on the kind; see the how-to page. Secrets are stored"
        " encrypted and never returned."
    ),
]


class NoteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A note for the history."""

    note: _Note | None = None


class MuteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """End of the mute; null ends a mute now."""

    until: TimeOrDate | None
    note: _Note | None = None


class SinkBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sink for notifications of alerts."""

    kind: _SinkKind
    name: _Name
    settings: _Settings


class EvidenceWindow(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """Measured window."""

    from_: Timestamp
    to: Timestamp


class AlertEvidence(msgspec.Struct, frozen=True):
    """Measured value of a window, and its usual range: `low` and `high` bound 95 of 100 windows."""

    dimension: _Dimension
    series: str
    metric: _Metric | None
    window: EvidenceWindow
    calls: int
    events: int
    observed: float
    expected: float
    low: float
    high: float


class AlertResource(msgspec.Struct, frozen=True):
    """One alert.

    `since` is its start by the evidence, `opened_at` the time of detection. `calls` is the list of its calls.
    `sureness` is a log-likelihood ratio (natural logarithm); `false_alarms_a_week` is the expected number of
    such findings by chance, `budget_a_week` the allowed number.
    """

    id: UuidText
    state: _State
    kind: _Kind
    message: str
    dimension: _Dimension
    series: str
    metric: _Metric | None
    direction: _Direction
    speed: _Speed | None
    route: str | None
    provider: str | None
    since: Timestamp
    opened_at: Timestamp
    updated_at: Timestamp
    resolved_at: Timestamp | None
    muted_until: Timestamp | None
    evidence: AlertEvidence
    children: list[AlertEvidence]
    call_sids: list[str]
    calls: str
    sureness: float
    false_alarms_a_week: float
    budget_a_week: float


class AlertChange(msgspec.Struct, frozen=True):
    """A change of an alert. `by` is the key that requested it, null for an automatic change."""

    at: Timestamp
    what: _Event
    by: str | None
    note: str | None


class AlertWithHistory(AlertResource, frozen=True):
    """One alert with all its changes in order."""

    history: list[AlertChange]


class AlertList(PageFields, frozen=True):
    """A page of alerts, newest first."""

    data: list[AlertResource]


class AlertSink(msgspec.Struct, frozen=True):
    """One sink, without its secrets.

    `told_at` is the time of the last notification; `fault` the error of the last attempt, or null.
    """

    id: UuidText
    kind: _SinkKind
    name: str
    settings: dict[str, Any]
    created_at: Timestamp
    updated_at: Timestamp
    told_at: Timestamp | None
    fault: str | None


class CreatedAlertSink(AlertSink, frozen=True):
    """A new or changed sink. `secret` signs its requests; it is shown only once."""

    secret: str | None = None


class AlertSinkList(msgspec.Struct, frozen=True):
    """All sinks of a tenant, oldest first."""

    data: list[AlertSink]


class SinkTestResult(msgspec.Struct, frozen=True):
    """Result of a test notification, with the error of a failure."""

    told: bool
    fault: str | None


def alert_resource(alert: Alert, base: str) -> AlertResource:
    content = read_content(alert)
    finding = content.finding
    return AlertResource(
        id=uuid_text(alert.alert),
        state=alert.state.value,
        kind=alert.kind,
        message=content.message,
        dimension=finding.series.dimension.value,
        series=finding.series.value,
        metric=finding.metric,
        direction=finding.direction.value,
        speed=finding.speed,
        route=alert.route,
        provider=alert.provider,
        since=utc_text(alert.since_us),
        opened_at=utc_text(alert.opened_us),
        updated_at=utc_text(alert.updated_us),
        resolved_at=_text(alert.resolved_us),
        muted_until=_text(alert.muted_until_us),
        evidence=_evidence(finding.evidence),
        children=[_evidence(child) for child in finding.children],
        call_sids=list(finding.sids),
        calls=calls_url(base, finding.listed),
        sureness=finding.sureness,
        false_alarms_a_week=finding.false_alarms_a_week,
        budget_a_week=finding.budget_a_week,
    )


def alert_with_history(alert: Alert, history: Sequence[StoredAlertChange], base: str) -> AlertWithHistory:
    changes = [
        AlertChange(utc_text(each.at_us), each.what.value, each.by_whom, each.note) for each in history
    ]
    return AlertWithHistory(**asdict(alert_resource(alert, base)), history=changes)


def _evidence(evidence: FindingEvidence) -> AlertEvidence:
    return AlertEvidence(
        dimension=evidence.series.dimension.value,
        series=evidence.series.value,
        metric=evidence.metric,
        window=EvidenceWindow(utc_text(evidence.from_us), utc_text(evidence.to_us)),
        calls=evidence.calls,
        events=evidence.events,
        observed=evidence.observed,
        expected=evidence.expected,
        low=evidence.low,
        high=evidence.high,
    )


def sink_resource(sink: StoredAlertSink) -> AlertSink:
    return AlertSink(
        id=uuid_text(sink.sink),
        kind=sink.kind,
        name=sink.name,
        settings=msgspec.json.decode(sink.public_settings),
        created_at=utc_text(sink.created_us),
        updated_at=utc_text(sink.updated_us),
        told_at=_text(sink.notified_us),
        fault=sink.fault,
    )


def new_sink_resource(sink: StoredAlertSink, secret: str | None) -> CreatedAlertSink:
    return CreatedAlertSink(**asdict(sink_resource(sink)), secret=secret)


def _text(instant_us: int | None) -> str | None:
    return None if instant_us is None else utc_text(instant_us)


PATH: Final = ALERTS_PATH
