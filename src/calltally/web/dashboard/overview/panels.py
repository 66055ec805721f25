"""Panels of the overview: alerts, providers, deliveries and jobs."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from calltally.analytics.buckets import local_time
from calltally.calls.identity import uuid_text
from calltally.calls.times import EPOCH, SECOND_US, utc_text
from calltally.store.alerts.alerts import Alert, AlertState
from calltally.store.jobs.jobs import Job, JobKind, JobState
from calltally.store.overview.read import StoredOverview
from calltally.store.overview.trouble import MOST_COUNTED, EndpointBacklog
from calltally.web.api.exports.schemas import export_resource
from calltally.web.api.reconciliations.schemas import reconciliation_resource
from calltally.web.dashboard.alerts.alert_lines import alert_line, duration_text
from calltally.web.dashboard.calls.links import url
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import ago, grouped, minute

_MOST_ALERTS: Final = 6
_HOUR_US: Final = 3_600 * SECOND_US
# A waiting delivery is usual for a while; an older one is a backlog.
_BACKLOG_US: Final = 300 * SECOND_US


def alert_values(alerts: Sequence[Alert], now_us: int, zone: ZoneInfo) -> dict[str, Any]:
    """Return the first unresolved alerts: firing ones before acknowledged ones, then the newest."""
    ordered = sorted(alerts, key=lambda each: (each.state is not AlertState.OPEN, -each.opened_us))
    return {
        "alerts": [alert_line(each, zone, now_us) for each in ordered[:_MOST_ALERTS]],
        "alert_count": len(alerts),
        "alerts_more": max(len(alerts) - _MOST_ALERTS, 0),
    }


def attention(values: Mapping[str, Any], open_calls: int) -> list[tuple[str, str]]:
    """Return a summary of the panels with trouble, each with its anchor."""
    counts = {
        "alerts": (values["alert_count"], "#alerts-now"),
        "open": (open_calls, "#open-calls"),
        "endpoints": (len(values["deliveries"]), "#deliveries"),
        "jobs": (len(values["jobs"]), "#jobs"),
    }
    return [
        (text(f"attention_{name}", count=grouped(count)), path)
        for name, (count, path) in counts.items()
        if count
    ]


def provider_lines(stored: StoredOverview, now_us: int, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Return the providers by the time when they were last heard, newest first.

    That is a provider's last callback or its newest call, of which the hour is known at least.
    """
    with_calls = {each.value: each for each in stored.activity["provider"]}
    names = {*with_calls, *stored.configured, *stored.wrong}
    heard_us = {name: max(stored.configured.get(name) or 0, stored.newest.get(name, 0)) for name in names}
    hours_us = {each.value: each.last_s * SECOND_US for each in with_calls.values()}
    ordered = sorted(names, key=lambda name: (-max(heard_us[name], hours_us.get(name, 0)), name))
    return [
        {
            "name": name,
            "path": url([("provider", name)]) if name in with_calls else "",
            "last": _heard_text(heard_us[name], hours_us.get(name), now_us, zone),
            "wrong": stored.wrong.get(name, 0),
        }
        for name in ordered
    ]


def _heard_text(at_us: int, hour_us: int | None, now_us: int, zone: ZoneInfo) -> str:
    """Return the time since the last callback or call, or the call's hour if only that is known."""
    if hour_us is not None and at_us < hour_us:
        lo, hi = (local_time(each, zone) for each in (hour_us, hour_us + _HOUR_US))
        return text("hour_of_last_call", since=f"{lo:%Y-%m-%d %H:%M}", until=f"{hi:%H:%M}")
    if not at_us:
        return text("nothing_heard")
    return ago(*(EPOCH + timedelta(microseconds=each) for each in (at_us, now_us)))


def delivery_lines(endpoints: Sequence[EndpointBacklog], now_us: int, zone: ZoneInfo) -> list[dict[str, str]]:
    """Return the endpoints that are paused or fail, or have a backlog or abandoned deliveries."""
    lines = [
        {
            "name": each.description or each.url,
            "phrases": "; ".join(_endpoint_phrases(each, now_us, zone)),
        }
        for each in endpoints
    ]
    return [line for line in lines if line["phrases"]]


def _endpoint_phrases(each: EndpointBacklog, now_us: int, zone: ZoneInfo) -> list[str]:
    phrases = []
    if each.state == "paused":
        phrases.append(text("endpoint_is_paused", reason=each.reason or text("no_reason")))
    if each.failing_since_us is not None:
        phrases.append(text("failing_since", since=minute(utc_text(each.failing_since_us), zone)))
    age_us = now_us - each.oldest_us if each.oldest_us is not None else 0
    if (phrases and each.waiting) or age_us > _BACKLOG_US:
        age = duration_text(age_us // SECOND_US)
        phrases.append(text("deliveries_wait", count=_counted(each.waiting), age=age))
    if each.abandoned:
        phrases.append(text("deliveries_abandoned", count=_counted(each.abandoned)))
    return phrases


def _counted(count: int) -> str:
    return text("or_more", count=grouped(count)) if count >= MOST_COUNTED else grouped(count)


def job_lines(jobs: Sequence[Job], zone: ZoneInfo) -> list[dict[str, str]]:
    return [_job_line(each, zone) for each in jobs]


def _job_line(job: Job, zone: ZoneInfo) -> dict[str, str]:
    is_export = job.kind is JobKind.EXPORT
    resource = export_resource(job, (), "") if is_export else reconciliation_resource(job, "")
    detail = resource.error.detail if resource.error else job.reason or text("no_result_yet")
    folder = "exports" if is_export else "reconciliations"
    return {
        "path": f"/{folder}/{uuid_text(job.job)}",
        "name": text("export_one" if is_export else "reconciliation_one"),
        "created": minute(utc_text(job.created_us), zone),
        "detail": text("job_is_failed" if job.state is JobState.FAILED else "job_is_late", detail=detail),
    }
