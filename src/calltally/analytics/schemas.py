"""Structures of a quality report, shared by the API, pages and files."""

from typing import Annotated

import msgspec
from msgspec import Meta

from calltally.analytics.query import GROUPS

_Fraction = Annotated[float, Meta(ge=0, le=1)]
_Count = Annotated[int, Meta(ge=0)]
_Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
_Change = Annotated[float, Meta(ge=-1, le=1)]


class RateSummary(msgspec.Struct, frozen=True):
    """Rate with its counts and its interval (95 %, Wilson).

    `value` is null if `denominator` is 0; `small_sample` means that `denominator` is under 30.
    """

    value: _Fraction | None
    numerator: _Count
    denominator: _Count
    low: _Fraction | None
    high: _Fraction | None
    small_sample: bool


class DurationSummary(msgspec.Struct, frozen=True):
    """Durations of calls in seconds: number of calls, total, average, and percentiles to 1 %."""

    calls: _Count
    total: Annotated[float, Meta(ge=0)]
    average: Annotated[float, Meta(ge=0)] | None
    p50: Annotated[float, Meta(ge=0)] | None = None
    p90: Annotated[float, Meta(ge=0)] | None = None
    p99: Annotated[float, Meta(ge=0)] | None = None


class CallMetrics(msgspec.Struct, frozen=True):
    """Metrics of some calls."""

    counts: dict[str, _Count]
    rates: dict[str, RateSummary]
    seconds: dict[str, DurationSummary]


class RateDifference(msgspec.Struct, frozen=True):
    """Difference to the compared rate, with its interval (95 %, Newcombe).

    `more_than_chance` is true for a significant difference, corrected for the number of comparisons in the
    report; null if either rate is null.
    """

    value: _Change | None
    low: _Change | None
    high: _Change | None
    more_than_chance: bool | None


class ComparedMetrics(CallMetrics, frozen=True):
    """Metrics of the compared calls, and the differences of the rates."""

    differences: dict[str, RateDifference]


class CallGroup(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """Group of calls: `key` has the value of each `group_by` name, null if unknown.

    A bucket of time is named by its local date, an hour by its local time with offset.
    """

    key: dict[str, str | None]
    from_: _Instant
    to: _Instant
    counts: dict[str, _Count]
    rates: dict[str, RateSummary]
    seconds: dict[str, DurationSummary]
    compared: ComparedMetrics | None = None


class QualityWindow(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """Window: from <= created_at < to."""

    from_: _Instant
    to: _Instant


class QualityReport(msgspec.Struct, frozen=True):
    """Quality report.

    `rows_read` is the number of calls that were read one by one. `unmeasured` is the number of calls that an
    older release wrote and that were not measured since; they are in no metric (run `calltally migrate`).
    """

    data: list[CallGroup]
    total: CallGroup
    window: QualityWindow
    compared_window: QualityWindow | None
    group_by: list[Annotated[str, Meta(extra_json_schema={"enum": list(GROUPS)})]]
    tz: str
    rows_read: _Count
    unmeasured: _Count
