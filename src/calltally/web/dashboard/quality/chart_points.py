"""A chart's points as JSON: a page has thousands, and what shares that are alike say is written once."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from json import dumps
from typing import Any, Final, NamedTuple

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from calltally.analytics.schemas import RateShown

NO_POINT: Final = "null"


class ChartSeries(NamedTuple):
    """A column of the charts: its name, the list of its calls (None where there is none), points by rate."""

    name: str
    calls: str | None
    points: Mapping[str, Iterable[str]]


def chart_json(data: Mapping[str, Any], columns: Iterable[ChartSeries]) -> Markup:
    """All that the script of the charts is given, for a page to hold as it is."""
    members = {name: htmlsafe_json_dumps(value, sort_keys=True) for name, value in data.items()}
    # All but numbers is escaped by then.
    return Markup(_object({**members, "columns": _array(map(_column, columns))}))  # noqa: S704


def _column(column: ChartSeries) -> str:
    points = {rate: _array(each) for rate, each in column.points.items()}
    named = {"name": htmlsafe_json_dumps(column.name), "calls": htmlsafe_json_dumps(column.calls)}
    return _object({**named, "rates": _object(points)})


def _object(members: Mapping[str, str]) -> str:
    """Of names of our own."""
    return f"{{{', '.join(f'{dumps(name)}: {value}' for name, value in sorted(members.items()))}}}"


def _array(values: Iterable[str]) -> str:
    return f"[{', '.join(values)}]"


# A number that is finite is its own JSON; the library takes four times as long.
@lru_cache(maxsize=16_384)
def point(shown: RateShown, base: float | None) -> str:
    """Rate, low, high, of how many calls, small sample, baseline; null where neither rate is of any calls."""
    told = NO_POINT if base is None else repr(base)
    if shown.value is None and base is None:
        return NO_POINT
    if shown.value is None:
        return f"[null, null, null, {shown.denominator}, {shown.small_sample:d}, {told}]"
    seen = f"{shown.value!r}, {shown.low!r}, {shown.high!r}"
    return f"[{seen}, {shown.denominator}, {shown.small_sample:d}, {told}]"
