"""Totals as the outside sees them: counts, rates with their intervals, times, and how others differ."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import starmap
from typing import Any, Final, NamedTuple, TypeAlias

from calltally.analytics.buckets import Bucket
from calltally.analytics.measurement import GroupKey, Measurement, Window, counterparts
from calltally.analytics.query import QualityQuery
from calltally.analytics.schemas import (
    ComparedShown,
    DifferenceShown,
    GroupShown,
    MeasuresShown,
    QualityShown,
    RateShown,
    SpanShown,
    TimeShown,
)
from calltally.calls.histogram import percentile
from calltally.calls.intervals import SMALL_SAMPLE, Share, bounds, difference_bounds, is_more_than_chance
from calltally.calls.measures import histogram_of
from calltally.calls.metrics import (
    COUNTS,
    DURATIONS,
    PERCENTILES,
    RATES,
    Duration,
    Shares,
    Summed,
    rate_named,
    summed,
)
from calltally.calls.times import utc_text
from calltally.store.analytics.quality_query import Totals

_ROUND: Final = 6


class _Wanted(NamedTuple):
    """What is told of each group, and among how many comparisons one stands out: 0 for none of them.

    `is_page` is whether people see it, who are told less than the API's clients.
    """

    counts: Mapping[str, Summed]
    rates: Shares
    durations: Sequence[Duration]
    comparisons: int = 0
    is_page: bool = False


_RateOf: TypeAlias = Callable[[int, int], RateShown]
_EVERY: Final = _Wanted(summed(COUNTS), Shares(RATES), DURATIONS)
_NO_TIMES: Final = _EVERY._replace(durations=())


def quality_shown(query: QualityQuery, measured: Measurement, other: Measurement | None) -> QualityShown:
    """The answer to a query: of a window, and of the one that it is compared with."""
    groups = _groups(query, measured, other)
    wanted = _wanted(query, (len(groups) + 1) * len(RATES) if other else 0)
    window = measured.window
    whole, *spans = (SpanShown(utc_text(lo_us), utc_text(hi_us)) for lo_us, hi_us in _bounds(window))
    total = _shown({}, whole, measured.total(), other.total() if other else None, wanted)
    rows, undiffered, named = query.rows, wanted._replace(comparisons=0), _named(query, groups)
    return QualityShown(
        data=[
            _shown(
                _key(query, named[key[0]], window.buckets[key[1]]),
                spans[key[1]],
                *totals,
                wanted if rows is None or place < rows else undiffered,
            )
            for place, (key, totals) in enumerate(groups.items())
        ],
        total=total,
        window=whole,
        compared_window=SpanShown(*map(utc_text, other.window[:2])) if other else None,
        group_by=[*query.keys, *([query.step] if query.step else [])],
        tz=query.zone,
        rows_read=measured.rows_read + (other.rows_read if other else 0),
        unmeasured=measured.unmeasured + (other.unmeasured if other else 0),
    )


def _bounds(window: Window) -> Iterator[tuple[int, int]]:
    """Those of the window, and of each of its buckets."""
    yield window.lo_us, window.hi_us
    for bucket in window.buckets:
        yield bucket.lo_us, bucket.hi_us


def _wanted(query: QualityQuery, comparisons: int) -> _Wanted:
    """A page makes as many comparisons as the whole answer does, so that both say the same."""
    if query.rates is None:
        return _EVERY._replace(comparisons=comparisons)
    rates = Shares([rate_named(name) for name in query.rates])
    return _Wanted(summed(COUNTS[:1]), rates, (), comparisons, is_page=True)


def _groups(
    query: QualityQuery, measured: Measurement, other: Measurement | None
) -> dict[GroupKey, tuple[Totals, Totals | None]]:
    """Each group with its counterpart, ordered by key and time; of steps alone also those without a call."""
    # One for all that have none: nothing is added to what is told.
    nothing = Totals()
    groups = {key: (totals, nothing if other else None) for key, totals in measured.groups.items()}
    if not query.keys and query.step is not None:
        for place in range(len(measured.window.buckets)):
            groups.setdefault(((), place), (nothing, nothing if other else None))
    if other is not None:
        there: dict[int, list[tuple[Any, ...]]] = {}
        for values, at in other.groups:
            there.setdefault(at, []).append(values)
        for place, at_place in enumerate(counterparts(query, measured.window, other.window)):
            for values in there.get(at_place, ()) if at_place is not None else ():
                mine = groups.get((values, place), (nothing, None))[0]
                groups[values, place] = (mine, other.groups[values, at_place or 0])
    if not (query.keys or query.step):
        return {}
    # A group has as many steps as there are: where it stands is worked out once.
    ranked = sorted({values for values, _ in groups}, key=_order)
    rank = {values: place for place, values in enumerate(ranked)}
    return dict(sorted(groups.items(), key=lambda item: (rank[item[0][0]], item[0][1])))


def _order(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple((value is None, value or "") for value in values)


def _named(query: QualityQuery, groups: Iterable[GroupKey]) -> dict[tuple[Any, ...], dict[str, str | None]]:
    """The values of each group's keys by their names."""
    return {values: dict(zip(query.keys, values, strict=True)) for values in {key[0] for key in groups}}


