"""Chart data of the quality page: a chart per group and rate, a point per time step.

The browser gets it as JSON. Every rate is from the API's response; none is computed here.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlencode

from markupsafe import Markup

from calltally.alerts.evaluation.alert_payload import read_content
from calltally.alerts.model.series import Dimension
from calltally.analytics.buckets import Bucket
from calltally.analytics.schemas import CallGroup, QualityReport
from calltally.calls.identity import uuid_text
from calltally.calls.times import utc_text
from calltally.store.alerts.alerts import Alert
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.number_format import percent
from calltally.web.dashboard.quality.call_links import NARROWED, calls_of
from calltally.web.dashboard.quality.chart_points import NO_POINT, ChartSeries, chart_json, point
from calltally.web.dashboard.quality.query import QualityPageQuery

# More groups than this are too narrow to read; the table has all groups.
MAX_GROUPS: Final = 6


class ChartGroup(NamedTuple):
    """One group: its name, its number of calls, and its steps by position on the axis."""

    name: str
    calls: int
    key: dict[str, str | None]
    steps: dict[int, CallGroup]

    @property
    def launch(self) -> str | None:
        """Return the path of its launch page; None unless it is a single route or agent."""
        if len(self.key) != 1 or not self.key.keys() <= {"route", "agent"} or not any(self.key.values()):
            return None
        return f"/quality/launch?{urlencode(self.key)}"

    def summary(self, rate: str) -> str:
        """Describe a chart in words, for screen readers."""
        all_values = [step.rates[rate].value for step in self.steps.values()]
        values = [value for value in all_values if value is not None]
        if not values:
            return text("chart_nothing", name=self.name)
        low, high, last = (percent(each) for each in (min(values), max(values), values[-1]))
        return text("chart_summary", rate=text(f"rate_{rate}"), name=self.name, low=low, high=high, last=last)


class ChartMark(NamedTuple):
    """An alert on a chart: its position and message."""

    path: str
    message: str
    metric: str
    at: int
    column: int | None


def chart_groups(report: QualityReport, step: str, buckets: Sequence[Bucket]) -> list[ChartGroup]:
    """Return the groups, those with the most calls first."""
    positions = {bucket.label: position for position, bucket in enumerate(buckets)}
    found: dict[tuple[str | None, ...], ChartGroup] = {}
    for group in report.data:
        key = {name: value for name, value in group.key.items() if name != step}
        values = tuple(key.values())
        if values not in found:
            found[values] = ChartGroup(_name(key), 0, key, {})
        found[values].steps[positions[group.key[step] or ""]] = group
    with_calls = [column._replace(calls=_calls(column)) for column in found.values()]
    return sorted(with_calls, key=lambda column: (-column.calls, column.name))


def _name(key: dict[str, str | None]) -> str:
    return " · ".join(value or text("unknown") for value in key.values()) or text("all_calls")


def _calls(column: ChartGroup) -> int:
    return sum(step.counts["attempts"] for step in column.steps.values())


def chart_marks(
    alerts: Iterable[Alert], columns: Sequence[ChartGroup], buckets: Sequence[Bucket]
) -> list[ChartMark]:
    """Return the alerts on rates that started in a bucket, with their group; None for all calls."""
    return [
        ChartMark(
            f"/alerts/{uuid_text(alert.alert)}", content.message, content.finding.metric, position, column
        )
        for alert in alerts
        if (content := read_content(alert)).finding.metric is not None
        for position in [_bucket_index(alert.since_us, buckets)]
        if position is not None
        for column in _columns_of_alert(*content.finding.series, columns)
    ]


def _bucket_index(at_us: int, buckets: Sequence[Bucket]) -> int | None:
    return next((at for at, bucket in enumerate(buckets) if bucket.lo_us <= at_us < bucket.hi_us), None)


def _columns_of_alert(dimension: Dimension, value: str, columns: Sequence[ChartGroup]) -> list[int | None]:
    if dimension is Dimension.TENANT:
        return [position for position, column in enumerate(columns) if not column.key] or [None]
    fitting = [position for position, column in enumerate(columns) if column.key == {dimension.value: value}]
    return [*fitting] or [None]


def chart_data(
    page_query: QualityPageQuery,
    columns: Sequence[ChartGroup],
    buckets: Sequence[Bucket],
    marks: Sequence[ChartMark],
) -> Markup:
    """Return all data of the script as JSON."""
    data = {
        "step": page_query.step,
        "labels": [bucket.label for bucket in buckets],
        "from": [utc_text(bucket.lo_us) for bucket in buckets],
        "to": [utc_text(bucket.hi_us) for bucket in buckets],
        "narrow": {rate: urlencode([NARROWED[rate]]) for rate in page_query.rates if rate in NARROWED},
        "marks": [mark._asdict() for mark in marks],
        "words": {name: text(f"chart_{name}") for name in ("of", "baseline", "small", "alert", "open")},
    }
    return chart_json(data, [_series(page_query, column, len(buckets)) for column in columns])


def _series(page_query: QualityPageQuery, column: ChartGroup, count: int) -> ChartSeries:
    calls = calls_of(column.key, page_query.filters)
    steps = [column.steps.get(position) for position in range(count)]
    # One expression, for speed: a page has thousands of points.
    points = {
        rate: [
            NO_POINT
            if step is None
            else point(step.rates[rate], None if step.compared is None else step.compared.rates[rate].value)
            for step in steps
        ]
        for rate in page_query.rates
    }
    return ChartSeries(column.name, None if calls is None else urlencode(calls), points)
