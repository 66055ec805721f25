"""One-sentence messages of alerts about rates. Each module of `conditions` words its own alerts."""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from calltally.alerts.model.finding import AlertFinding
from calltally.alerts.model.series import Dimension, Metric, SeriesKey
from calltally.calls.plurals import counted
from calltally.calls.times import DAY_US, SECOND_US

_METRICS: Final = {
    Metric.FAILURE_RATE: "Failures",
    Metric.NO_ANSWER_RATE: "No-answer",
    Metric.ANSWER_RATE: "Answered",
    Metric.PROVIDER_FAILURE_RATE: "Provider failures",
    Metric.TRANSFER_RATE: "Transfers",
}
_PHRASES: Final = {
    Dimension.PROVIDER: "at {}",
    Dimension.PROVIDER_ACCOUNT: "on account {}",
    Dimension.ROUTE: "on {}",
    Dimension.AGENT: "with agent {}",
}
# Below this, percentages have a decimal.
_DECIMAL_BELOW_PERCENT: Final = 10


def alert_message(finding: AlertFinding, tz: str) -> str:
    """Return the message of a finding.

    Example: `No-answer on support-de: 41 % against 12 % expected (8 to 16 %), since 09:35, 212 calls`. Times
    are in the time zone of the tenant's rules. A finding without a rate has a sentence of its own.
    """
    if finding.metric is None:
        return finding.detail
    evidence = finding.evidence
    since = since_text(finding.since_us, finding.found_us, tz)
    shares = (evidence.observed, evidence.expected, evidence.low, evidence.high)
    observed, expected, low, high = map(_percent, shares)
    against = f"{observed} % against {expected} % expected ({low} to {high} %)"
    subject = f"{_METRICS[finding.metric]} {series_phrase(finding.series)}"
    return f"{subject}: {against}, since {since}, {counted(evidence.calls, 'call')}"


def series_phrase(series: SeriesKey) -> str:
    """Return the series as the end of a phrase."""
    template = _PHRASES.get(series.dimension)
    return template.format(series.value) if template else "over all calls"


def since_text(since_us: int, now_us: int, tz: str) -> str:
    """Return the time of day, with the date if it is another day."""
    zone = ZoneInfo(tz)
    since, now = (datetime.fromtimestamp(us / SECOND_US, UTC).astimezone(zone) for us in (since_us, now_us))
    is_near = now_us - since_us < DAY_US and since.date() == now.date()
    return since.strftime("%H:%M") if is_near else since.strftime("%Y-%m-%d %H:%M")


def _percent(rate: float) -> str:
    percent = 100 * rate
    is_whole = percent >= _DECIMAL_BELOW_PERCENT or percent == int(percent)
    return f"{percent:.0f}" if is_whole else f"{percent:.1f}"
