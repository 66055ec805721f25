"""A chart's points as JSON: a page has thousands, and what shares that are alike say is written once."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from json import dumps
from typing import Any, Final, NamedTuple

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from calltally.analytics.answering import RateShown

NO_POINT: Final = "null"


class Drawn(NamedTuple):
    """A column of the charts: its name, the list of its calls (None where there is none), points by rate."""

    name: str
    calls: str | None
    points: Mapping[str, Iterable[str]]


def chart_json(data: Mapping[str, Any], columns: Iterable[Drawn]) -> Markup:
    """All that the script of the charts is given, for a page to hold as it is."""
    members = {name: htmlsafe_json_dumps(value, sort_keys=True) for name, value in data.items()}
    # All but numbers is escaped by then.
    return Markup(_object({**members, "columns": _array(map(_column, columns))}))  # noqa: S704


def _column(column: Drawn) -> str:
    points = {rate: _array(each) for rate, each in column.points.items()}
    named = {"name": htmlsafe_json_dumps(column.name), "calls": htmlsafe_json_dumps(column.calls)}
    return _object({**named, "rates": _object(points)})


def _object(members: Mapping[str, str]) -> str:
    """Of names of our own."""
    return f"{{{', '.join(f'{dumps(name)}: {value}' for name, value in sorted(members.items()))}}}"


def _array(values: Iterable[str]) -> str:
    return f"[{', '.join(values)}]"


def point(shown: RateShown, base: RateShown | None) -> str:
    """Rate, low, high, of how many calls, small sample, baseline."""
    return _point(shown, None if base is None else base.value)


@lru_cache(maxsize=16_384)
def _point(shown: RateShown, base: float | None) -> str:
    bounds = f"{_fraction(shown.low)}, {_fraction(shown.high)}"
    seen = f"{_fraction(shown.value)}, {bounds}, {shown.denominator}, {int(shown.small_sample)}"
    return f"[{seen}, {_fraction(base)}]"


def _fraction(value: float | None) -> str:
    """As JSON writes a number that is finite; to be asked for each alone would cost it four times as long."""
    return NO_POINT if value is None else repr(value)
