"""The counters: calls by bucket of time, status and direction, kept equal to the rows by the ledger.

Levels go from 32 days down to a minute, so that a busy hour is skipped through as cheaply as a
quiet one. Beside all calls together, each route, agent and provider has counters of its own.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from calltally.calls.model import DIRECTION_NUMBER, STATUS_NUMBER, STATUSES
from calltally.calls.times import SECOND_US

WIDTHS_S: Final = (32 * 86_400, 86_400, 3_600, 60)
FACETS: Final = ("route", "agent", "provider")
ALL: Final = ""
_FINEST_US: Final = WIDTHS_S[-1] * SECOND_US
_SIDES: Final = ("unknown", "inbound", "outbound")
COLUMNS: Final = tuple(f"{status.replace('-', '_')}_{side}" for status in STATUSES for side in _SIDES)

Key: TypeAlias = tuple[str, str, int, int]


class Place(NamedTuple):
    """What of a call decides in which counters it stands."""

    tenant: str
    created_us: int
    status: int
    direction: int
    route: str | None
    agent: str | None
    provider: str | None


def facet(name: str, value: str) -> str:
    """The counters of the calls of one route, agent or provider."""
    return f"{name}={value}"


def column_number(status: int, direction: int) -> int:
    """The place in `COLUMNS` of a status and a direction, each by its stored number."""
    return status * len(_SIDES) + direction


def columns_of(statuses: Iterable[str], direction: str | None) -> tuple[str, ...]:
    """The columns that a filter adds up: all of them where it names neither."""
    numbers = [STATUS_NUMBER[status] for status in statuses] or range(len(STATUSES))
    sides = range(len(_SIDES)) if direction is None else [DIRECTION_NUMBER[direction]]
    return tuple(COLUMNS[column_number(number, side)] for number in numbers for side in sides)


class Deltas:
    """What a commit changes in the counters, added up before anything is written."""

    def __init__(self) -> None:
        self._places: dict[Place, int] = {}

    def add(self, place: Place, calls: int) -> None:
        """Count `calls` (1 or -1) more at `place`; only the minute tells it from others."""
        minute = place._replace(created_us=place.created_us - place.created_us % _FINEST_US)
        self._places[minute] = self._places.get(minute, 0) + calls

    def rows(self, revisions: Mapping[str, int]) -> list[dict[str, Any]]:
        """One mapping of parameters per row of counters that changed, in the order of the keys."""
        rows: dict[Key, list[int]] = {}
        for place, calls in self._places.items():
            if calls:
                _spread(rows, place, calls)
        return [_parameters(key, row, revisions[key[0]]) for key, row in sorted(rows.items()) if any(row)]


def _spread(rows: dict[Key, list[int]], place: Place, calls: int) -> None:
    """Add to the row of each level and facet that `place` stands in."""
    column = column_number(place.status, place.direction)
    second = place.created_us // SECOND_US
    for name in _facets(place):
        for width_s in WIDTHS_S:
            key = (place.tenant, name, width_s, second - second % width_s)
            row = rows.get(key)
            if row is None:
                row = rows[key] = [0] * len(COLUMNS)
            row[column] += calls


def _facets(place: Place) -> list[str]:
    values = (place.route, place.agent, place.provider)
    return [
        ALL,
        *(facet(name, value) for name, value in zip(FACETS, values, strict=True) if value is not None),
    ]


def _parameters(key: Key, row: list[int], revision: int) -> dict[str, Any]:
    tenant, name, width_s, bucket_s = key
    counted = dict(zip(COLUMNS, row, strict=True))
    return {
        "tenant": tenant,
        "facet": name,
        "width_s": width_s,
        "bucket_s": bucket_s,
        "revision": revision,
        **counted,
    }


# Clauses of the statements over counters: the 27 columns in each form that they need.
CLAUSES: Final = (
    ("columns", ", ".join(COLUMNS)),
    ("values", ", ".join(f":{name}" for name in COLUMNS)),
    ("sums", ", ".join(f"{name} = counts.{name} + excluded.{name}" for name in COLUMNS)),
    ("arrays", ", ".join(f":{name}::integer[]" for name in COLUMNS)),
)
