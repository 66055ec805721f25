"""Gaps in a provider's calls compared with its usual gaps."""

from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.times import SECOND_US
from calltally.reconcile.provider_gaps import GapWindow, ProviderGap, find_gaps

HOUR_S = 3_600
HOUR_US = HOUR_S * SECOND_US
DAY_H = 24


def found(
    hours: list[int], *, begin: int = 0, end: int = 1_000, known: int | None = None
) -> list[ProviderGap]:
    stretch = GapWindow(begin * HOUR_US, end * HOUR_US, (hours[-1] + 1 if known is None else known) * HOUR_US)
    return find_gaps("twilio", [hour * HOUR_S for hour in hours], stretch)


def test_hourly_calls_have_no_gap() -> None:
    assert found(list(range(100))) == []


def test_daytime_gap_in_hourly_calls_is_found() -> None:
    (gap,) = found([*range(50), *range(54, 100)])
    assert gap == ProviderGap("twilio", 50 * HOUR_US, 54 * HOUR_US, 4, 0)
    # Three hours may be by chance.
    assert found([*range(50), *range(53, 100)]) == []


def test_lasting_gap_has_no_end() -> None:
    (gap,) = found(list(range(100)), known=110)
    assert (gap.from_us, gap.to_us, gap.hours) == (100 * HOUR_US, None, 10)


def test_nights_and_weekends_are_usual() -> None:
    days = [day for day in range(35) if day % 7 < 5]
    hours = [day * DAY_H + hour for day in days for hour in range(8, 18)]
    assert found(hours) == []
    # Four working days with the weekend are not usual.
    (gap,) = found([hour for hour in hours if hour // DAY_H not in (15, 16, 17, 18)])
    assert (gap.hours, gap.usual_hours) == (158, 62)


def test_only_gaps_in_the_window_are_returned() -> None:
    hours = [*range(50), *range(60, 100), *range(110, 150)]
    assert [gap.from_us for gap in found(hours, begin=55, end=100)] == [50 * HOUR_US]
    assert [gap.from_us for gap in found(hours, begin=60, end=101)] == [100 * HOUR_US]
    assert found(hours, begin=110, end=140) == []


def test_provider_with_few_active_hours_has_no_gap() -> None:
    assert found([1, 500]) == []


@given(st.sets(st.integers(0, 400), min_size=1), st.integers(0, 400), st.integers(1, 200))
def test_found_gap_is_idle_and_longer_than_usual(hours: set[int], begin: int, width: int) -> None:
    for gap in found(sorted(hours), begin=begin, end=begin + width, known=401):
        first = gap.from_us // HOUR_US
        assert hours.isdisjoint(range(first, first + gap.hours))
        assert first - 1 in hours
        assert gap.hours > max(3, gap.usual_hours * 1.5)
        assert gap.to_us in {None, (first + gap.hours) * HOUR_US}
        assert gap.to_us is None or first + gap.hours in hours
