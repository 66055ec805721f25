"""From a question to totals: which windows, in which pieces, of which tenants."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from calltally.analytics.buckets import HOUR, Bucket, buckets_of, local, midnight_us, shifted_us
from calltally.analytics.query import PREVIOUS, SAME_WEEKDAY, QualityQuery, zone_named
from calltally.calls.errors import InvalidInput
from calltally.calls.histogram import add
from calltally.calls.metrics import columns_of
from calltally.calls.model import DIRECTION_NUMBER
from calltally.calls.times import DAY_US
from calltally.store.analytics.quality_query import Answered, Question, Totals, check_groups, totals_of
from calltally.store.analytics.quality_repair import unmeasured
from calltally.store.db.operation import Step
from calltally.store.rollups.quality_windows import Piece

_DEFAULT_US: Final = 7 * DAY_US
# Calls cannot be older, and calendars end in the year 9999 wherever one is.
_FIRST_US: Final = 365 * DAY_US
_LAST_US: Final = 376_200 * DAY_US
_WEEK_DAYS: Final = 7
_DIRECTION_NAMES: Final = {number: name for name, number in DIRECTION_NUMBER.items()}

# The values of a group's keys in the order asked for, then its bucket's place; None for a value not known.
GroupKey = tuple[tuple[Any, ...], int]


class Window(NamedTuple):
    """What is measured: from `lo_us` to before `hi_us`, in one bucket or in steps of time."""

    lo_us: int
    hi_us: int
    buckets: tuple[Bucket, ...]


class Measurement(NamedTuple):
    """The totals of a window's groups, how many calls were read one by one, and how many are not measured."""

    window: Window
    groups: dict[GroupKey, Totals]
    rows_read: int = 0
    unmeasured: int = 0

    def total(self) -> Totals:
        """All groups together."""
        total, groups = Totals(), self.groups.values()
        if groups:
            total.counts = [sum(column) for column in zip(*[each.counts for each in groups], strict=True)]
        for each in groups:
            add(total.bins, each.bins)
        return total


def window_of(query: QualityQuery, now_us: int) -> Window:
    """The window that is asked for, in its steps. Raises InvalidInput where it is none, or has too many."""
    hi_us = now_us if query.filter.to_us is None else query.filter.to_us
    lo_us = hi_us - _DEFAULT_US if query.filter.from_us is None else query.filter.from_us
    if lo_us >= hi_us:
        message = "from is not in the past; name a window by from and to"
        raise InvalidInput.of("from", message)
    return _window(query, lo_us, hi_us)


def compared_window(query: QualityQuery, window: Window) -> Window | None:
    """The window to compare with. Raises InvalidInput where it would lie before all time."""
    if query.compare is None:
        return None
    if isinstance(query.compare, tuple):
        return _window(query, *query.compare)
    shift_us = window.hi_us - window.lo_us
    days = _whole_days(query, window)
    if query.compare == SAME_WEEKDAY:
        days = _WEEK_DAYS * -(-shift_us // (_WEEK_DAYS * DAY_US))
    if query.compare == PREVIOUS and days is None:
        return _window(query, window.lo_us - shift_us, window.lo_us)
    zone = zone_named(query.zone)
    try:
        lo_us, hi_us = (shifted_us(at_us, -(days or 0), zone) for at_us in window[:2])
    except OverflowError:
        raise InvalidInput.of("compare", "there is no time so long before; ask for a later from") from None
    return _window(query, lo_us, hi_us)


def _whole_days(query: QualityQuery, window: Window) -> int | None:
    """How many local days a window is of, where it begins and ends at midnight."""
    zone = zone_named(query.zone)
    first, last = (local(at_us, zone).date() for at_us in window[:2])
    if (midnight_us(first, zone), midnight_us(last, zone)) != window[:2]:
        return None
    return (last - first).days


def _window(query: QualityQuery, lo_us: int, hi_us: int) -> Window:
    lo_us, hi_us = max(lo_us, _FIRST_US), min(hi_us, _LAST_US)
    if lo_us >= hi_us:
        message = "no call can be there: windows lie between the years 1971 and 3000"
        raise InvalidInput.of("from", message)
    if query.step is None:
        return Window(lo_us, hi_us, (Bucket("", lo_us, hi_us),))
    return Window(lo_us, hi_us, buckets_of(query.step, lo_us, hi_us, zone_named(query.zone)))


def measure(tenant: str, query: QualityQuery, window: Window) -> Step[Measurement]:
    """Measure one tenant. Raises InvalidInput for what would be too much."""
    pieces = tuple(Piece(bucket.lo_us, bucket.hi_us) for bucket in window.buckets)
    columns = None if query.rates is None else columns_of(query.rates)
    question = Question(tenant, pieces, query.stored_keys, query.filter, query.percentiles, columns)
    answered: Answered = yield from totals_of(question)
    # A group has as many steps as there are: its values are told once for all.
    values = {key: _values(query, tenant, key) for key in {key for _, key in answered.groups}}
    groups = {(values[key], place): totals for (place, key), totals in answered.groups.items()}
    waiting = yield from unmeasured(tenant, window.lo_us, window.hi_us)
    return Measurement(window, groups, answered.rows_read, waiting)


def _values(query: QualityQuery, tenant: str, key: tuple[Any, ...]) -> tuple[Any, ...]:
    stored = dict(zip(query.stored_keys, key, strict=True))
    values = {name: value or None for name, value in stored.items()}
    if "direction" in stored:
        values["direction"] = _DIRECTION_NAMES[stored["direction"]]
    return tuple(tenant if name == "tenant" else values[name] for name in query.keys)


def joined(window: Window, measurements: Sequence[Measurement]) -> Measurement:
    """Those of several tenants as one."""
    groups: dict[GroupKey, Totals] = {}
    for each in measurements:
        for key, totals in each.groups.items():
            groups.setdefault(key, Totals()).add(totals.counts, totals.bins)
    check_groups(len(groups))
    rows_read, waiting = (sum(column) for column in zip(*[each[2:] for each in measurements], strict=True))
    return Measurement(window, groups, rows_read, waiting)


def counterparts(query: QualityQuery, window: Window, other: Window) -> list[int | None]:
    """For each bucket of a window the place of that of the other which it is compared with.

    Days, weeks and months go by their place. Hours go by the clock, since a day has not always 24.
    """
    if query.step != HOUR:
        return [place if place < len(other.buckets) else None for place in range(len(window.buckets))]
    zone = zone_named(query.zone)
    places = {bucket.lo_us: place for place, bucket in enumerate(other.buckets)}
    days = (local(window.lo_us, zone).date() - local(other.lo_us, zone).date()).days
    whole = local(window.lo_us, zone).time() == local(other.lo_us, zone).time()
    shift_us = window.lo_us - other.lo_us
    return [
        places.get(shifted_us(bucket.lo_us, -days, zone) if whole else bucket.lo_us - shift_us)
        for bucket in window.buckets
    ]
