"""Query of launch quality: one table of parameters for parsing and OpenAPI."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from calltally.analytics.buckets import STEPS
from calltally.calls.errors import Fault
from calltally.calls.export_query import zone_of
from calltally.calls.filters import FILTER_FIELDS, FILTERS, CallFilter
from calltally.calls.list_query import PARAMETERS, query_of
from calltally.calls.parameters import (
    Parameter,
    flag_value,
    instant_value,
    one_of,
    quote_value,
    raise_faults,
    read_all,
    words_schema,
)
from calltally.store.rollups.quality_delta import FINE_KEYS

TENANT: Final = "tenant"
KEYS: Final = (TENANT, "route", "provider", "provider_account", "agent", "direction", "end_reason", "country")
GROUPS: Final = (*KEYS, *STEPS)
MAX_KEYS: Final = 3
PREVIOUS, SAME_WEEKDAY = "previous", "same_weekday"
UTC: Final = "UTC"

_BETWEEN: Final = ".."
_GROUP_BY: Final = (
    f"The groups: up to three of {', '.join(GROUPS)}, separated by commas, with at most one step of time."
    f" `{TENANT}` is for the admin key, which may then omit `tenant`."
)
_COMPARE: Final = (
    "The comparison: `previous`, the window of the same length before; `same_weekday`, the same window a"
    " whole number of weeks earlier; or another window as `<from>..<to>`."
)
_TZ: Final = "The IANA time zone of the steps of time; default: UTC."
_PERCENTILES: Final = "Include p50, p90 and p99, which take longer than the rates."
_FORMAT: Final = "The format of the response, for links; overrides Accept."


class QualityQuery(msgspec.Struct, frozen=True):
    """Query of quality metrics. Default window: the seven days up to `to`, or up to now.

    `compare` is a word, or the two instants (us) of another window; `tenant` is for the admin key. `rates`
    selects the rates of a page; None selects all metrics. Only the first `rows` groups have differences;
    None: all groups.
    """

    filter: CallFilter = CallFilter()
    keys: tuple[str, ...] = ()
    step: str | None = None
    zone: str = UTC
    compare: str | tuple[int, int] | None = None
    percentiles: bool = True
    format: str | None = None
    tenant: str | None = None
    rates: tuple[str, ...] | None = None
    rows: int | None = None

    @property
    def stored_keys(self) -> tuple[str, ...]:
        """The group keys that the roll-ups have."""
        return tuple(key for key in FINE_KEYS if key in self.keys)


def zone_value(text: str) -> str:
    if zone_of(text) is None:
        raise ValueError(
            f"must be the name of an IANA time zone, such as Europe/Berlin, not {quote_value(text)}"
        )
    return text


def zone_named(name: str) -> ZoneInfo:
    """Return the zone of a checked name."""
    return zone_of(name) or ZoneInfo(UTC)


def _group_by(text: str) -> tuple[str, ...]:
    names = text.split(",")
    for name in names:
        one_of(GROUPS)(name)
    if len(names) > MAX_KEYS:
        raise ValueError(f"must name at most {MAX_KEYS}, not {len(names)}")
    if len(set(names)) < len(names):
        raise ValueError(f"names a key twice: {quote_value(text)}")
    if len([name for name in names if name in STEPS]) > 1:
        raise ValueError(f"must name at most one step of time ({', '.join(STEPS)})")
    return tuple(names)


def window_value(text: str) -> tuple[int, int]:
    """Parse a window as `<from>..<to>`."""
    start, between, end = text.partition(_BETWEEN)
    if not between:
        raise ValueError("must be <from>..<to>, such as 2026-10-01..2026-10-08")
    window = instant_value(start), instant_value(end)
    if window[0] >= window[1]:
        raise ValueError(f"must begin before it ends: {quote_value(text)}")
    return window


def _compare(text: str) -> str | tuple[int, int]:
    if _BETWEEN not in text:
        return one_of((PREVIOUS, SAME_WEEKDAY, "<from>..<to>"))(text)
    return window_value(text)


_OF_LIST: Final = {each.name: each for each in PARAMETERS}
_WORDS_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "string",
    "pattern": f"^(?:{'|'.join(GROUPS)})(?:,(?:{'|'.join(GROUPS)})){{0,{MAX_KEYS - 1}}}$",
}
_COMPARE_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "string",
    "maxLength": 80,
    "pattern": f"^(?:{PREVIOUS}|{SAME_WEEKDAY}|[0-9].*\\.\\.[0-9].*)$",
}
QUALITY_PARAMETERS: Final = (
    *FILTERS,
    Parameter("group_by", "group_by", _GROUP_BY, _WORDS_SCHEMA, "route,day", _group_by),
    Parameter("tz", "zone", _TZ, _OF_LIST["tz"].schema, "Europe/Berlin", zone_value),
    Parameter("compare", "compare", _COMPARE, _COMPARE_SCHEMA, "previous", _compare),
    Parameter("percentiles", "percentiles", _PERCENTILES, {"type": "boolean"}, "false", flag_value),
    Parameter("format", "format", _FORMAT, words_schema(("json", "csv")), "csv", one_of(("json", "csv"))),
    _OF_LIST[TENANT],
)


def parse_quality_query(pairs: Sequence[tuple[str, str]], *, is_admin: bool) -> QualityQuery:
    """Return the query of decoded pairs; raises InvalidInput with every error in them."""
    parameters = {each.name: each for each in QUALITY_PARAMETERS if is_admin or not each.is_for_admin}
    values, faults = read_all(pairs, parameters)
    raise_faults([*faults, *_contradictions(values, is_admin=is_admin)])
    names: tuple[str, ...] = values.pop("group_by", ())
    listed = {name: values.pop(name) for name in FILTER_FIELDS if name in values}
    return QualityQuery(
        filter=query_of(listed).filter,
        keys=tuple(name for name in names if name not in STEPS),
        step=next((name for name in names if name in STEPS), None),
        **values,
    )


def _contradictions(values: Mapping[str, Any], *, is_admin: bool) -> Iterable[Fault]:
    if "from_us" in values and "to_us" in values and values["from_us"] >= values["to_us"]:
        yield Fault("from", "from must be earlier than to: the window is from <= created_at < to")
    if TENANT in values.get("group_by", ()) and not is_admin:
        yield Fault("group_by", "group_by=tenant is for the admin key: a tenant's key reads its own calls")
