"""Alerts as formatted rows."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from calltally.alerts.evaluation.alert_lifecycle import read_content
from calltally.alerts.evaluation.rate_messages import series_phrase
from calltally.alerts.model.finding import AlertFinding, FindingEvidence
from calltally.calls.identity import uuid_text
from calltally.calls.list_query import PARAMETERS
from calltally.calls.times import SECOND_US, utc_text
from calltally.store.alerts.alerts import Alert, AlertState, StoredAlertChange
from calltally.web.dashboard.actors import actor
from calltally.web.dashboard.call.sentence import span
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import DASH, grouped, interval, minute, percent, period

_LIST_PARAMETERS: Final = frozenset(each.name for each in PARAMETERS)
_MINUTE_S: Final = 60
_DAY_S: Final = 86_400


def alert_line(alert: Alert, zone: ZoneInfo, now_us: int) -> dict[str, Any]:
    """Format an alert as one row. `muted` is the end of its mute, or empty."""
    alert_id = uuid_text(alert.alert)
    end_us = alert.resolved_us if alert.resolved_us is not None else now_us
    is_muted = alert.muted_until_us is not None and alert.muted_until_us > now_us
    return {
        "id": alert_id,
        "path": f"/alerts/{alert_id}",
        "state": alert.state.value,
        "message": read_content(alert).message,
        "kind": text(f"kind_{alert.kind.replace('-', '_')}"),
        "since": minute(utc_text(alert.since_us), zone),
        "lasted": duration_text((end_us - alert.since_us) // SECOND_US),
        "muted": minute(utc_text(alert.muted_until_us or 0), zone) if is_muted else "",
        "is_over": alert.state is AlertState.RESOLVED,
    }


def duration_text(seconds: int) -> str:
    """Format a duration to the minute: `3 h 12 min`, `2 days`, `less than 1 min`."""
    if seconds < _MINUTE_S:
        return text("under_a_minute")
    hours, minutes = seconds // 3_600, seconds % 3_600 // 60
    if seconds >= 2 * _DAY_S:
        return text("days", days=seconds // _DAY_S)
    return span(hours * 3_600 + minutes * 60) if hours else text("minutes", minutes=minutes)


def evidence_rows(finding: AlertFinding, zone: ZoneInfo) -> list[dict[str, str]]:
    return [_evidence_row(each, zone) for each in (finding.evidence, *finding.children)]


def _evidence_row(evidence: FindingEvidence, zone: ZoneInfo) -> dict[str, str]:
    if evidence.metric is not None:
        observed = f"{percent(evidence.observed)} ({grouped(evidence.events)})"
        expected, usual = percent(evidence.expected), interval(evidence.low, evidence.high)
    else:
        observed, expected = _plain(evidence.observed), _plain(evidence.expected)
        # A value that should never occur has no usual range.
        has_range = evidence.high > evidence.low
        usual = f"{_plain(evidence.low)} to {_plain(evidence.high)}" if has_range else DASH
    return {
        "what": text(f"rate_{evidence.metric.value}") if evidence.metric is not None else "",
        "where": series_phrase(evidence.series),
        "window": period(utc_text(evidence.from_us), utc_text(evidence.to_us), zone),
        "calls": grouped(evidence.calls),
        "observed": observed,
        "expected": expected,
        "usual": usual,
    }


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"  # noqa: PLR2004 (two digits)


def history(
    changes: Sequence[StoredAlertChange], zone: ZoneInfo, names: Mapping[str, str]
) -> list[dict[str, str]]:
    """Format the changes of an alert, newest first, with the names of the keys that made them."""
    return [
        {
            "at": minute(utc_text(each.at_us), zone),
            "what": text(f"became_{each.what.value}"),
            "by": actor(names, each.by_whom),
            "note": each.note or "",
        }
        for each in reversed(changes)
    ]


def calls_path(finding: AlertFinding) -> str:
    """Return the list of the alert's calls, with the filters that the list supports."""
    filters: dict[str, Any] = {
        name: value for name, value in finding.listed.items() if name in _LIST_PARAMETERS
    }
    return f"/calls?{urlencode(filters)}"
