"""Heat map of a rate by the hours of the week."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from calltally.analytics.buckets import local_time
from calltally.analytics.measurement import Measurement
from calltally.calls.intervals import SMALL_SAMPLE, Proportion
from calltally.calls.metrics import RateProportions, rate_named
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import percent

HOURS: Final = 24
WEEKDAYS: Final = 7
# Number of shades.
SHADES: Final = 8
# Start of each hour (us), and numerator and denominator of its rate.
Hours: TypeAlias = Iterator[tuple[int, int, int]]


class HeatMapCell(NamedTuple):
    """One hour of a weekday: the rate in percent without its sign, its shade, and a description."""

    label: str
    shade: int
    words: str
    is_small: bool


class HeatMap(NamedTuple):
    """Seven rows of 24 cells, and the rates of the lightest and darkest shade."""

    rows: list[tuple[str, list[HeatMapCell]]]
    low: str
    high: str


def hours_of(measured: Measurement, rate: str) -> Hours:
    """Yield a rate for each hour of an ungrouped window."""
    shares, buckets = RateProportions([rate_named(rate)]), measured.window.buckets
    for (_, bucket), totals in measured.groups.items():
        [(events, calls)] = shares.of(totals.counts)
        yield buckets[bucket].lo_us, events, calls


def heat_map(hours: Hours, zone: ZoneInfo) -> HeatMap:
    """Fold hours into a week. An hour that occurs twice in a day counts as one."""
    shares = _folded(hours, zone)
    low, high = _spread(shares.values())
    rows = [
        (
            text(f"weekday_{day}"),
            [_cell(shares.get((day, hour)), (day, hour), (low, high)) for hour in range(HOURS)],
        )
        for day in range(WEEKDAYS)
    ]
    return HeatMap(rows, percent(low), percent(high))


def _spread(shares: Collection[Proportion]) -> tuple[float, float]:
    """Return the range of the shades. Small samples vary too much to set the scale."""
    sure = [each.value for each in shares if each.value is not None and each.denominator >= SMALL_SAMPLE]
    values = sure or [each.value for each in shares if each.value is not None]
    return min(values, default=0.0), max(values, default=0.0)


def _shade(value: float, low: float, high: float) -> int:
    if high <= low:
        return 1
    return 1 + round((SHADES - 1) * min(max((value - low) / (high - low), 0.0), 1.0))


def _folded(hours: Hours, zone: ZoneInfo) -> Mapping[tuple[int, int], Proportion]:
    """Sum by weekday and hour. Groups share the same hours, so these are added before the zone conversion."""
    summed: dict[int, tuple[int, int]] = {}
    for lo_us, events, calls in hours:
        previous = summed.get(lo_us, (0, 0))
        summed[lo_us] = previous[0] + events, previous[1] + calls
    shares: dict[tuple[int, int], Proportion] = {}
    for lo_us, (events, calls) in summed.items():
        clock = local_time(lo_us, zone)
        at = clock.weekday(), clock.hour
        before = shares.get(at, Proportion(0, 0))
        shares[at] = Proportion(before.numerator + events, before.denominator + calls)
    return shares


def _cell(share: Proportion | None, at: tuple[int, int], spread: tuple[float, float]) -> HeatMapCell:
    day, hour = text(f"weekday_{at[0]}"), f"{at[1]:02d}:00"
    if share is None or share.value is None:
        return HeatMapCell("", 0, text("heat_nothing", day=day, hour=hour), is_small=False)
    words = text(
        "heat_cell",
        day=day,
        hour=hour,
        rate=percent(share.value),
        numerator=share.numerator,
        denominator=share.denominator,
    )
    is_small = share.denominator < SMALL_SAMPLE
    return HeatMapCell(f"{100 * share.value:.0f}", _shade(share.value, *spread), words, is_small)
