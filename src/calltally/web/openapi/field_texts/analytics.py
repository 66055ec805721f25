"""Fields of quality reports and launch reports."""

from collections.abc import Mapping
from typing import Final

from calltally.web.openapi.field_texts.shared import FROM, HIGH, LOW, TO

_COUNTS: Final = "Numbers of calls by the name of the count; the operation's description defines each."
_RATES: Final = "Rates by name; the operation's description defines each."
_SECONDS: Final = "Durations by name, in seconds; the operation's description defines each."
_METRICS: Final = {"counts": _COUNTS, "rates": _RATES, "seconds": _SECONDS}
_WINDOW: Final = {"from": FROM, "to": TO}

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "RateSummary": {
        "value": "The rate, from 0 to 1; null if `denominator` is 0.",
        "numerator": "The number of calls that count for the rate.",
        "denominator": "The number of calls that the rate is a part of.",
        "low": LOW,
        "high": HIGH,
        "small_sample": "True if `denominator` is under 30, so that the rate is uncertain.",
    },
    "DurationSummary": {
        "calls": "The number of calls with this duration.",
        "total": "The sum of the durations in seconds.",
        "average": "The average duration in seconds; null without calls.",
        "p50": "The median in seconds, to 1 %; null without calls, or with `percentiles=false`.",
        "p90": "The 90th percentile in seconds, to 1 %; null without calls, or with `percentiles=false`.",
        "p99": "The 99th percentile in seconds, to 1 %; null without calls, or with `percentiles=false`.",
    },
    "CallMetrics": _METRICS,
    "RateDifference": {
        "value": "The rate minus the compared rate; null if either is null.",
        "low": LOW,
        "high": HIGH,
        "more_than_chance": "True if the difference is significant, corrected for the number of comparisons"
        " in the report; null if either rate is null.",
    },
    "ComparedMetrics": {**_METRICS, "differences": "Differences of the rates, by the name of the rate."},
    "CallGroup": {
        **_METRICS,
        "key": "The value of each name in `group_by`; null if the calls have no such value.",
        "from": "Start of the group's window, included.",
        "to": "End of the group's window, excluded.",
        "compared": "The metrics of the compared window; null without `compare`.",
    },
    "QualityWindow": _WINDOW,
    "CreationWindow": {
        "from": "Calls created at or after this time; null for an open start.",
        "to": "Calls created before this time; null for an open end.",
    },
    "QualityReport": {
        "data": "The groups, in the order of their keys.",
        "total": "All calls of the window as one group.",
        "window": "The measured window.",
        "compared_window": "The compared window; null without `compare`.",
        "group_by": "The names that the calls are grouped by.",
        "tz": "The IANA time zone of the steps of time.",
        "rows_read": "The number of calls that were read one by one. It explains the cost of the query.",
        "unmeasured": "The number of calls of an older release that are in no metric yet. `calltally migrate`"
        " measures them.",
    },
    "RateBounds": {
        "low": "Lower bound of the rate.",
        "high": "Upper bound of the rate.",
    },
    "RateVerdict": {
        "verdict": "The verdict on this rate.",
        "more_is_better": "True if a higher rate is better.",
        "launch": "The rate since the launch.",
        "baseline": "The rate of the baseline.",
        "bounds": "Bounds of the rate since the launch that hold for all rates and checks together; null"
        " without calls.",
        "baseline_bounds": "Bounds of the rate of the baseline that hold for all rates together; null without"
        " calls.",
        "over_dispersion": "The factor by which hours differ more than by chance; 1 means not at all. Calls"
        " count for less by this factor.",
        "more_calls": "The number of further calls until a verdict at the present rate: 0 if there is a"
        " verdict, null if none is possible.",
    },
    "LaunchHour": {
        "hour": "The hour in local time, with its offset.",
        "from": "Start of the hour, included.",
        "to": "End of the hour, excluded.",
        "counts": _COUNTS,
        "rates": _RATES,
        "verdict": "The verdict at the end of this hour.",
    },
    "LaunchSide": {
        "facet": "The kind of the launched item: a route or an agent.",
        "name": "The key of the route or the agent.",
        "window": "The measured window.",
        "measures": "The metrics of the window.",
    },
    "LaunchReport": {
        "verdict": "The verdict over all rates; `no baseline` if there are no earlier calls to compare with.",
        "confidence": "The probability with which no verdict of this launch is false.",
        "method": "The statistical method, in words.",
        "launch": "The route or agent since its launch.",
        "baseline": "The compared route or agent; null if there is nothing to compare with.",
        "evidence": "The verdict and its evidence for each judged rate, by the name of the rate.",
        "hours": "Each hour since the launch, in order.",
    },
}
