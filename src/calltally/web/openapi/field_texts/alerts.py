"""Fields of alerts, alert rules and alert sinks."""

from collections.abc import Mapping
from typing import Final

from calltally.web.openapi.field_texts.shared import CREATED, FROM, PAGE, TO, UPDATED

_SETTINGS: Final = "The settings of the sink, which depend on its kind."
_NOTE: Final = "A note for the history of the alert."
_DIMENSION: Final = "The dimension of the series."
_ALERT: Final = {
    "id": "The alert's id.",
    "state": "The state of the alert. `open` means that it is firing.",
    "kind": "The kind of the alert.",
    "message": "The alert in a sentence, with its numbers.",
    "dimension": _DIMENSION,
    "series": "The value of the dimension, such as the route's key; empty for the whole tenant.",
    "metric": "The rate that changed; null for other kinds of alerts.",
    "direction": "The direction in which the number moved.",
    "speed": "The speed of the change: minutes, hours or days; null for kinds without a speed.",
    "route": "The route that the alert concerns; null if it concerns no single route.",
    "provider": "The provider that the alert concerns; null if it concerns no single provider.",
    "since": "Start of the change by the evidence.",
    "opened_at": "Time of detection.",
    "updated_at": UPDATED,
    "resolved_at": "Time at which the alert was resolved; null before.",
    "muted_until": "End of the mute of its notifications; null if it is not muted.",
    "evidence": "The measured value and its usual range.",
    "children": "Finer series that moved at the same time.",
    "call_sids": "The SIDs of the calls, for alerts about single calls; at most 20.",
    "calls": "The URL of the list of the alert's calls.",
    "sureness": "The strength of the evidence: the natural logarithm of a likelihood ratio.",
    "false_alarms_a_week": "The expected number of equally strong false alarms per week.",
    "budget_a_week": "The number of false alarms per week that the rules allow.",
}
_SINK: Final = {
    "id": "The sink's id.",
    "kind": "The kind of the sink.",
    "name": "The name of the sink, for people.",
    "settings": "The settings of the sink without its secrets.",
    "created_at": CREATED,
    "updated_at": UPDATED,
    "told_at": "Time of the last successful notification; null before the first.",
    "fault": "The error of the last attempt; null if it succeeded.",
}

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "AlertEvidence": {
        "dimension": _DIMENSION,
        "series": "The value of the dimension, such as the route's key; empty for the whole tenant.",
        "metric": "The measured rate; null for other kinds of alerts.",
        "window": "The measured window.",
        "calls": "The number of calls in the window.",
        "events": "The number of these calls that count for the metric.",
        "observed": "The measured value: a rate from 0 to 1, a number or seconds, by the kind of the alert.",
        "expected": "The usual value.",
        "low": "Lower bound of the usual value: 95 of 100 usual windows are between the bounds.",
        "high": "Upper bound of the usual value.",
    },
    "EvidenceWindow": {"from": FROM, "to": TO},
    "AlertResource": _ALERT,
    "AlertChange": {
        "at": "Time of the change.",
        "what": "The change.",
        "by": "The id of the key that requested the change; null for an automatic change.",
        "note": "The note of the change; null without one.",
    },
    "AlertWithHistory": {**_ALERT, "history": "All changes of the alert, oldest first."},
    "AlertList": {**PAGE, "data": "The alerts of this page, newest first."},
    "NoteBody": {"note": _NOTE},
    "MuteBody": {
        "until": "End of the mute, in the future; null ends a mute now.",
        "note": _NOTE,
    },
    "Floors": {
        "queued_hours": "Hours in `queued` before a call can count as stuck.",
        "initiated_hours": "Hours in `initiated` before a call can count as stuck.",
        "ringing_hours": "Hours in `ringing` before a call can count as stuck.",
        "in_progress_hours": "Hours in `in-progress` before a call can count as stuck.",
    },
    "Campaign": {
        "from": "Start of the campaign: RFC 3339 with an offset, or a date (midnight UTC).",
        "to": "End of the campaign, excluded, in the same format as `from`.",
        "dimension": "The dimension of the series with unusual traffic.",
        "value": "The value of the dimension, such as the route's key; empty for the whole tenant.",
        "name": "A display name.",
    },
    "Mute": {
        "kind": "Only alerts of this kind; null for all.",
        "dimension": "Only series of this dimension; null for all.",
        "value": "Only the series with this value; null for all.",
        "metric": "Only alerts of this rate; null for all.",
        "until": "End of the mute: RFC 3339 with an offset, or a date (midnight UTC); null for no end.",
    },
    "Rules": {
        "false_alarms_a_week": "The accepted number of false alarms per week, for the whole tenant.",
        "least_calls": "The least number of calls on which an alert about a rate is based.",
        "metrics": "The monitored rates.",
        "dimensions": "The monitored dimensions.",
        "kinds": "The kinds of alerts that are raised.",
        "floors": "The least time in each state before a call can count as stuck.",
        "tz": "The IANA time zone of days and holidays.",
        "holidays": "Days with unusual traffic, in the time zone of the rules.",
        "campaigns": "Planned unusual traffic, which is neither learned nor judged.",
        "mutes": "Rules that suppress alerts.",
    },
    "AlertSink": _SINK,
    "CreatedAlertSink": {
        **_SINK,
        "secret": "The secret that signs the requests to a webhook; null for other kinds. It is shown only"
        " once.",
    },
    "AlertSinkList": {"data": "The sinks, oldest first."},
    "SinkBody": {
        "kind": "The kind of the sink.",
        "name": "The name of the sink, for people.",
        "settings": _SETTINGS + " Secrets are stored encrypted and never returned.",
    },
    "SinkTestResult": {
        "told": "True if the sink accepted the notification.",
        "fault": "The error of the failed attempt; null if it succeeded.",
    },
}
