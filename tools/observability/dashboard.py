"""Grafana dashboard of the service, as JSON of Grafana's dashboard schema, version 39 (Grafana 11)."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from calltally.web.metrics import definitions as m

_SCHEMA_VERSION: Final = 39
_WIDTH, _HEIGHT, _COLUMNS = 8, 8, 3
_SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
_JOB: Final = 'job=~"$job"'


class Panel(NamedTuple):
    """One panel: its title, the unit of Grafana, and the queries with their legends."""

    title: str
    unit: str
    queries: Sequence[tuple[str, str]]


def _rate(name: str, by: str, where: str = "") -> tuple[str, str]:
    selector = ", ".join(filter(None, (_JOB, where)))
    return f"sum by ({by}) (rate({name}{{{selector}}}[$__rate_interval]))", f"{{{{{by}}}}}"


def _value(name: str, legend: str, where: str = "", function: str = "sum") -> tuple[str, str]:
    selector = ", ".join(filter(None, (_JOB, where)))
    by = f" by ({legend})" if legend else ""
    return f"{function}{by} ({name}{{{selector}}})", f"{{{{{legend}}}}}" if legend else name


def _quantile(name: str, quantile: float, where: str = "") -> tuple[str, str]:
    selector = ", ".join(filter(None, (_JOB, where)))
    buckets = f"sum by (le) (rate({name}_bucket{{{selector}}}[$__rate_interval]))"
    return f"histogram_quantile({quantile}, {buckets})", f"p{quantile * 100:g}"


def _mean(total: str, count: str) -> tuple[str, str]:
    rates = [f"sum(rate({name}{{{_JOB}}}[$__rate_interval]))" for name in (total, count)]
    return " / ".join(rates), "mean"


_NOT_LONG: Final = 'route!="/api/v1/changes"'

ROWS: Final[dict[str, tuple[Panel, ...]]] = {
    "Requests": (
        Panel("Responses by status", "reqps", [_rate(m.HTTP_REQUESTS.name, "status")]),
        Panel("Responses by route", "reqps", [_rate(m.HTTP_REQUESTS.name, "route")]),
        Panel(
            "Response time", "s", [_quantile(m.HTTP_SECONDS.name, q, _NOT_LONG) for q in (0.5, 0.95, 0.99)]
        ),
    ),
    "Callbacks and events": (
        Panel("Facts by outcome", "ops", [_rate(m.FACTS.name, "outcome")]),
        Panel("Facts by provider", "ops", [_rate(m.FACTS.name, "provider")]),
        Panel("Refused callbacks by reason", "ops", [_rate(m.SIGNATURE_FAILURES.name, "reason")]),
        Panel("Dead letters that wait", "short", [_value(m.WAITING_DEAD_LETTERS.name, "", function="max")]),
        Panel(
            "Unread and unknown",
            "ops",
            [
                _rate(m.UNREAD_MESSAGES.name, "provider"),
                _rate(m.UNREAD_FIELDS.name, "provider"),
                _rate(m.UNLISTED_FIELDS.name, "provider"),
                _rate(m.UNKNOWN_END_REASONS.name, "provider"),
            ],
        ),
        Panel("New dead letters", "ops", [_rate(m.DEAD_LETTERS.name, "provider")]),
    ),
    "Database": (
        Panel(
            "Writer",
            "short",
            [_value(m.WRITER_QUEUE.name, ""), _value(m.WRITER_WAIT.name, "", function="max")],
        ),
        Panel("Commits by outcome", "ops", [_rate(m.COMMITS.name, "outcome")]),
        Panel("Time of a commit", "s", [_mean(m.COMMIT_SECONDS.name, m.COMMITS.name)]),
        Panel(
            "Connections",
            "short",
            [
                _value(m.CONNECTIONS.name, "state"),
                _value(m.CONNECTION_LIMIT.name, ""),
                _value(m.LONG_POLLS.name, ""),
            ],
        ),
        Panel("SQLite's files", "bytes", [_value(m.FILE_BYTES.name, "file", function="max")]),
        Panel("Cache misses", "ops", [_rate(m.CACHE_LOOKUPS.name, "cache", 'outcome="miss"')]),
    ),
    "Background work": (
        Panel("Waiting work", "short", [_value(m.WAITING_WORK.name, "work", function="max")]),
        Panel(
            "Time since a worker reported",
            "s",
            [(f"time() - max({m.WORKER_REPORT.name}{{{_JOB}}})", "seconds")],
        ),
        Panel(
            "Leases",
            "short",
            [
                _value(m.LEASES.name, "state", function="max"),
                _value(m.EXPIRED_LEASE_SECONDS.name, "", function="max"),
            ],
        ),
        Panel("Open jobs", "short", [_value(m.OPEN_JOBS.name, "state", function="max")]),
        Panel("Age of the oldest job", "s", [_value(m.OLDEST_JOB_SECONDS.name, "kind", function="max")]),
        Panel("Jobs by request", "ops", [_rate(m.JOBS.name, "what")]),
    ),
    "Deliveries and alerts": (
        Panel("Deliveries by state", "short", [_value(m.DELIVERIES.name, "state", function="max")]),
        Panel("Overdue deliveries", "s", [_value(m.OVERDUE_DELIVERY_SECONDS.name, "", function="max")]),
        Panel("Attempts by outcome", "ops", [_rate(m.DELIVERY_ATTEMPTS.name, "outcome")]),
        Panel(
            "Time of attempts",
            "s",
            [
                _quantile(m.DELIVERY_ATTEMPT_SECONDS.name, 0.95),
                _quantile(m.DELIVERY_FIRST_ATTEMPT_SECONDS.name, 0.95),
            ],
        ),
        Panel("Open alerts", "short", [_value(m.ALERT.name, "kind", 'state="open"', function="max")]),
        Panel(
            "Notifications",
            "short",
            [
                _rate(m.NOTIFICATION_ATTEMPTS.name, "outcome"),
                _value(m.WAITING_NOTIFICATIONS.name, "", function="max"),
            ],
        ),
    ),
    "Process": (
        Panel("Processor", "percentunit", [_rate("process_cpu_seconds_total", "instance")]),
        Panel("Memory", "bytes", [_value("process_resident_memory_bytes", "instance")]),
        Panel("Open files", "short", [_value("process_open_fds", "instance")]),
    ),
}


def dashboard_file() -> str:
    """Return the dashboard. It asks for its data source, and for the job of Prometheus."""
    dashboard = {
        "uid": "calltally",
        "title": "Calltally",
        "description": "The service itself: requests, callbacks, database, background work, deliveries.",
        "tags": ["calltally"],
        "schemaVersion": _SCHEMA_VERSION,
        "editable": True,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": _variables()},
        "panels": [*_panels()],
    }
    return json.dumps(dashboard, indent=2) + "\n"


def _variables() -> list[dict[str, Any]]:
    return [
        {"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"},
        {
            "name": "job",
            "label": "Job",
            "type": "query",
            "datasource": _SOURCE,
            "query": f"label_values({m.HTTP_REQUESTS.name}, job)",
            "includeAll": True,
            "multi": True,
            "refresh": 2,
        },
    ]


def _panels() -> Iterator[dict[str, Any]]:
    top = number = 0
    for title, panels in ROWS.items():
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "gridPos": _position(0, top, 24, 1),
        }
        top += 1
        for index, panel in enumerate(panels):
            number += 1
            left = index % _COLUMNS * _WIDTH
            yield _panel(panel, number, _position(left, top + index // _COLUMNS * _HEIGHT, _WIDTH, _HEIGHT))
        top += -(-len(panels) // _COLUMNS) * _HEIGHT


def _position(left: int, top: int, width: int, height: int) -> dict[str, int]:
    return {"x": left, "y": top, "w": width, "h": height}


def _panel(panel: Panel, number: int, position: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": position,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {"refId": chr(ord("A") + index), "expr": expr, "legendFormat": legend, "datasource": _SOURCE}
            for index, (expr, legend) in enumerate(panel.queries)
        ],
    }
