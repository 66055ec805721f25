"""Callbacks that come late: when a provider says that something was, against when it was received here.

Each provider and account has its own usual lag, learned from the callbacks of the last fortnight: the median
over the days of each day's quantiles. So an incident has to last a week before it counts as usual.
A provider is late if a quarter of its newest callbacks came later than nearly all of them usually do, and
they did so for some minutes: a backlog that is handed over at once is over when it is seen.

What is withheld altogether has no lag; that is silence, and found there.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from calltally.alerts.model.series import Dimension, SeriesKey
from calltally.calls.events import Door, Fact
from calltally.calls.times import DAY_US, SECOND_US
from calltally.calls.watermark import LONGEST_US

# The newest callbacks of a series: those of a quarter of an hour, or so many where they are fewer.
_WINDOW_US: Final = 900 * SECOND_US
_FEWEST: Final = 20
_FEWEST_LATE: Final = 5
_FEWEST_CALLS: Final = 3
_LATE_SHARE: Final = 0.25
# Alerts are judged half a minute after a step, and people look at calls later than that.
_FLOOR_US: Final = 60 * SECOND_US
# Where nothing is known of what is usual, this is late by anybody's measure.
_UNKNOWN_US: Final = 600 * SECOND_US
_MARGIN: Final = 1.5
_LASTED_US: Final = 300 * SECOND_US
_QUANTILES: Final = (0.025, 0.5, 0.975)
_FEWEST_A_DAY: Final = 10


class CallbackDelay(NamedTuple):
    """One callback that says when it was: of what provider and account ("" for none), of which call."""

    provider: str
    account: str
    call_sid: str
    received_us: int
    lag_us: int


class UsualLag(NamedTuple):
    """How late callbacks of a series usually are: 95 of 100 between low and high, half within the middle."""

    low_us: int
    median_us: int
    high_us: int


class LaggingSeries(NamedTuple):
    """A series whose callbacks come late: its newest ones, those beyond the limit, and what was usual."""

    series: SeriesKey
    newest: Sequence[CallbackDelay]
    late: Sequence[CallbackDelay]
    limit_us: int
    usual: UsualLag | None


NewestBySeries: TypeAlias = Mapping[SeriesKey, Sequence[CallbackDelay]]


def callback_delays(facts: Iterable[Fact]) -> list[CallbackDelay]:
    """Of facts the callbacks that tell a time of their own; a clock that is ahead tells of no lag.

    What is older than a week is sent again by somebody, and says nothing of how its provider does.
    """
    return [
        CallbackDelay(each.provider, each.account, each.call_sid, each.received_us, max(0, lag_us))
        for each in facts
        if each.door == Door.CALLBACK
        and (lag_us := each.received_us - each.occurred_us) != 0
        and lag_us <= LONGEST_US
    ]


def newest_of_series(told: Iterable[CallbackDelay], since_us: int, now_us: int) -> NewestBySeries:
    """The newest callbacks of each provider and each account, none of them received before `since_us`."""
    found = _by_series(each for each in told if each.received_us >= since_us)
    return {series: _newest(each, now_us) for series, each in found.items()}


def may_lag(newest: NewestBySeries) -> bool:
    """Whether any series can be late, whatever is usual: else nobody has to ask what is."""
    return any(_judged(series, each, None, _FLOOR_US) for series, each in newest.items())


def lagging_series(newest: NewestBySeries, earlier: Iterable[CallbackDelay]) -> list[LaggingSeries]:
    """The series that are late: a provider where all of its accounts are, else the accounts.

    `earlier` are callbacks of other days, from which what is usual is learned.
    """
    learned = _by_series(earlier)
    found = {}
    for series, each in newest.items():
        usual = usual_lag(learned.get(series, []))
        judged = _judged(series, each, usual, _limit_us(usual))
        if judged is not None:
            found[series] = judged
    return [each for series, each in sorted(found.items()) if _is_named(series, newest, found)]


def usual_lag(told: Iterable[CallbackDelay]) -> UsualLag | None:
    """The medians over the days of each day's quantiles; None where no day has enough to have any."""
    days: dict[int, list[int]] = {}
    for each in told:
        days.setdefault(each.received_us // DAY_US, []).append(each.lag_us)
    quantiles = [_quantiles(sorted(lags_us)) for lags_us in days.values() if len(lags_us) >= _FEWEST_A_DAY]
    if not quantiles:
        return None
    return UsualLag(*(_quantile(sorted(of_days), 0.5) for of_days in zip(*quantiles, strict=True)))


def _quantiles(ascending: Sequence[int]) -> list[int]:
    return [_quantile(ascending, part) for part in _QUANTILES]


def median_lag_us(told: Sequence[CallbackDelay]) -> int:
    """Half of the callbacks were as late as this, or later."""
    return _quantile(sorted(each.lag_us for each in told), 0.5)


def _by_series(told: Iterable[CallbackDelay]) -> dict[SeriesKey, list[CallbackDelay]]:
    found: dict[SeriesKey, list[CallbackDelay]] = {}
    for each in told:
        found.setdefault(SeriesKey(Dimension.PROVIDER, each.provider), []).append(each)
        if each.account:
            found.setdefault(SeriesKey(Dimension.PROVIDER_ACCOUNT, each.account), []).append(each)
    return found


def _newest(told: Sequence[CallbackDelay], now_us: int) -> Sequence[CallbackDelay]:
    ordered = sorted(told, key=lambda each: each.received_us)
    recent = [each for each in ordered if each.received_us >= now_us - _WINDOW_US]
    return max(recent, ordered[-_FEWEST:], key=len)


def _limit_us(usual: UsualLag | None) -> int:
    return _UNKNOWN_US if usual is None else max(_FLOOR_US, int(usual.high_us * _MARGIN))


def _judged(
    series: SeriesKey, newest: Sequence[CallbackDelay], usual: UsualLag | None, limit_us: int
) -> LaggingSeries | None:
    late = [each for each in newest if each.lag_us > limit_us]
    is_enough = len(late) >= max(_FEWEST_LATE, _LATE_SHARE * len(newest))
    if not is_enough or len({each.call_sid for each in late}) < _FEWEST_CALLS:
        return None
    has_lasted = late[-1].received_us - late[0].received_us >= _LASTED_US
    return LaggingSeries(series, newest, late, limit_us, usual) if has_lasted else None


def _is_named(series: SeriesKey, newest: NewestBySeries, late: Mapping[SeriesKey, LaggingSeries]) -> bool:
    """One cause, one alert: some accounts of a provider, or the provider as a whole."""
    provider = newest[series][0].provider
    accounts = [
        each
        for each, told in newest.items()
        if each.dimension is Dimension.PROVIDER_ACCOUNT
        and told[0].provider == provider
        and len(told) >= _FEWEST_LATE
    ]
    is_whole = all(each in late for each in accounts)
    has_provider = SeriesKey(Dimension.PROVIDER, provider) in late
    if series.dimension is Dimension.PROVIDER:
        return is_whole or not any(each in late for each in accounts)
    return not (is_whole and has_provider)


def _quantile(ascending: Sequence[int], part: float) -> int:
    return ascending[min(len(ascending) - 1, int(len(ascending) * part))]
