"""Late callbacks, relative to the usual lag of their provider and account."""

from collections.abc import Iterable

from calltally.alerts.conditions.callback_lag import (
    CallbackDelay,
    UsualLag,
    callback_delays,
    lagging_series,
    may_lag,
    newest_of_series,
    usual_lag,
)
from calltally.alerts.model.series import Dimension
from calltally.calls.events import Channel
from calltally.calls.times import DAY_US, SECOND_US
from tests.sample_facts import START_US, fact

NOW_US = START_US // DAY_US * DAY_US + DAY_US // 2
MINUTE_US = 60 * SECOND_US


def callbacks(
    lags_s: Iterable[float], *, account: str = "", every_s: int = 60, until_us: int = NOW_US
) -> list[CallbackDelay]:
    """Return callbacks of a provider, each of its own call, the last one now."""
    lags_us = [int(lag_s * SECOND_US) for lag_s in lags_s]
    first_us = until_us - (len(lags_us) - 1) * every_s * SECOND_US
    return [
        CallbackDelay("twilio", account, f"{account}{at}", first_us + at * every_s * SECOND_US, lag_us)
        for at, lag_us in enumerate(lags_us)
    ]


def days_of(lag_s: float, days: int, *, account: str = "", ago: int = 1) -> list[CallbackDelay]:
    """Return days with twenty callbacks each, all with the same lag."""
    return [
        each
        for day in range(ago, ago + days)
        for each in callbacks([lag_s] * 20, account=account, until_us=NOW_US - day * DAY_US)
    ]


def late(now: list[CallbackDelay], earlier: list[CallbackDelay]) -> list[tuple[str, str]]:
    newest = newest_of_series(now, NOW_US - 6 * 60 * MINUTE_US, NOW_US)
    return [(each.series.dimension.value, each.series.value) for each in lagging_series(newest, earlier)]


def test_lateness_is_relative_to_the_usual_lag() -> None:
    now = callbacks([40 * 60] * 12)
    assert late(now, days_of(2, 5)) == [("provider", "twilio")]
    # A provider that always reports half an hour after the call is not late.
    assert late(now, days_of(30 * 60, 5)) == []
    # A new provider has no usual lag: ten minutes are late in any case, five are not.
    assert late(now, []) == [("provider", "twilio")]
    assert late(callbacks([5 * 60] * 12), []) == []


def test_quarter_of_callbacks_must_be_late_for_some_minutes() -> None:
    usual = days_of(2, 5)
    assert late(callbacks([*[2] * 15, *[300] * 5], every_s=90), usual) == [("provider", "twilio")]
    assert late(callbacks([*[2] * 16, *[300] * 4], every_s=120), usual) == []
    # A backlog that arrives at once is over by then.
    assert late(callbacks([300] * 40, every_s=1), usual) == []
    assert not may_lag(newest_of_series(callbacks([300] * 40, every_s=1), 0, NOW_US))


def test_lag_ends_once_the_newest_callbacks_are_punctual() -> None:
    usual = days_of(2, 5)
    assert late(callbacks([*[900] * 30, *[2] * 10]), usual) == [("provider", "twilio")]
    assert late(callbacks([*[900] * 30, *[2] * 20]), usual) == []
    # No callbacks followed: after six hours the late ones are no longer reported.
    old = callbacks([900] * 30, until_us=NOW_US - 7 * 60 * MINUTE_US)
    assert late(old, usual) == []


def test_lag_of_some_days_does_not_become_usual() -> None:
    now = callbacks([900] * 12)
    assert late(now, [*days_of(900, 3), *days_of(2, 4, ago=4)]) == [("provider", "twilio")]
    assert late(now, [*days_of(900, 8), *days_of(2, 4, ago=9)]) == []


def test_late_account_is_named_unless_all_are_late() -> None:
    usual = [*days_of(2, 3, account="A"), *days_of(2, 3, account="B")]
    late_a, late_b, good_b = (
        callbacks([900] * 20, account="A"),
        callbacks([900] * 20, account="B"),
        callbacks([2] * 20, account="B"),
    )
    assert late([*late_a, *good_b], usual) == [("provider_account", "A")]
    assert late([*late_a, *late_b], usual) == [("provider", "twilio")]
    assert late(late_a, usual) == [("provider", "twilio")]
    # One late account among many: the provider as a whole is not late.
    many = [each for name in "BCDEF" for each in callbacks([2] * 20, account=name)]
    assert late([*late_a, *many], usual) == [("provider_account", "A")]


def test_usual_lag_is_the_median_over_days() -> None:
    assert usual_lag([]) is None
    assert usual_lag(callbacks([1] * 9, every_s=1)) is None
    three = [*days_of(1, 1), *days_of(2, 1, ago=2), *days_of(500, 1, ago=3)]
    assert usual_lag(three) == UsualLag(2 * SECOND_US, 2 * SECOND_US, 2 * SECOND_US)


def test_only_callbacks_with_a_time_have_a_lag() -> None:
    ahead, silent, week_old = fact(5), fact(0), fact(-8 * 86_400)
    imported, own = fact(-9, channel=Channel.IMPORT), fact(-9, channel=Channel.OWN_EVENT)
    assert [each.lag_us for each in callback_delays([ahead, silent, week_old, imported, own, fact(-9)])] == [
        0,
        9 * SECOND_US,
    ]


def test_summaries_that_come_minutes_after_a_call_have_no_lag() -> None:
    assert callback_delays([fact(-1_800, status="completed", report_stage=3)]) == []


def test_provider_and_account_are_series() -> None:
    newest = newest_of_series(callbacks([2] * 3, account="A"), 0, NOW_US)
    assert [key.dimension for key in newest] == [Dimension.PROVIDER, Dimension.PROVIDER_ACCOUNT]
