"""Chart of the steps behind an alert: the same counts as in its evaluation."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from calltally.alerts.evaluation.series_rollup import sum_by_series
from calltally.alerts.model.finding import AlertFinding
from calltally.alerts.model.series import COLUMN_INDEX, RATES, Metric, SeriesKey
from calltally.analytics.buckets import local_time
from calltally.analytics.report_values import rate_with_interval
from calltally.analytics.schemas import RateSummary
from calltally.calls.alert_counts import STEP_S, AlertStepKey, Cells
from calltally.calls.intervals import Proportion
from calltally.calls.times import SECOND_US, utc_text
from calltally.store.rollups.alert_steps import Steps
from calltally.web.dashboard.calls.links import NARROWED
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.quality.chart_data import chart_words

# Target number of points, and the possible widths of a point.
_POINTS: Final = 144
_WIDTHS_S: Final = (STEP_S, 900, 3_600, 6 * 3_600, 86_400)
_HOUR_S: Final = 3_600
_LIST_DIMENSIONS: Final = frozenset({"route", "provider", "agent"})


class ChartFrame(NamedTuple):
    """Window of the chart in seconds, and the width of a point."""

    lo_s: int
    hi_s: int
    width_s: int

    @property
    def starts_s(self) -> range:
        return range(self.lo_s, self.hi_s, self.width_s)


def chart_frame(finding: AlertFinding, now_us: int) -> ChartFrame:
    """Return a frame from well before the evidence to shortly after it."""
    from_s, to_s = finding.evidence.from_us // SECOND_US, finding.evidence.to_us // SECOND_US
    length_s = max(to_s - from_s, _HOUR_S)
    lo_s, hi_s = from_s - 2 * length_s, min(to_s + length_s, max(now_us // SECOND_US, to_s))
    width_s = next((each for each in _WIDTHS_S if (hi_s - lo_s) / each <= _POINTS), _WIDTHS_S[-1])
    return ChartFrame(lo_s // width_s * width_s, hi_s, width_s)


def evidence_chart_data(
    finding: AlertFinding, steps: Steps, frame: ChartFrame, zone: ZoneInfo
) -> dict[str, Any]:
    """Return the chart data for the script: one group and one rate, and the expected rate."""
    metric, series = finding.metric or Metric.FAILURE_RATE, finding.series
    shares = _shares(metric, series, steps, frame)
    mark_at = (finding.since_us // SECOND_US - frame.lo_s) // frame.width_s
    calls = [(str(series.dimension), series.value)] if series.dimension in _LIST_DIMENSIONS else []
    return {
        "step": "minute" if frame.width_s < _WIDTHS_S[-1] else "day",
        "labels": [
            local_time(at_s * SECOND_US, zone).isoformat(timespec="minutes") for at_s in frame.starts_s
        ],
        "from": [utc_text(at_s * SECOND_US) for at_s in frame.starts_s],
        "to": [utc_text((at_s + frame.width_s) * SECOND_US) for at_s in frame.starts_s],
        "narrow": {metric: urlencode([NARROWED[metric]])} if metric in NARROWED else {},
        "columns": [
            {
                "name": series.value or text("all_calls"),
                "calls": urlencode(calls),
                "rates": {metric: [_point(finding, at_s, shares[at_s]) for at_s in frame.starts_s]},
            }
        ],
        "marks": [{"metric": metric, "at": mark_at, "column": 0, "message": text("alert_began"), "path": ""}],
        "words": chart_words(),
    }


def _shares(metric: Metric, series: SeriesKey, steps: Steps, frame: ChartFrame) -> dict[int, Proportion]:
    rows: dict[int, dict[AlertStepKey, Cells]] = {}
    for key, cells in steps.items():
        rows.setdefault(key.step_s, {})[key] = cells
    rate = RATES[metric]
    found = dict.fromkeys(frame.starts_s, Proportion(0, 0))
    for step_s, of_step in rows.items():
        start_s = frame.lo_s + (step_s - frame.lo_s) // frame.width_s * frame.width_s
        if counts := sum_by_series(of_step).get(series):
            numerator, denominator = found.get(start_s, Proportion(0, 0))
            found[start_s] = Proportion(
                numerator + counts[COLUMN_INDEX[rate.numerator]],
                denominator + counts[COLUMN_INDEX[rate.denominator]],
            )
    return found


def _point(finding: AlertFinding, at_s: int, share: Proportion) -> Sequence[Any]:
    """Return one point. Within the evidence window, its baseline is the expected rate."""
    rate: RateSummary = rate_with_interval(share)
    evidence = finding.evidence
    is_within = evidence.from_us <= at_s * SECOND_US < evidence.to_us
    base = evidence.expected if is_within else None
    return [rate.value, rate.low, rate.high, rate.denominator, int(rate.small_sample), base]
