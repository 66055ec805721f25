"""Query of the quality page: parameters of the API and some of its own."""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from calltally.analytics.buckets import HOUR, STEPS, local_time, midnight_us, shifted_us
from calltally.analytics.query import KEYS, PREVIOUS, SAME_WEEKDAY, TENANT, QualityQuery, parse_quality_query
from calltally.calls.errors import Fault, InvalidInput
from calltally.calls.metrics import RATE_NAMES
from calltally.calls.parameters import one_of, raise_faults
from calltally.calls.times import utc_text
from calltally.web.dashboard.calls.links import first_value
from calltally.web.request.query import Pairs

DEFAULT_DAYS: Final = 14
MAX_KEYS: Final = 2
# `all` means no grouping, `none` no baseline. Both exist so that a URL can state them.
ALL, NONE = "all", "none"
BY: Final = tuple(key for key in KEYS if key != TENANT)
COMPARED: Final = (SAME_WEEKDAY, PREVIOUS)
RATES_FIRST: Final = (
    *("answer_rate", "completion_rate", "failure_rate", "no_answer_rate", "escalation_rate"),
    "transfer_rate",
)
# Parameters of the page itself; all others are parameters of the API.
_PAGE_PARAMETERS: Final = frozenset({"by", "step", "rate", "heat", "compare", "from", "to", "view"})
_DATE_CHARS: Final = len("2026-10-01")


class QualityPageQuery(NamedTuple):
    """Parsed query of the page. `api` is the same query with API parameters; `rates` are in page order."""

    query: QualityQuery
    api: Pairs
    by: tuple[str, ...]
    step: str
    compare: str
    rates: tuple[str, ...]
    heat: str
    filters: Pairs


def parse_quality_page(pairs: Pairs, zone: ZoneInfo, now_us: int) -> QualityPageQuery:
    """Parse the page's URL. Raises InvalidInput with every error in it."""
    by = tuple(dict.fromkeys(value for name, value in pairs if name == "by")) or ("route",)
    rates = tuple(dict.fromkeys(value for name, value in pairs if name == "rate"))
    step, compare = first_value(pairs, "step") or "day", first_value(pairs, "compare") or SAME_WEEKDAY
    heat = first_value(pairs, "heat") or (rates or RATES_FIRST)[0]
    raise_faults(_faults(by, rates, step, heat))
    keys = tuple(key for key in by if key != ALL)
    filters = tuple(pair for pair in pairs if pair[0] not in _PAGE_PARAMETERS)
    api = (
        *filters,
        *_window(pairs, zone, now_us),
        ("group_by", ",".join((*keys, step))),
        ("tz", zone.key),
        *([("compare", compare)] if compare != NONE else ()),
    )
    query = parse_quality_query([*api, ("percentiles", "false")], is_admin=False)
    return QualityPageQuery(query, api, by, step, compare, rates or RATES_FIRST, heat, filters)


def _faults(by: Sequence[str], rates: Sequence[str], step: str, heat: str) -> list[Fault]:
    checks = [
        *(("by", value, (*BY, ALL)) for value in by),
        *(("rate", value, RATE_NAMES) for value in (*rates, heat)),
        ("step", step, STEPS),
    ]
    faults = [fault for name, value, words in checks if (fault := _fault(name, value, words))]
    if len(by) > MAX_KEYS:
        faults.append(Fault("by", f"by must name at most {MAX_KEYS}, not {len(by)}"))
    return faults


def _fault(name: str, value: str, words: Sequence[str]) -> Fault | None:
    try:
        one_of(words)(value)
    except ValueError as fault:
        return Fault(name, f"{name} {fault}")
    return None


def _window(pairs: Pairs, zone: ZoneInfo, now_us: int) -> Pairs:
    """Return the parameters `from` and `to`. A date is midnight in the reader's zone.

    Without `from`, the window starts 13 days before today; by hour, it starts yesterday.
    """
    sent = [(name, _instant(name, value, zone)) for name, value in pairs if name in {"from", "to"}]
    if any(name == "from" for name, _ in sent):
        return tuple(sent)
    today_us = midnight_us(local_time(now_us, zone).date(), zone)
    days = 1 if first_value(pairs, "step") == HOUR else DEFAULT_DAYS - 1
    return (("from", utc_text(shifted_us(today_us, -days, zone))), *sent)


def _instant(name: str, text: str, zone: ZoneInfo) -> str:
    if len(text) != _DATE_CHARS:
        return text
    try:
        return utc_text(midnight_us(date.fromisoformat(text), zone))
    except ValueError:
        raise InvalidInput.of(name, f"{name} must be a day, such as 2026-10-01, not {text!r}") from None
