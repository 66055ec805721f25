"""The steps behind an alert, as a chart draws them: the very counts that it was judged by."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from calltally.alerts.evaluation.series_rollup import sum_by_series
from calltally.alerts.model.finding import AlertFinding
from calltally.alerts.model.series import RATES, Metric, SeriesKey, StepColumn
from calltally.analytics.buckets import local_time
from calltally.analytics.report_values import rate_with_interval
from calltally.analytics.schemas import RateShown
from calltally.calls.alert_counts import STEP_S, AlertStepKey, Cells
from calltally.calls.intervals import Proportion
from calltally.calls.times import SECOND_US, utc_text
from calltally.store.rollups.alert_steps import Steps
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.quality.call_links import NARROWED

# How many points are about right, and how wide they may be.
_POINTS: Final = 144
_WIDTHS_S: Final = (STEP_S, 900, 3_600, 6 * 3_600, 86_400)
_HOUR_S: Final = 3_600
_LISTED: Final = frozenset({"route", "provider", "agent"})


class ChartFrame(NamedTuple):
    """The window that is drawn, in seconds, and how wide a point is."""

    lo_s: int
    hi_s: int
    width_s: int

    @property
    def places(self) -> range:
        """Where each point begins."""
        return range(self.lo_s, self.hi_s, self.width_s)


def chart_frame(finding: AlertFinding, now_us: int) -> ChartFrame:
    """From well before the evidence to a little after it."""
    from_s, to_s = finding.evidence.from_us // SECOND_US, finding.evidence.to_us // SECOND_US
    length_s = max(to_s - from_s, _HOUR_S)
    lo_s, hi_s = from_s - 2 * length_s, min(to_s + length_s, max(now_us // SECOND_US, to_s))
    width_s = next((each for each in _WIDTHS_S if (hi_s - lo_s) / each <= _POINTS), _WIDTHS_S[-1])
    return ChartFrame(lo_s // width_s * width_s, hi_s, width_s)


def evidence_chart_data(finding: AlertFinding, steps: Steps, frame: ChartFrame, zone: ZoneInfo) -> dict[str, Any]:
    """For the script of the charts: one column, one rate, and what was expected as the baseline."""
    metric, series = finding.metric or Metric.FAILURE_RATE, finding.series
    shares = _shares(metric, series, steps, frame)
    calls = [(str(series.dimension), series.value)] if series.dimension in _LISTED else []
    return {
        "step": "minute" if frame.width_s < _WIDTHS_S[-1] else "day",
        "labels": [_label(at_s, zone) for at_s in frame.places],
        "from": [utc_text(at_s * SECOND_US) for at_s in frame.places],
        "to": [utc_text((at_s + frame.width_s) * SECOND_US) for at_s in frame.places],
        "narrow": {metric: urlencode([NARROWED[metric]])} if metric in NARROWED else {},
        "columns": [
            {
                "name": series.value or text("all_calls"),
                "calls": urlencode(calls),
                "rates": {metric: [_point(finding, at_s, shares[at_s]) for at_s in frame.places]},
            }
        ],
        "marks": [_mark(finding, metric, frame)],
        "words": {name: text(f"chart_{name}") for name in ("of", "baseline", "small", "alert", "open")},
    }


def _label(at_s: int, zone: ZoneInfo) -> str:
    return local_time(at_s * SECOND_US, zone).isoformat(timespec="minutes")


def _shares(metric: Metric, series: SeriesKey, steps: Steps, frame: ChartFrame) -> dict[int, Proportion]:
    """The rate of a series at each place."""
    rows: dict[int, dict[AlertStepKey, Cells]] = {}
    for key, cells in steps.items():
        rows.setdefault(key.step_s, {})[key] = cells
    rate = RATES[metric]
    found = dict.fromkeys(frame.places, Proportion(0, 0))
    for step_s, of_step in rows.items():
        place = frame.lo_s + (step_s - frame.lo_s) // frame.width_s * frame.width_s
        counts: Mapping[StepColumn, int] = sum_by_series(of_step).get(series, {})
        had = found.get(place, Proportion(0, 0))
        found[place] = Proportion(
            had.numerator + counts.get(rate.numerator, 0), had.denominator + counts.get(rate.denominator, 0)
        )
    return found


def _point(finding: AlertFinding, at_s: int, share: Proportion) -> Sequence[Any]:
    """Where the evidence lies the baseline is what was expected of it."""
    shown: RateShown = rate_with_interval(share)
    evidence = finding.evidence
    is_within = evidence.from_us <= at_s * SECOND_US < evidence.to_us
    base = evidence.expected if is_within else None
    return [shown.value, shown.low, shown.high, shown.denominator, int(shown.small_sample), base]


def _mark(finding: AlertFinding, metric: Metric, frame: ChartFrame) -> dict[str, Any]:
    place = (finding.since_us // SECOND_US - frame.lo_s) // frame.width_s
    return {"metric": metric, "at": place, "column": 0, "message": text("alert_began"), "path": ""}
