"""Alert rules of a tenant. The main one is the number of false alarms a week for the whole tenant.

Rules are TOML or JSON; omitted ones have defaults. All times are RFC 3339 or dates. The date of a holiday is
one in the rules' time zone.
"""

import json
import tomllib
from datetime import date
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from calltally.alerts.model.finding import AlertKind
from calltally.alerts.model.series import Dimension, Metric, SeriesKey
from calltally.calls.errors import InvalidInput
from calltally.calls.export_query import zone_of
from calltally.calls.list_query import ZONE_PATTERN
from calltally.calls.suggestions import unknown_field_hint
from calltally.calls.times import parse_instant, utc_text
from calltally.calls.wire_types import TimeOrDate

_Zone = Annotated[str, Meta(min_length=1, max_length=200, extra_json_schema={"pattern": f"^{ZONE_PATTERN}$"})]
_Hours = Annotated[float, Meta(ge=0, le=24 * 60)]
_MAX_ITEMS: Final = 1000


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base class that rejects unknown settings, so that a misspelt one is an error."""


class Campaign(_Strict, frozen=True):
    """Planned unusual traffic: the detectors neither learn from it nor judge it.

    It concerns one series, or the whole tenant if no dimension is given. `from <= t < to`.
    """

    from_: TimeOrDate = msgspec.field(name="from")
    to: TimeOrDate
    dimension: Dimension = Dimension.TENANT
    value: str = ""
    name: str = ""

    @property
    def window_us(self) -> tuple[int, int]:
        """Start and end, microseconds UTC."""
        return parse_instant(self.from_), parse_instant(self.to)

    @property
    def series(self) -> SeriesKey:
        return SeriesKey(self.dimension, self.value)


class Mute(_Strict, frozen=True):
    """Rule that suppresses findings by kind, series and metric until a time; omitted fields match all."""

    kind: AlertKind | None = None
    dimension: Dimension | None = None
    value: str | None = None
    metric: Metric | None = None
    until: TimeOrDate | None = None

    def covers(self, series: SeriesKey, kind: AlertKind, metric: Metric | None, now_us: int) -> bool:
        wanted = (self.kind, self.dimension, self.value, self.metric)
        is_over = self.until is not None and parse_instant(self.until) <= now_us
        found = (kind, *series, metric)
        return not is_over and all(each in (None, other) for each, other in zip(wanted, found, strict=True))


class Floors(_Strict, frozen=True):
    """Minimum time in each state before a call counts as stuck, even if its provider is usually faster."""

    queued_hours: _Hours = 1.0
    initiated_hours: _Hours = 5 / 60
    ringing_hours: _Hours = 5 / 60
    in_progress_hours: _Hours = 4.0


class Rules(_Strict, frozen=True):
    """All alert rules of a tenant.

    `false_alarms_a_week` is one budget for the whole tenant: all series, rates and detectors share it. A rate
    finding is based on at least `least_calls` calls. `metrics`, `dimensions` and `kinds` select what is
    monitored.
    """

    false_alarms_a_week: Annotated[float, Meta(ge=0.01, le=100)] = 1.0
    least_calls: Annotated[int, Meta(ge=5, le=1_000_000)] = 30
    metrics: tuple[Metric, ...] = tuple(Metric)
    dimensions: tuple[Dimension, ...] = tuple(Dimension)
    kinds: tuple[AlertKind, ...] = tuple(AlertKind)
    floors: Floors = Floors()
    tz: _Zone = "UTC"
    holidays: Annotated[tuple[date, ...], Meta(max_length=_MAX_ITEMS)] = ()
    campaigns: Annotated[tuple[Campaign, ...], Meta(max_length=_MAX_ITEMS)] = ()
    mutes: Annotated[tuple[Mute, ...], Meta(max_length=_MAX_ITEMS)] = ()

    def is_muted(self, series: SeriesKey, kind: AlertKind, metric: Metric | None, now_us: int) -> bool:
        return any(mute.covers(series, kind, metric, now_us) for mute in self.mutes)


def rules_of(values: Any) -> Rules:  # noqa: ANN401 (any JSON or TOML value)
    """Return rules from parsed JSON or TOML. Raises InvalidInput, which names the wrong field."""
    try:
        rules = msgspec.convert(values, Rules)
    except msgspec.ValidationError as fault:
        raise InvalidInput.of(
            "rules", f"invalid rules: {fault}{unknown_field_hint(str(fault), Rules)}"
        ) from fault
    if zone_of(rules.tz) is None:
        message = f"{rules.tz!r} is not a time zone; use a name of the IANA list, such as America/Montreal"
        raise InvalidInput.of("tz", message)
    for campaign in rules.campaigns:
        from_us, to_us = (_instant(text, "campaigns") for text in (campaign.from_, campaign.to))
        if from_us >= to_us:
            raise InvalidInput.of(
                "campaigns", f"a campaign must end after its start {utc_text(from_us)}; swap the two times"
            )
    for mute in rules.mutes:
        if mute.until is not None:
            _instant(mute.until, "mutes")
    return rules


def read_rules(text: str, *, is_toml: bool) -> Rules:
    """Return rules from the text of a file. Raises InvalidInput."""
    try:
        values = tomllib.loads(text) if is_toml else json.loads(text)
    except ValueError as fault:
        message = f"the rules are not valid {'TOML' if is_toml else 'JSON'}: {fault}"
        raise InvalidInput.of("rules", message) from fault
    return rules_of(values)


def rules_as_values(rules: Rules) -> Any:  # noqa: ANN401 (any JSON value)
    """Return the rules that differ from their defaults, ready for JSON. Inverse of `rules_of`."""
    return msgspec.to_builtins(rules)


def _instant(text: str, field: str) -> int:
    try:
        return parse_instant(text)
    except ValueError as fault:
        raise InvalidInput.of(field, f"{field}: {fault}") from fault
