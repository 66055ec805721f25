"""The last hour minute by minute: a drawing made by the server, and a table with the same numbers."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from calltally.analytics.buckets import local_time
from calltally.calls.times import SECOND_US, utc_text
from calltally.store.overview.minutes import MinuteCounts
from calltally.store.overview.read import MINUTE_S
from calltally.web.dashboard.calls.links import calls_url
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import grouped

# Units of the drawing, which is scaled to the width of the page.
BAR_WIDTH: Final = 10
_GAP: Final = 1
HEIGHT: Final = 100
_FIVE: Final = 5
# Heights of the axis, so that a drawing of few calls does not look like one of many.
_ROUND: Final = (1, 2, 5)


class ChartBar(NamedTuple):
    """Part of a bar in units of the drawing, measured from the top left corner."""

    x: int
    y: float
    width: int
    height: float


def hour_values(minutes: Sequence[MinuteCounts], hour_s: tuple[int, int], zone: ZoneInfo) -> dict[str, Any]:
    """Return the template values of the chart. `hour_s` is the begin of the hour and its end."""
    lo_s, hi_s = hour_s
    most = axis_end(max((each.calls for each in minutes), default=0))
    calls = sum(each.calls for each in minutes)
    return {
        "bars": [_bar(each, lo_s, most, zone) for each in minutes],
        "hour_total": text("hour_total", count=calls, calls=grouped(calls)),
        "hour_path": _path(lo_s, hi_s),
        "hour_summary": _summary(minutes) if minutes else "",
        # Half of a call would be no label.
        "scale": [grouped(each) for each in ((most, 0) if most % 2 else (most, most // 2, 0))],
        "clock": [_clock(lo_s + each * (hi_s - lo_s) // 4, zone) for each in range(5)],
        "view": f"0 0 {(hi_s - lo_s) // MINUTE_S * BAR_WIDTH} {HEIGHT}",
    }


def _bar(each: MinuteCounts, lo_s: int, most: int, zone: ZoneInfo) -> dict[str, Any]:
    unit = HEIGHT / most
    x = (each.minute_s - lo_s) // MINUTE_S * BAR_WIDTH
    heights = [round(count * unit, 2) for count in (each.failed, each.failed + each.no_answer, each.calls)]
    parts = [
        ChartBar(x, round(HEIGHT - top, 2), BAR_WIDTH - _GAP, round(top - bottom, 2))
        for bottom, top in zip((0.0, *heights), heights, strict=False)
    ]
    return {
        "parts": [
            (kind, part)
            for kind, part in zip(("failed", "no-answer", "others"), parts, strict=True)
            if part.height
        ],
        "path": _path(each.minute_s, each.minute_s + MINUTE_S),
        "clock": _clock(each.minute_s, zone),
        "numbers": [grouped(number) for number in each[1:]],
        "title": text("minute_title", clock=_clock(each.minute_s, zone), count=each.calls),
    }


def axis_end(most: int) -> int:
    """Return the end of the axis: the least round number that is at least `most`, and at least five."""
    power = 1
    while True:
        for each in _ROUND:
            if each * power >= max(most, _FIVE):
                return each * power
        power *= 10


def _summary(minutes: Sequence[MinuteCounts]) -> str:
    sums = [sum(column) for column in zip(*(each[1:] for each in minutes), strict=True)]
    _calls, completed, no_answer, failed = map(grouped, sums)
    busiest = max(each.calls for each in minutes)
    return text(
        "hour_summary", completed=completed, no_answer=no_answer, failed=failed, busiest=grouped(busiest)
    )


def _clock(at_s: int, zone: ZoneInfo) -> str:
    return f"{local_time(at_s * SECOND_US, zone):%H:%M}"


def _path(lo_s: int, hi_s: int) -> str:
    return calls_url((), utc_text(lo_s * SECOND_US), utc_text(hi_s * SECOND_US))
