"""Measurement of a quality query: windows, buckets, and totals of tenants."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from calltally.analytics.buckets import HOUR, Bucket, buckets_of, local_time, midnight_us, shifted_us
from calltally.analytics.query import PREVIOUS, SAME_WEEKDAY, QualityQuery, zone_named
from calltally.calls.errors import InvalidInput
from calltally.calls.histogram import add
from calltally.calls.measures import column_index
from calltally.calls.metrics import BRIDGED_ESCALATIONS, rate_columns
from calltally.calls.model import DIRECTION_NUMBER
from calltally.calls.times import DAY_US
from calltally.store.analytics.quality_query import (
    GroupedTotals,
    TotalsQuery,
    check_groups,
    totals_of,
)
from calltally.store.analytics.quality_repair import count_unmeasured
from calltally.store.db.operation import StoreOperation
from calltally.store.rollups.quality_delta import QualityTotals
from calltally.store.rollups.window_buckets import WindowPiece
from calltally.store.tenants.tenants import need_tenant

_DEFAULT_US: Final = 7 * DAY_US
# No call can be older; and calendars end in the year 9999.
_FIRST_US: Final = 365 * DAY_US
_LAST_US: Final = 376_200 * DAY_US
_WEEK_DAYS: Final = 7
_DIRECTION_NAMES: Final = {number: name for name, number in DIRECTION_NUMBER.items()}

# The values of a group's keys in the query's order, and the index of its bucket; None for an unknown value.
GroupKey = tuple[tuple[Any, ...], int]


class MeasuredWindow(NamedTuple):
    """Measured window from `lo_us` to before `hi_us`, in one bucket or in several."""

    lo_us: int
    hi_us: int
    buckets: tuple[Bucket, ...]


class Measurement(NamedTuple):
    """Totals of a window's groups, the number of calls read one by one, and of calls not measured."""

    window: MeasuredWindow
    groups: dict[GroupKey, QualityTotals]
    rows_read: int = 0
    unmeasured: int = 0

    def total(self) -> QualityTotals:
        total, groups = QualityTotals(), self.groups.values()
        if groups:
            total.counts = [sum(column) for column in zip(*[each.counts for each in groups], strict=True)]
        for each in groups:
            add(total.bins, each.bins)
        return total


def window_of(query: QualityQuery, now_us: int) -> MeasuredWindow:
    """Return the window of a query with its buckets. Raises InvalidInput for an invalid one or too many."""
    hi_us = now_us if query.filter.to_us is None else query.filter.to_us
    lo_us = hi_us - _DEFAULT_US if query.filter.from_us is None else query.filter.from_us
    if lo_us >= hi_us:
        raise InvalidInput.of("from", "from is not in the past; set from and to")
    return _window(query, lo_us, hi_us)


def compared_window(query: QualityQuery, window: MeasuredWindow) -> MeasuredWindow | None:
    """Return the window to compare with. Raises InvalidInput if it would begin before all calendars."""
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
        raise InvalidInput.of(
            "compare", "the compared window is too far in the past; use a later from"
        ) from None
    return _window(query, lo_us, hi_us)


def _whole_days(query: QualityQuery, window: MeasuredWindow) -> int | None:
    """Return the number of local days of a window that begins and ends at midnight, else None."""
    zone = zone_named(query.zone)
    first, last = (local_time(at_us, zone).date() for at_us in window[:2])
    is_whole = (midnight_us(first, zone), midnight_us(last, zone)) == window[:2]
    return (last - first).days if is_whole else None


def _window(query: QualityQuery, lo_us: int, hi_us: int) -> MeasuredWindow:
    lo_us, hi_us = max(lo_us, _FIRST_US), min(hi_us, _LAST_US)
    if lo_us >= hi_us:
        message = "there are no calls at that time: use a window between the years 1971 and 3000"
        raise InvalidInput.of("from", message)
    if query.step is None:
        return MeasuredWindow(lo_us, hi_us, (Bucket("", lo_us, hi_us),))
    return MeasuredWindow(lo_us, hi_us, buckets_of(query.step, lo_us, hi_us, zone_named(query.zone)))


def measure(tenant: str, query: QualityQuery, window: MeasuredWindow) -> StoreOperation[Measurement]:
    """Measure one tenant. Raises InvalidInput for a query that is too large."""
    pieces = tuple(WindowPiece(bucket.lo_us, bucket.hi_us) for bucket in window.buckets)
    columns = None if query.rates is None else rate_columns(query.rates)
    request = TotalsQuery(tenant, pieces, query.stored_keys, query.filter, query.percentiles, columns)
    found: GroupedTotals = yield from totals_of(request)
    # A group has one entry per bucket: its values are computed once.
    values = {key: _values(query, tenant, key) for key in {key for _, key in found.groups}}
    groups = {(values[key], index): totals for (index, key), totals in found.groups.items()}
    if (yield from need_tenant(tenant)).bridged_is_escalation:
        _count_bridged(groups.values())
    unmeasured_calls = yield from count_unmeasured(tenant, window.lo_us, window.hi_us)
    return Measurement(window, groups, found.rows_read, unmeasured_calls)


def _count_bridged(groups: Iterable[QualityTotals]) -> None:
    """Count bridged transfers as escalations, for tenants with that setting."""
    for totals in groups:
        for name, other in BRIDGED_ESCALATIONS.items():
            totals.counts[column_index(name)] = totals.counts[column_index(other)]


def _values(query: QualityQuery, tenant: str, key: tuple[Any, ...]) -> tuple[Any, ...]:
    stored = dict(zip(query.stored_keys, key, strict=True))
    values = {name: value or None for name, value in stored.items()}
    if "direction" in stored:
        values["direction"] = _DIRECTION_NAMES[stored["direction"]]
    return tuple(tenant if name == "tenant" else values[name] for name in query.keys)


def merge_measurements(window: MeasuredWindow, measurements: Sequence[Measurement]) -> Measurement:
    groups: dict[GroupKey, QualityTotals] = {}
    for each in measurements:
        for key, totals in each.groups.items():
            groups.setdefault(key, QualityTotals()).add(totals.counts, totals.bins)
    check_groups(len(groups))
    rows_read = sum(each.rows_read for each in measurements)
    return Measurement(window, groups, rows_read, sum(each.unmeasured for each in measurements))


def counterparts(query: QualityQuery, window: MeasuredWindow, other: MeasuredWindow) -> list[int | None]:
    """Return for each bucket of a window the index of its counterpart in the other window.

    Days, weeks and months correspond by index. Hours correspond by the local clock, since a day may not have
    24.
    """
    if query.step != HOUR:
        return [index if index < len(other.buckets) else None for index in range(len(window.buckets))]
    zone = zone_named(query.zone)
    indexes = {bucket.lo_us: index for index, bucket in enumerate(other.buckets)}
    days = (local_time(window.lo_us, zone).date() - local_time(other.lo_us, zone).date()).days
    whole = local_time(window.lo_us, zone).time() == local_time(other.lo_us, zone).time()
    shift_us = window.lo_us - other.lo_us
    return [
        indexes.get(shifted_us(bucket.lo_us, -days, zone) if whole else bucket.lo_us - shift_us)
        for bucket in window.buckets
    ]
