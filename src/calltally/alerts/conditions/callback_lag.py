"""Lag of callbacks: the time from the provider's event time to its reception here.

Each provider and account has its own usual lag, learned from the callbacks of the last fortnight: the median
over the days of each day's quantiles. So an incident must last a week before it counts as usual. A provider
is late if a quarter of its newest callbacks came later than nearly all of them usually do, over some minutes.
A backlog that arrives at once is over by then.

Callbacks that never arrive have no lag; the silence detector finds them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from calltally.alerts.evaluation.rate_messages import series_phrase, since_text
from calltally.alerts.model.finding import (
    AlertFinding,
    AlertKind,
    FindingEvidence,
    condition_finding,
)
from calltally.alerts.model.series import Dimension, SeriesKey
from calltally.calls.events import Channel, Fact
from calltally.calls.times import DAY_US, SECOND_US
from calltally.calls.watermark import MAX_LAG_US, quantile
from calltally.store.db.operation import StoreOperation
from calltally.store.ledger.fact_queries import facts_of_changed, facts_of_created

# The newest callbacks of a series: those of a quarter of an hour, and at least this many.
_WINDOW_US: Final = 900 * SECOND_US
_MIN_NEWEST: Final = 20
_MIN_LATE: Final = 5
_MIN_CALLS: Final = 3
_LATE_SHARE: Final = 0.25
# Alerts are evaluated half a minute after a step, and people read calls later than that.
_FLOOR_US: Final = 60 * SECOND_US
# Without a known usual lag, this lag is late in any case.
_DEFAULT_LIMIT_US: Final = 600 * SECOND_US
_MARGIN: Final = 1.5
_MIN_SPAN_US: Final = 300 * SECOND_US
_QUANTILES: Final = (0.025, 0.5, 0.975)
_MIN_PER_DAY: Final = 10
# Late callbacks stay in the alert for this long if no punctual ones follow.
_LOOK_BACK_US: Final = 6 * 3_600 * SECOND_US
_MAX_CHANGED: Final = 1_000
# The usual lag is learned from some calls of each four hours of a fortnight, once a series may be late.
_DAYS: Final = 14
_SLICES_PER_DAY: Final = 6
_CALLS_PER_SLICE: Final = 30
_MINUTE_S: Final = 60


class CallbackDelay(NamedTuple):
    """One callback with a time of its own: its provider, account ("" for none), call, reception and lag."""

    provider: str
    account: str
    call_sid: str
    received_us: int
    lag_us: int


class UsualLag(NamedTuple):
    """Usual lag of a series: 95 of 100 callbacks between low and high, half of them up to the median."""

    low_us: int
    median_us: int
    high_us: int


class LaggingSeries(NamedTuple):
    """A series with late callbacks: its newest ones, those beyond the limit, and the usual lag."""

    series: SeriesKey
    newest: Sequence[CallbackDelay]
    late: Sequence[CallbackDelay]
    limit_us: int
    usual: UsualLag | None


NewestBySeries: TypeAlias = Mapping[SeriesKey, Sequence[CallbackDelay]]


def callback_delays(facts: Iterable[Fact]) -> list[CallbackDelay]:
    """Return the lags of the callbacks among facts that carry a time of their own.

    A clock that is ahead gives a lag of zero. A callback older than a week is a resent one, and shows nothing
    about its provider. Nor does a report in stages, which its source makes up to half an hour after a call.
    """
    return [
        CallbackDelay(each.provider, each.account, each.call_sid, each.received_us, max(0, lag_us))
        for each in facts
        if each.channel == Channel.CALLBACK
        and "report_stage" not in each.stated
        and (lag_us := each.received_us - each.occurred_us) != 0
        and lag_us <= MAX_LAG_US
    ]


def newest_of_series(delays: Iterable[CallbackDelay], since_us: int, now_us: int) -> NewestBySeries:
    """Return the newest callbacks of each provider and account, none received before `since_us`."""
    found = _by_series(each for each in delays if each.received_us >= since_us)
    newest = {}
    for series, each in found.items():
        ordered = sorted(each, key=lambda delay: delay.received_us)
        recent = [delay for delay in ordered if delay.received_us >= now_us - _WINDOW_US]
        newest[series] = max(recent, ordered[-_MIN_NEWEST:], key=len)
    return newest


def may_lag(newest: NewestBySeries) -> bool:
    """Return True if any series may be late; otherwise the usual lag need not be read."""
    return any(_assess(series, each, None, _FLOOR_US) for series, each in newest.items())


def lagging_series(newest: NewestBySeries, earlier: Iterable[CallbackDelay]) -> list[LaggingSeries]:
    """Return the late series: a provider if all its accounts are late, otherwise the accounts.

    `earlier` are callbacks of other days, from which the usual lag is learned.
    """
    earlier_by_series = _by_series(earlier)
    found = {}
    for series, each in newest.items():
        usual = usual_lag(earlier_by_series.get(series, []))
        limit_us = _DEFAULT_LIMIT_US if usual is None else max(_FLOOR_US, int(usual.high_us * _MARGIN))
        assessed = _assess(series, each, usual, limit_us)
        if assessed is not None:
            found[series] = assessed
    return [each for series, each in sorted(found.items()) if _is_reported(series, newest, found)]


def usual_lag(delays: Iterable[CallbackDelay]) -> UsualLag | None:
    """Return the medians over the days of each day's quantiles; None if no day has enough callbacks."""
    days: dict[int, list[int]] = {}
    for each in delays:
        days.setdefault(each.received_us // DAY_US, []).append(each.lag_us)
    quantiles = [
        [quantile(sorted(lags_us), fraction) for fraction in _QUANTILES]
        for lags_us in days.values()
        if len(lags_us) >= _MIN_PER_DAY
    ]
    if not quantiles:
        return None
    return UsualLag(*(quantile(sorted(of_days), 0.5) for of_days in zip(*quantiles, strict=True)))


def median_lag_us(delays: Sequence[CallbackDelay]) -> int:
    return quantile(sorted(each.lag_us for each in delays), 0.5)


def _by_series(delays: Iterable[CallbackDelay]) -> dict[SeriesKey, list[CallbackDelay]]:
    found: dict[SeriesKey, list[CallbackDelay]] = {}
    for each in delays:
        found.setdefault(SeriesKey(Dimension.PROVIDER, each.provider), []).append(each)
        if each.account:
            found.setdefault(SeriesKey(Dimension.PROVIDER_ACCOUNT, each.account), []).append(each)
    return found


def _assess(
    series: SeriesKey, newest: Sequence[CallbackDelay], usual: UsualLag | None, limit_us: int
) -> LaggingSeries | None:
    late = [each for each in newest if each.lag_us > limit_us]
    is_enough = len(late) >= max(_MIN_LATE, _LATE_SHARE * len(newest))
    if not is_enough or len({each.call_sid for each in late}) < _MIN_CALLS:
        return None
    lasts = late[-1].received_us - late[0].received_us >= _MIN_SPAN_US
    return LaggingSeries(series, newest, late, limit_us, usual) if lasts else None


def _is_reported(series: SeriesKey, newest: NewestBySeries, late: Mapping[SeriesKey, LaggingSeries]) -> bool:
    """Decide whether a late series gets its own alert: some accounts, or the provider as a whole."""
    provider = newest[series][0].provider
    accounts = [
        each
        for each, delays in newest.items()
        if each.dimension is Dimension.PROVIDER_ACCOUNT
        and delays[0].provider == provider
        and len(delays) >= _MIN_LATE
    ]
    is_whole = all(each in late for each in accounts)
    has_provider = SeriesKey(Dimension.PROVIDER, provider) in late
    if series.dimension is Dimension.PROVIDER:
        return is_whole or not any(each in late for each in accounts)
    return not (is_whole and has_provider)


def late_callbacks(tenant: str, now_us: int, tz: str) -> StoreOperation[list[AlertFinding]]:
    """Return a finding for each provider or account with callbacks later than usual."""
    since_us = now_us - _LOOK_BACK_US
    facts = yield from facts_of_changed(tenant, since_us, _MAX_CHANGED)
    newest = newest_of_series(callback_delays(facts), since_us, now_us)
    if not may_lag(newest):
        return []
    first_us, slice_us = now_us - (_DAYS + 1) * DAY_US, DAY_US // _SLICES_PER_DAY
    starts_us = [first_us + at * slice_us for at in range(_DAYS * _SLICES_PER_DAY)]
    slices = [(start_us, start_us + slice_us) for start_us in starts_us]
    learned = yield from facts_of_created(tenant, slices, _CALLS_PER_SLICE)
    return [_finding(each, now_us, tz) for each in lagging_series(newest, callback_delays(learned))]


def _finding(found: LaggingSeries, now_us: int, tz: str) -> AlertFinding:
    since_us = found.late[0].received_us
    return condition_finding(
        AlertKind.CALLBACK_LAG,
        _evidence(found, since_us, now_us),
        _detail(found, since_text(since_us, now_us, tz)),
        listed={found.series.dimension.value: found.series.value},
        sids=dict.fromkeys(each.call_sid for each in found.late),
    )


def _evidence(found: LaggingSeries, since_us: int, now_us: int) -> FindingEvidence:
    """Return evidence that counts callbacks, and late ones, in place of calls; its rates are seconds."""
    usual = found.usual or UsualLag(0, 0, found.limit_us)
    observed_s = median_lag_us(found.newest) / SECOND_US
    expected_s, low_s, high_s = (each / SECOND_US for each in (usual.median_us, usual.low_us, usual.high_us))
    counted = (len(found.newest), len(found.late))
    return FindingEvidence(
        found.series, None, since_us, now_us, *counted, observed_s, expected_s, low_s, high_s
    )


def _detail(found: LaggingSeries, since: str) -> str:
    against = "the usual delay is not known yet"
    if found.usual is not None:
        against = f"usually 97 of 100 come within {_span(found.usual.high_us)}"
    late = f"{len(found.late)} of the last {len(found.newest)} came late"
    half = f"half of them by {_span(median_lag_us(found.late))} or more"
    return f"Late callbacks {series_phrase(found.series)}: {late}, {half}, since {since}; {against}"


def _span(span_us: int) -> str:
    seconds = -(-span_us // SECOND_US)
    return f"{seconds // _MINUTE_S} min" if seconds >= 2 * _MINUTE_S else f"{seconds} s"
