"""Numbers of today against last week, each with the link to its calls."""

from typing import Any, Final, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from calltally.analytics.buckets import local_time
from calltally.analytics.query import QualityQuery
from calltally.analytics.report import quality_report
from calltally.analytics.schemas import QualityReport, RateDifference, RateSummary
from calltally.calls.filters import CallFilter
from calltally.calls.model import FINAL, STATUSES
from calltally.calls.times import utc_text
from calltally.store.db.interface import Store
from calltally.store.rollups.window_buckets import WindowPiece
from calltally.web.dashboard.calls.links import NARROWED, calls_url
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import DASH, grouped, interval, percent, points
from calltally.web.dashboard.overview.day_windows import DayWindows
from calltally.web.request.query import Pairs

RATES: Final = ("answer_rate", "completion_rate", "transfer_rate", "no_answer_rate", "failure_rate")
_FINAL: Final = ",".join(status for status in STATUSES if status in FINAL)
# Filters of the calls of a rate. The list has no filter for answered or transferred calls: it then shows the
# calls among which they are counted.
_CALLS_OF: Final[dict[str, Pairs]] = {
    **{rate: (pair,) for rate, pair in NARROWED.items()},
    "answer_rate": (("status", _FINAL),),
    "transfer_rate": (("status", _FINAL),),
}
# Rates with a good direction: 1 if more is better, -1 if less is better.
_BETTER: Final = {"answer_rate": 1, "completion_rate": 1, "no_answer_rate": -1, "failure_rate": -1}


class ComparedDay(NamedTuple):
    """Report of today's window, compared with last week's."""

    windows: DayWindows
    report: QualityReport


async def compare_day(store: Store, tenant: str, windows: DayWindows) -> ComparedDay | None:
    """Measure both windows with the functions of the API; None if they are empty."""
    if windows.is_empty:
        return None
    query = QualityQuery(
        CallFilter(from_us=windows.today.lo_us, to_us=windows.today.hi_us),
        compare=(windows.last_week.lo_us, windows.last_week.hi_us),
        percentiles=False,
        rates=RATES,
    )
    return ComparedDay(windows, await quality_report(store, query, [tenant], windows.today.hi_us))


def today_values(day: ComparedDay | None, now_us: int, zone: ZoneInfo, *, is_whole: bool) -> dict[str, Any]:
    """Return the template values. `is_whole`: the windows are cut to whole hours."""
    if day is None:
        return {"tiles": [], "today_span": "", "today_zone": zone.key, "is_whole": is_whole}
    today, last_week = day.windows
    return {
        "tiles": [_calls_tile(day), *(_rate_tile(day, name) for name in RATES)],
        "today_span": text(
            "today_span",
            day=_day(today.lo_us, zone),
            since=_clock(today.lo_us, zone),
            until=_clock(today.hi_us, zone),
            zone=f"{local_time(now_us, zone):%Z}",
            before=_day(last_week.lo_us, zone),
        ),
        "today_zone": zone.key,
        "is_whole": is_whole,
        "weekday": f"{local_time(last_week.lo_us, zone):%A}",
    }


def _day(at_us: int, zone: ZoneInfo) -> str:
    return f"{local_time(at_us, zone):%A, %-d %B}"


def _clock(at_us: int, zone: ZoneInfo) -> str:
    return f"{local_time(at_us, zone):%H:%M}"


def _calls_tile(day: ComparedDay) -> dict[str, Any]:
    total = day.report.total
    own, other = total.counts["attempts"], total.compared.counts["attempts"] if total.compared else 0
    # The denominator of the answer rate is all final calls.
    still_open = own - total.rates["answer_rate"].denominator
    change = text("change_of_calls", change=f"{100 * (own - other) / other:+.0f}") if other else ""
    return {
        "name": text("calls"),
        "value": grouped(own),
        "path": _path(day.windows.today, ()),
        "interval": text("still_open", count=grouped(still_open)),
        "made_of": "",
        "before": grouped(other),
        "before_path": _path(day.windows.last_week, ()),
        "change": change.replace("-", "\N{MINUS SIGN}"),
        "judged": "",
    }


def _rate_tile(day: ComparedDay, name: str) -> dict[str, Any]:
    own = day.report.total.rates[name]
    compared = day.report.total.compared
    other, difference = (compared.rates[name], compared.differences[name]) if compared else (None, None)
    return {
        "name": text(f"rate_{name}"),
        "value": percent(own.value),
        "path": _path(day.windows.today, _CALLS_OF[name]) if own.denominator else "",
        "interval": interval(own.low, own.high),
        "made_of": _made_of(own),
        "before": percent(other.value) if other else DASH,
        "before_path": _path(day.windows.last_week, _CALLS_OF[name]) if other and other.denominator else "",
        "change": _change(difference),
        "judged": _judged(name, difference),
    }


def _made_of(rate: RateSummary) -> str:
    if not rate.denominator:
        return text("no_calls_of_rate")
    return text("made_of", numerator=grouped(rate.numerator), denominator=grouped(rate.denominator))


def _change(difference: RateDifference | None) -> str:
    if difference is None or difference.value is None:
        return ""
    return text("change_of_rate", change=points(difference.value))


def _judged(name: str, difference: RateDifference | None) -> str:
    """Return `better`, `worse` or `changed` for a difference beyond chance, else an empty text."""
    if difference is None or difference.value is None or not difference.more_than_chance:
        return ""
    direction = _BETTER.get(name, 0) * difference.value
    return "better" if direction > 0 else "worse" if direction < 0 else "changed"


def _path(window: WindowPiece, filters: Pairs) -> str:
    return calls_url(filters, utc_text(window.lo_us), utc_text(window.hi_us))


def filtered_path(calls: CallFilter) -> str:
    """Return the list of a filter by statuses and window."""
    pairs = [("status", ",".join(calls.statuses))] if calls.statuses else []
    times = (("from", calls.from_us), ("to", calls.to_us))
    pairs += [(name, utc_text(at_us)) for name, at_us in times if at_us is not None]
    return f"/calls?{urlencode(pairs)}"
