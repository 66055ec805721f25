"""What a user sets. One number rules the rest: how many false alarms a week the whole tenant may have.

Rules are TOML or JSON, whatever is left out has its default. All times are RFC 3339 or dates; a date of a
holiday is one in the rules' time zone.
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
from calltally.calls.times import parse_instant, utc_text

_Text = Annotated[str, Meta(min_length=1, max_length=200)]
_Hours = Annotated[float, Meta(ge=0, le=24 * 60)]
_MOST: Final = 1000


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A misspelt setting is an error, not a default."""


class Campaign(_Strict, frozen=True):
    """Traffic that is unlike the usual, known before: it is neither learned from nor judged.

    Of one series, or of the whole tenant where no dimension is given. `from <= t < to`.
    """

    from_: str = msgspec.field(name="from")
    to: str
    dimension: Dimension = Dimension.TENANT
    value: str = ""
    name: str = ""

    @property
    def window_us(self) -> tuple[int, int]:
        """Its two ends, microseconds UTC."""
        return parse_instant(self.from_), parse_instant(self.to)

    @property
    def series(self) -> SeriesKey:
        """What it is about."""
        return SeriesKey(self.dimension, self.value)


class Mute(_Strict, frozen=True):
    """What is found and not told, by kind, series and metric; what is left out means all. Until a time."""

    kind: AlertKind | None = None
    dimension: Dimension | None = None
    value: str | None = None
    metric: Metric | None = None
    until: str | None = None

    def covers(self, series: SeriesKey, kind: AlertKind, metric: Metric | None, now_us: int) -> bool:
        """Whether a finding about this is muted now."""
        wanted = (
            (self.kind, kind),
            (self.dimension, series.dimension),
            (self.value, series.value),
            (self.metric, metric),
        )
        is_over = self.until is not None and parse_instant(self.until) <= now_us
        return not is_over and all(each is None or each == found for each, found in wanted)


class Floors(_Strict, frozen=True):
    """A call is never called stuck before this long in its state, however fast its provider usually is."""

    queued_hours: _Hours = 1.0
    initiated_hours: _Hours = 5 / 60
    ringing_hours: _Hours = 5 / 60
    in_progress_hours: _Hours = 4.0


class Rules(_Strict, frozen=True):
    """All that there is to set.

    `false_alarms_a_week` is for the tenant as a whole: all its series, rates and speeds together. No verdict
    rests on fewer than `least_calls` calls. `metrics`, `dimensions` and `kinds` are what is watched.
    """

    false_alarms_a_week: Annotated[float, Meta(ge=0.01, le=100)] = 1.0
    least_calls: Annotated[int, Meta(ge=5, le=1_000_000)] = 30
    metrics: tuple[Metric, ...] = tuple(Metric)
    dimensions: tuple[Dimension, ...] = tuple(Dimension)
    kinds: tuple[AlertKind, ...] = tuple(AlertKind)
    floors: Floors = Floors()
    tz: _Text = "UTC"
    holidays: Annotated[tuple[date, ...], Meta(max_length=_MOST)] = ()
    campaigns: Annotated[tuple[Campaign, ...], Meta(max_length=_MOST)] = ()
    mutes: Annotated[tuple[Mute, ...], Meta(max_length=_MOST)] = ()

    def is_muted(self, series: SeriesKey, kind: AlertKind, metric: Metric | None, now_us: int) -> bool:
        """Whether a finding about this is not to be told now."""
        return any(mute.covers(series, kind, metric, now_us) for mute in self.mutes)


def rules_of(values: Any) -> Rules:  # noqa: ANN401 (what JSON or TOML can say)
    """Rules from parsed JSON or TOML. Raises InvalidInput, which names what is wrong and where."""
    try:
        rules = msgspec.convert(values, Rules)
    except msgspec.ValidationError as fault:
        raise InvalidInput.of("rules", f"the rules cannot be taken: {fault}") from fault
    _check_zone(rules.tz)
    for campaign in rules.campaigns:
        from_us, to_us = (_instant(text, "campaigns") for text in (campaign.from_, campaign.to))
        if from_us >= to_us:
            raise InvalidInput.of(
                "campaigns", f"a campaign must end after its begin {utc_text(from_us)}; swap its two ends"
            )
    for mute in rules.mutes:
        if mute.until is not None:
            _instant(mute.until, "mutes")
    return rules


def read_rules(text: str, *, is_toml: bool) -> Rules:
    """Rules from the text of a file. Raises InvalidInput."""
    try:
        values = tomllib.loads(text) if is_toml else json.loads(text)
    except ValueError as fault:
        raise InvalidInput.of(
            "rules", f"the rules are no {'TOML' if is_toml else 'JSON'}: {fault}"
        ) from fault
    return rules_of(values)


def rules_as_values(rules: Rules) -> Any:  # noqa: ANN401 (what JSON can say)
    """What is not at its default, ready for JSON: `rules_of` gives the rules back."""
    return msgspec.to_builtins(rules)


def _check_zone(name: str) -> None:
    if zone_of(name) is None:
        message = f"{name!r} is no time zone; write a name of the IANA list, as America/Montreal"
        raise InvalidInput.of("tz", message)


def _instant(text: str, where: str) -> int:
    try:
        return parse_instant(text)
    except ValueError as fault:
        raise InvalidInput.of(where, f"{where}: {fault}") from fault
