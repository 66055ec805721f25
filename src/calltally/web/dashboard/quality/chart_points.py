"""Chart points as JSON. A page has thousands of points, so equal points are encoded once."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from json import dumps
from typing import Any, Final, NamedTuple

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from calltally.analytics.schemas import RateSummary

NO_POINT: Final = "null"


class ChartSeries(NamedTuple):
    """Series of a group: its name, the query of its calls (None without one), and its points by rate."""

    name: str
    calls: str | None
    points: Mapping[str, Iterable[str]]


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
