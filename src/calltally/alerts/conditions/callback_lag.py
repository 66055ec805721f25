"""Lag of callbacks: the time from the provider's event time to its reception here.

Each provider and account has its own usual lag, learned from the callbacks of the last fortnight: the median
over the days of each day's quantiles. So an incident must last a week before it counts as usual. A provider
is late if a quarter of its newest callbacks came later than nearly all of them usually do, over some minutes.
A backlog that arrives at once is over by then.

Callbacks that never arrive have no lag; the silence detector finds them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from calltally.alerts.model.series import Dimension, SeriesKey
from calltally.calls.events import Channel, Fact
from calltally.calls.times import DAY_US, SECOND_US
from calltally.calls.watermark import MAX_LAG_US

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
    about its provider.
    """
    return [
        CallbackDelay(each.provider, each.account, each.call_sid, each.received_us, max(0, lag_us))
        for each in facts
        if each.channel == Channel.CALLBACK
        and (lag_us := each.received_us - each.occurred_us) != 0
        and lag_us <= MAX_LAG_US
    ]


def newest_of_series(delays: Iterable[CallbackDelay], since_us: int, now_us: int) -> NewestBySeries:
    """Return the newest callbacks of each provider and account, none received before `since_us`."""
    found = _by_series(each for each in delays if each.received_us >= since_us)
    return {series: _newest(each, now_us) for series, each in found.items()}


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
        assessed = _assess(series, each, usual, _limit_us(usual))
        if assessed is not None:
            found[series] = assessed
    return [each for series, each in sorted(found.items()) if _is_reported(series, newest, found)]


def usual_lag(delays: Iterable[CallbackDelay]) -> UsualLag | None:
    """Return the medians over the days of each day's quantiles; None if no day has enough callbacks."""
    days: dict[int, list[int]] = {}
    for each in delays:
        days.setdefault(each.received_us // DAY_US, []).append(each.lag_us)
    quantiles = [_quantiles(sorted(lags_us)) for lags_us in days.values() if len(lags_us) >= _MIN_PER_DAY]
    if not quantiles:
        return None
    return UsualLag(*(_quantile(sorted(of_days), 0.5) for of_days in zip(*quantiles, strict=True)))


def _quantiles(ascending: Sequence[int]) -> list[int]:
    return [_quantile(ascending, fraction) for fraction in _QUANTILES]


def median_lag_us(delays: Sequence[CallbackDelay]) -> int:
    """Return the median lag of callbacks."""
    return _quantile(sorted(each.lag_us for each in delays), 0.5)


def _by_series(delays: Iterable[CallbackDelay]) -> dict[SeriesKey, list[CallbackDelay]]:
    found: dict[SeriesKey, list[CallbackDelay]] = {}
    for each in delays:
        found.setdefault(SeriesKey(Dimension.PROVIDER, each.provider), []).append(each)
        if each.account:
            found.setdefault(SeriesKey(Dimension.PROVIDER_ACCOUNT, each.account), []).append(each)
    return found


def _newest(delays: Sequence[CallbackDelay], now_us: int) -> Sequence[CallbackDelay]:
    ordered = sorted(delays, key=lambda each: each.received_us)
    recent = [each for each in ordered if each.received_us >= now_us - _WINDOW_US]
    return max(recent, ordered[-_MIN_NEWEST:], key=len)


def _limit_us(usual: UsualLag | None) -> int:
    return _DEFAULT_LIMIT_US if usual is None else max(_FLOOR_US, int(usual.high_us * _MARGIN))


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


def _quantile(ascending: Sequence[int], fraction: float) -> int:
    return ascending[min(len(ascending) - 1, int(len(ascending) * fraction))]
