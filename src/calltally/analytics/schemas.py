"""What an answer about quality looks like: the shapes that the API declares, and pages and files have."""

from typing import Annotated

import msgspec
from msgspec import Meta

from calltally.analytics.query import GROUPS

_Fraction = Annotated[float, Meta(ge=0, le=1)]
_Count = Annotated[int, Meta(ge=0)]
_Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
_Change = Annotated[float, Meta(ge=-1, le=1)]


class RateShown(msgspec.Struct, frozen=True):
    """A rate with what it is made of, and where the rate behind it lies (95 %, Wilson).

    `value` is null where `denominator` is 0; `small_sample` says that it is under 30.
    """

    value: _Fraction | None
    numerator: _Count
    denominator: _Count
    low: _Fraction | None
    high: _Fraction | None
    small_sample: bool


class TimeShown(msgspec.Struct, frozen=True):
    """A time of calls in seconds: over how many of them, and its percentiles to 1 %."""

    calls: _Count
    total: Annotated[float, Meta(ge=0)]
    average: Annotated[float, Meta(ge=0)] | None
    p50: Annotated[float, Meta(ge=0)] | None = None
    p90: Annotated[float, Meta(ge=0)] | None = None
    p99: Annotated[float, Meta(ge=0)] | None = None


class MeasuresShown(msgspec.Struct, frozen=True):
    """What some calls add up to."""

    counts: dict[str, _Count]
    rates: dict[str, RateShown]
    seconds: dict[str, TimeShown]


class DifferenceShown(msgspec.Struct, frozen=True):
    """A rate less the one it is compared with, and where that lies (95 %, Newcombe).

    `more_than_chance` allows for all comparisons of the answer together; null where either rate is.
    """

    value: _Change | None
    low: _Change | None
    high: _Change | None
    more_than_chance: bool | None


class ComparedShown(msgspec.Struct, frozen=True):
    """What is compared with, and how its rates differ."""

    counts: dict[str, _Count]
    rates: dict[str, RateShown]
    seconds: dict[str, TimeShown]
    differences: dict[str, DifferenceShown]


class GroupShown(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """One group: `key` has the value of each of `group_by`, null where it is not known.

    A step of time is named by its local date, an hour by its local time with its offset.
    """

    key: dict[str, str | None]
    from_: _Instant
    to: _Instant
    counts: dict[str, _Count]
    rates: dict[str, RateShown]
    seconds: dict[str, TimeShown]
    compared: ComparedShown | None = None


class SpanShown(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """A window: from <= created_at < to."""

    from_: _Instant
    to: _Instant


class QualityShown(msgspec.Struct, frozen=True):
    """The answer.

    `rows_read` is how many calls had to be read one by one, `unmeasured` how many an older release wrote and
    nobody measured since: those are in no number (`calltally migrate`).
    """

    data: list[GroupShown]
    total: GroupShown
    window: SpanShown
    compared_window: SpanShown | None
    group_by: list[Annotated[str, Meta(extra_json_schema={"enum": list(GROUPS)})]]
    tz: str
    rows_read: _Count
    unmeasured: _Count