def _key(query: QualityQuery, named: dict[str, str | None], bucket: Bucket) -> dict[str, str | None]:
    return {**named, query.step: bucket.label} if query.step else named


def _shown(
    key: dict[str, str | None], span: SpanShown, mine: Totals, other: Totals | None, wanted: _Wanted
) -> GroupShown:
    shown = measures_shown(mine, wanted)
    compared = _compared(shown.rates, other, wanted) if other else None
    return GroupShown(key, span.from_, span.to, shown.counts, shown.rates, shown.seconds, compared)


def measures_shown(totals: Totals, wanted: _Wanted = _EVERY, rate_of: _RateOf | None = None) -> MeasuresShown:
    """Every metric of some totals."""
    row, rates = totals.counts, wanted.rates
    seconds = {}
    if wanted.durations:
        columns = totals.columns()
        seconds = {each.name: _time(each, columns, totals) for each in wanted.durations}
    return MeasuresShown(
        {name: of_row(row) for name, of_row in wanted.counts.items()},
        # As many as there are names, and a page has thousands.
        dict(zip(rates.names, starmap(rate_of or _rate, rates.of(row)))),  # noqa: B905
        seconds,
    )


def counts_and_rates(totals: Totals) -> tuple[dict[str, int], dict[str, RateShown]]:
    """Every count and rate, for what tells no times."""
    shown = measures_shown(totals, _NO_TIMES)
    return shown.counts, shown.rates


def rate_shown(share: Share) -> RateShown:
    """A rate with its interval."""
    return _rate(*share)


# Hours of few calls are much alike, and whoever looks at a page looks at it again.
@lru_cache(maxsize=16_384)
def _rate(numerator: int, denominator: int) -> RateShown:
    if not denominator:
        return RateShown(None, numerator, denominator, None, None, small_sample=True)
    low, high = bounds(numerator, denominator)
    value = round(numerator / denominator, _ROUND)
    is_small = denominator < SMALL_SAMPLE
    return RateShown(value, numerator, denominator, round(low, _ROUND), round(high, _ROUND), is_small)


def _bare(numerator: int, denominator: int) -> RateShown:
    """A rate without its interval, which pages do not tell of what they only compare with.

    To remember it would take as long as to make it.
    """
    value = round(numerator / denominator, _ROUND) if denominator else None
    return RateShown(value, numerator, denominator, None, None, denominator < SMALL_SAMPLE)


def _time(duration: Duration, columns: Mapping[str, int], totals: Totals) -> TimeShown:
    calls, total = columns[duration.calls], columns[duration.column] / duration.per_second
    bins = histogram_of(totals.bins, duration.column)
    points = (percentile(bins, share) for share in PERCENTILES.values())
    shown = [None if point is None else round(point / duration.per_second, 3) for point in points]
    return TimeShown(calls, total, round(total / calls, 3) if calls else None, *shown)


def _compared(mine: dict[str, RateShown], other: Totals, wanted: _Wanted) -> ComparedShown:
    shown = measures_shown(other, wanted, _bare if wanted.is_page else _rate)
    differences = {}
    if wanted.comparisons:
        theirs, comparisons = shown.rates, wanted.comparisons
        differences = {name: _difference(rate, theirs[name], comparisons) for name, rate in mine.items()}
    return ComparedShown(shown.counts, shown.rates, shown.seconds, differences)


# Rates that are alike are the same objects, and their differences as well.
@lru_cache(maxsize=8_192)
def _difference(mine: RateShown, other: RateShown, comparisons: int) -> DifferenceShown:
    """How one rate differs from another."""
    if mine.value is None or other.value is None:
        return _NO_DIFFERENCE
    one, two = (mine.numerator, mine.denominator), (other.numerator, other.denominator)
    low, high = difference_bounds(one, two)
    value = mine.numerator / mine.denominator - other.numerator / other.denominator
    return DifferenceShown(
        *(round(value, _ROUND), round(low, _ROUND), round(high, _ROUND)),
        # Of several comparisons it reaches further: what holds 0 at once needs no second one.
        not low <= 0 <= high and is_more_than_chance(Share(*one), Share(*two), comparisons),
    )


_NO_DIFFERENCE: Final = DifferenceShown(None, None, None, None)
