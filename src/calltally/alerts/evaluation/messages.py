"""What an alert says, in one sentence."""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from calltally.alerts.model.finding import AlertFinding, FindingEvidence
from calltally.alerts.model.series import Dimension, Metric, SeriesKey
from calltally.calls.times import DAY_US, SECOND_US

_METRICS: Final = {
    Metric.FAILURE_RATE: "Failures",
    Metric.NO_ANSWER_RATE: "No-answer",
    Metric.ANSWER_RATE: "Answered",
    Metric.PROVIDER_FAILURE_RATE: "Provider failures",
    Metric.TRANSFER_RATE: "Transfers",
}
_WHERE: Final = {
    Dimension.PROVIDER: "at {}",
    Dimension.PROVIDER_ACCOUNT: "on account {}",
    Dimension.ROUTE: "on {}",
    Dimension.AGENT: "with agent {}",
}
# Below, a whole number of percent says too little.
_FEW_PERCENT: Final = 10


def alert_message(finding: AlertFinding, tz: str) -> str:
    """`No-answer on support-de: 41 % against 12 ± 4 % expected, since 09:35, 212 calls`.

    Times are of the zone that the tenant's rules name. What is no rate has words of its own detector.
    """
    if finding.metric is None:
        return finding.detail
    evidence = finding.evidence
    since = since_text(finding.since_us, finding.found_us, tz)
    what = f"{_METRICS[finding.metric]} {series_phrase(finding.series)}"
    return f"{what}: {_against(evidence)}, since {since}, {evidence.calls} calls"


def series_phrase(series: SeriesKey) -> str:
    """Where a series is, as the end of a phrase."""
    template = _WHERE.get(series.dimension)
    return template.format(series.value) if template else "over all calls"


def since_text(since_us: int, now_us: int, tz: str) -> str:
    """The time of day, with the date where it is of another day."""
    zone = ZoneInfo(tz)
    since, now = (datetime.fromtimestamp(us / SECOND_US, UTC).astimezone(zone) for us in (since_us, now_us))
    is_near = now_us - since_us < DAY_US and since.date() == now.date()
    return since.strftime("%H:%M") if is_near else since.strftime("%Y-%m-%d %H:%M")


def _against(evidence: FindingEvidence) -> str:
    half = (evidence.high - evidence.low) / 2
    expected = f"{_percent(evidence.expected)} ± {_percent(half)} % expected"
    return f"{_percent(evidence.observed)} % against {expected}"


def _percent(rate: float) -> str:
    percent = 100 * rate
    return f"{percent:.0f}" if percent >= _FEW_PERCENT or percent == int(percent) else f"{percent:.1f}"
