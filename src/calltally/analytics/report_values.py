"""Values of a quality report: counts, rates with intervals, times, and differences."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import starmap
from typing import Any, Final, NamedTuple, TypeAlias

from calltally.analytics.measurement import GroupKey, Measurement, counterparts
from calltally.analytics.query import QualityQuery
from calltally.analytics.schemas import (
    CallGroup,
    CallMetrics,
    ComparedMetrics,
    DurationSummary,
    QualityReport,
    QualityWindow,
    RateDifference,
    RateSummary,
)
from calltally.calls.histogram import percentile
from calltally.calls.intervals import SMALL_SAMPLE, Proportion, bounds, difference_bounds, is_more_than_chance
from calltally.calls.measures import split_histogram
from calltally.calls.metrics import (
    COUNTS,
    DURATIONS,
    PERCENTILES,
    RATES,
    DurationMetric,
    RateProportions,
    RowCounter,
    rate_named,
    row_counters,
)
from calltally.calls.times import utc_text
from calltally.store.rollups.quality_delta import QualityTotals

_ROUND: Final = 6
_NO_DIFFERENCE: Final = RateDifference(None, None, None, None)


class _MetricSelection(NamedTuple):
    """Metrics of each group, and the number of comparisons to correct for: 0 for no comparison.

    `is_page` is true for dashboard pages, which need fewer metrics than API clients.
    """

    counts: Mapping[str, RowCounter]
    rates: RateProportions
    durations: Sequence[DurationMetric]
    comparisons: int = 0
    is_page: bool = False


_RateOf: TypeAlias = Callable[[int, int], RateSummary]
_ALL_METRICS: Final = _MetricSelection(row_counters(COUNTS), RateProportions(RATES), DURATIONS)
_NO_TIMES: Final = _ALL_METRICS._replace(durations=())


def build_report(query: QualityQuery, measured: Measurement, other: Measurement | None) -> QualityReport:
    """Return the report of a measured window and of the window that it is compared with."""
    groups = _groups(query, measured, other)
    selection = _selection_of(query, (len(groups) + 1) * len(RATES) if other else 0)
    window = measured.window
    bounds_us = [window[:2], *((bucket.lo_us, bucket.hi_us) for bucket in window.buckets)]
    whole, *spans = (QualityWindow(*map(utc_text, each)) for each in bounds_us)
    total = _group({}, whole, measured.total(), other.total() if other else None, selection)
    rows, undiffered_selection = query.rows, selection._replace(comparisons=0)
    named = {values: dict(zip(query.keys, values, strict=True)) for values in {key[0] for key in groups}}
    return QualityReport(
        data=[
            _group(
                {**named[key[0]], query.step: window.buckets[key[1]].label} if query.step else named[key[0]],
                spans[key[1]],
                *totals,
                selection if rows is None or index < rows else undiffered_selection,
            )
            for index, (key, totals) in enumerate(groups.items())
        ],
        total=total,
        window=whole,
        compared_window=QualityWindow(*map(utc_text, other.window[:2])) if other else None,
        group_by=[*query.keys, *([query.step] if query.step else [])],
        tz=query.zone,
        rows_read=measured.rows_read + (other.rows_read if other else 0),
        unmeasured=measured.unmeasured + (other.unmeasured if other else 0),
    )


def _selection_of(query: QualityQuery, comparisons: int) -> _MetricSelection:
    """Return the metrics. A page corrects for the comparisons of the whole report, so that both agree."""
    if query.rates is None:
        return _ALL_METRICS._replace(comparisons=comparisons)
    rates = RateProportions([rate_named(name) for name in query.rates])
    return _MetricSelection(row_counters(COUNTS[:1]), rates, (), comparisons, is_page=True)


def _groups(
    query: QualityQuery, measured: Measurement, other: Measurement | None
) -> dict[GroupKey, tuple[QualityTotals, QualityTotals | None]]:
    """Return each group with its counterpart, by key and time; without keys also buckets without calls."""
    # Shared by all groups without a counterpart; it is never modified.
    no_totals = QualityTotals()
    groups = {key: (totals, no_totals if other else None) for key, totals in measured.groups.items()}
    if not query.keys and query.step is not None:
        for index in range(len(measured.window.buckets)):
            groups.setdefault(((), index), (no_totals, no_totals if other else None))
    if other is not None:
        other_keys: dict[int, list[tuple[Any, ...]]] = {}
        for values, at in other.groups:
            other_keys.setdefault(at, []).append(values)
        for index, other_index in enumerate(counterparts(query, measured.window, other.window)):
            for values in other_keys.get(other_index, ()) if other_index is not None else ():
                own = groups.get((values, index), (no_totals, None))[0]
                groups[values, index] = (own, other.groups[values, other_index or 0])
    if not (query.keys or query.step):
        return {}
    # A group has one entry per bucket: its rank is computed once.
    by_value = {values: tuple((each is None, each or "") for each in values) for values, _ in groups}
    ranked = sorted(by_value, key=by_value.__getitem__)
    rank = {values: index for index, values in enumerate(ranked)}
    return dict(sorted(groups.items(), key=lambda item: (rank[item[0][0]], item[0][1])))


def _group(
    key: dict[str, str | None],
    span: QualityWindow,
    own: QualityTotals,
    other: QualityTotals | None,
    selection: _MetricSelection,
) -> CallGroup:
    metrics = metrics_of(own, selection)
    compared = _compared(metrics.rates, other, selection) if other else None
    return CallGroup(key, span.from_, span.to, metrics.counts, metrics.rates, metrics.seconds, compared)


def metrics_of(
    totals: QualityTotals, selection: _MetricSelection = _ALL_METRICS, rate_of: _RateOf | None = None
) -> CallMetrics:
    row, rates = totals.counts, selection.rates
    seconds = {}
    if selection.durations:
        columns = totals.columns()
        seconds = {each.name: _time(each, columns, totals) for each in selection.durations}
    return CallMetrics(
        {name: of_row(row) for name, of_row in selection.counts.items()},
        # Both have the same length. A check would cost time, as a page has thousands of rates.
        dict(zip(rates.names, starmap(rate_of or _rate, rates.of(row)))),  # noqa: B905
        seconds,
    )


def counts_and_rates(totals: QualityTotals) -> tuple[dict[str, int], dict[str, RateSummary]]:
    metrics = metrics_of(totals, _NO_TIMES)
    return metrics.counts, metrics.rates


def rate_with_interval(share: Proportion) -> RateSummary:
    return _rate(*share)


# Hours of few calls have equal rates, and pages are loaded repeatedly.
@lru_cache(maxsize=16_384)
def _rate(numerator: int, denominator: int) -> RateSummary:
    if not denominator:
        return RateSummary(None, numerator, denominator, None, None, small_sample=True)
    low, high = bounds(numerator, denominator)
    value = round(numerator / denominator, _ROUND)
    is_small = denominator < SMALL_SAMPLE
    return RateSummary(value, numerator, denominator, round(low, _ROUND), round(high, _ROUND), is_small)


def _rate_without_interval(numerator: int, denominator: int) -> RateSummary:
    """Return a rate without its interval. Not cached, because a cache lookup takes as long."""
    value = round(numerator / denominator, _ROUND) if denominator else None
    return RateSummary(value, numerator, denominator, None, None, denominator < SMALL_SAMPLE)


def _time(duration: DurationMetric, columns: Mapping[str, int], totals: QualityTotals) -> DurationSummary:
    calls, total = columns[duration.calls], columns[duration.column] / duration.per_second
    bins = split_histogram(totals.bins, duration.column)
    points = (percentile(bins, share) for share in PERCENTILES.values())
    percentiles = [None if point is None else round(point / duration.per_second, 3) for point in points]
    return DurationSummary(calls, total, round(total / calls, 3) if calls else None, *percentiles)


def _compared(
    own: dict[str, RateSummary], other: QualityTotals, selection: _MetricSelection
) -> ComparedMetrics:
    metrics = metrics_of(other, selection, _rate_without_interval if selection.is_page else _rate)
    differences = {}
    if selection.comparisons:
        other_rates, comparisons = metrics.rates, selection.comparisons
        differences = {name: _difference(rate, other_rates[name], comparisons) for name, rate in own.items()}
    return ComparedMetrics(metrics.counts, metrics.rates, metrics.seconds, differences)


# Equal rates are the same cached objects, and so are their differences.
@lru_cache(maxsize=8_192)
def _difference(own: RateSummary, other: RateSummary, comparisons: int) -> RateDifference:
    if own.value is None or other.value is None:
        return _NO_DIFFERENCE
    one, two = (own.numerator, own.denominator), (other.numerator, other.denominator)
    low, high = difference_bounds(one, two)
    value = own.numerator / own.denominator - other.numerator / other.denominator
    return RateDifference(
        *(round(value, _ROUND), round(low, _ROUND), round(high, _ROUND)),
        # The correction for several comparisons only widens: an interval with 0 needs no second test.
        not low <= 0 <= high and is_more_than_chance(Proportion(*one), Proportion(*two), comparisons),
    )
