"""Chart data of the quality page: a chart per group and rate, a point per time step.

The browser gets it as JSON. Every rate is from the API's response; none is computed here. A page has
thousands of points, so equal points are encoded once.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from json import dumps
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from calltally.alerts.evaluation.alert_lifecycle import read_content
from calltally.alerts.model.series import Dimension
from calltally.analytics.buckets import Bucket
from calltally.analytics.schemas import CallGroup, QualityReport, RateSummary
from calltally.calls.identity import uuid_text
from calltally.calls.times import utc_text
from calltally.store.alerts.alerts import Alert
from calltally.web.dashboard.calls.links import NARROWED, calls_of
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import percent
from calltally.web.dashboard.quality.query import QualityPageQuery

# More groups than this are too narrow to read; the table has all groups.
MAX_GROUPS: Final = 6
NO_POINT: Final = "null"


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


class ChartSeries(NamedTuple):
    """Series of a group: its name, the query of its calls (None without one), and its points by rate."""

    name: str
    calls: str | None
    points: Mapping[str, Iterable[str]]


def chart_groups(report: QualityReport, step: str, buckets: Sequence[Bucket]) -> list[ChartGroup]:
    """Return the groups, those with the most calls first."""
    positions = {bucket.label: position for position, bucket in enumerate(buckets)}
    found: dict[tuple[str | None, ...], ChartGroup] = {}
    for group in report.data:
        key = {name: value for name, value in group.key.items() if name != step}
        values = tuple(key.values())
        if values not in found:
            name = " · ".join(value or text("unknown") for value in values) or text("all_calls")
            found[values] = ChartGroup(name, 0, key, {})
        found[values].steps[positions[group.key[step] or ""]] = group
    with_calls = [
        column._replace(calls=sum(step.counts["attempts"] for step in column.steps.values()))
        for column in found.values()
    ]
    return sorted(with_calls, key=lambda column: (-column.calls, column.name))


def chart_marks(
    alerts: Iterable[Alert], columns: Sequence[ChartGroup], buckets: Sequence[Bucket]
) -> list[dict[str, Any]]:
    """Return the alerts on rates that started in a bucket, with their group; None for all calls."""
    return [
        {
            "path": f"/alerts/{uuid_text(alert.alert)}",
            "message": content.message,
            "metric": content.finding.metric,
            "at": position,
            "column": column,
        }
        for alert in alerts
        if (content := read_content(alert)).finding.metric is not None
        for position, bucket in enumerate(buckets)
        if bucket.lo_us <= alert.since_us < bucket.hi_us
        for column in _columns_of_alert(*content.finding.series, columns)
    ]


def _columns_of_alert(dimension: Dimension, value: str, columns: Sequence[ChartGroup]) -> list[int | None]:
    if dimension is Dimension.TENANT:
        return [position for position, column in enumerate(columns) if not column.key] or [None]
    fitting = [position for position, column in enumerate(columns) if column.key == {dimension.value: value}]
    return [*fitting] or [None]


def chart_data(
    page_query: QualityPageQuery,
    columns: Sequence[ChartGroup],
    buckets: Sequence[Bucket],
    marks: Sequence[dict[str, Any]],
) -> Markup:
    data = {
        "step": page_query.step,
        "labels": [bucket.label for bucket in buckets],
        "from": [utc_text(bucket.lo_us) for bucket in buckets],
        "to": [utc_text(bucket.hi_us) for bucket in buckets],
        "narrow": {rate: urlencode([NARROWED[rate]]) for rate in page_query.rates if rate in NARROWED},
        "marks": marks,
        "words": chart_words(),
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


def chart_words() -> dict[str, str]:
    return {name: text(f"chart_{name}") for name in ("of", "baseline", "small", "alert", "open")}


def chart_json(data: Mapping[str, Any], columns: Iterable[ChartSeries]) -> Markup:
    """Return the chart data as JSON that is safe inside HTML."""
    members = {name: htmlsafe_json_dumps(value, sort_keys=True) for name, value in data.items()}
    # Everything except numbers is escaped already.
    return Markup(_object({**members, "columns": _array(map(_column, columns))}))  # noqa: S704


def _column(column: ChartSeries) -> str:
    points = {rate: _array(each) for rate, each in column.points.items()}
    named = {"name": htmlsafe_json_dumps(column.name), "calls": htmlsafe_json_dumps(column.calls)}
    return _object({**named, "rates": _object(points)})


def _object(members: Mapping[str, str]) -> str:
    """Encode an object with our own names as keys."""
    return f"{{{', '.join(f'{dumps(name)}: {value}' for name, value in sorted(members.items()))}}}"


def _array(values: Iterable[str]) -> str:
    return f"[{', '.join(values)}]"


# The repr of a finite number is valid JSON, and four times as fast as the library.
@lru_cache(maxsize=16_384)
def point(rate: RateSummary, base: float | None) -> str:
    """Encode rate, low, high, calls, small sample, baseline; null if neither rate has calls."""
    baseline = NO_POINT if base is None else repr(base)
    if rate.value is None and base is None:
        return NO_POINT
    if rate.value is None:
        return f"[null, null, null, {rate.denominator}, {rate.small_sample:d}, {baseline}]"
    interval = f"{rate.value!r}, {rate.low!r}, {rate.high!r}"
    return f"[{interval}, {rate.denominator}, {rate.small_sample:d}, {baseline}]"
