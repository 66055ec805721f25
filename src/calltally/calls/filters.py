"""Filters of calls: one declared table that parsing, OpenAPI and statements read (contract, section 1)."""

from typing import Final

import msgspec

from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.calls.parameters import (
    MAX_TEXT_CHARS,
    NUMBER_PATTERN,
    Parameter,
    flag_value,
    instant_parameter,
    instant_value,
    number_value,
    one_of,
    quote_value,
    text_schema,
    text_value,
    words_schema,
)
from calltally.calls.phone import MAX_NUMBER_CHARS
from calltally.calls.suggestions import did_you_mean
from calltally.calls.tokenizer import text_words
from calltally.calls.wire_types import TIME_OR_DATE_SCHEMA

# Shorter beginnings of SIDs match too many calls to be useful.
MIN_SID_PREFIX_CHARS: Final = 6
# The most SIDs that may begin alike: they are looked up before the calls, and bound the work.
MAX_PREFIXED_SIDS: Final = 1_000


class CallFilter(msgspec.Struct, frozen=True):
    """Filter of a tenant's calls; a field that is None or empty does not restrict the result."""

    statuses: tuple[str, ...] = ()
    direction: str | None = None
    from_us: int | None = None
    to_us: int | None = None
    route: str | None = None
    provider: str | None = None
    agent: str | None = None
    call_sid: str | None = None
    call_sid_prefix: str | None = None
    number: str | None = None
    from_number: str | None = None
    to_number: str | None = None
    parent_call_sid: str | None = None
    updated_from_us: int | None = None
    updated_to_us: int | None = None
    escalated: bool | None = None
    q: str | None = None
    # `q` also searches transcripts. Only for keys that may read them.
    in_transcripts: bool = False
    # The digits of each number with their country code, where the tenant's country reads them nationally.
    international: str | None = None
    from_international: str | None = None
    to_international: str | None = None


def _statuses(text: str) -> tuple[str, ...]:
    unknown = [word for word in text.split(",") if word not in STATUSES]
    if unknown:
        quoted = ", ".join(quote_value(word) + did_you_mean(word, STATUSES) for word in unknown[:3])
        raise ValueError(f"must be one or more of {', '.join(STATUSES)}, not {quoted}")
    return tuple(text.split(","))


def _search(text: str) -> str:
    if not text_words(text_value(text)):
        raise ValueError(f"contains no letter or digit to search for: {quote_value(text)}")
    return text


def _sid_prefix(text: str) -> str:
    if len(text) < MIN_SID_PREFIX_CHARS:
        raise ValueError(f"must have at least {MIN_SID_PREFIX_CHARS} characters, not {len(text)}")
    return text_value(text)


_STATUS: Final = {"type": "array", "minItems": 1, "items": words_schema(STATUSES)}
_DIRECTION: Final = words_schema(DIRECTIONS)
TEXT_SCHEMA: Final = text_schema(MAX_TEXT_CHARS, "^[^\\u0000]+$")
_PARTY: Final = text_schema(MAX_NUMBER_CHARS, f"^(?:{NUMBER_PATTERN})$")
_BOOLEAN: Final = {"type": "boolean"}
_SID: Final = "CA1234567890abcdef1234567890abcdef"
_FROM: Final = "Only calls created at or after this time: RFC 3339 with an offset, or a date (midnight UTC)."
_TO: Final = "Only calls created before this time, in the same format as `from`."
_SID_PREFIX_MEANING: Final = (
    f"Only calls with a SID that begins with this text, of at least {MIN_SID_PREFIX_CHARS} characters. Case"
    f" matters. If more than {MAX_PREFIXED_SIDS:,} SIDs match, send more characters."
)
_NUMBER_MEANING: Final = (
    "Only calls with this number as either party. A number with a plus sign finds only this E.164 number."
    " Without one, four digits or more match the end of a number: `(415) 555-0164`, `5550164` and `0164` all"
    " find +14155550164. Shorter numbers and other texts match the whole party."
)
_FROM_NUMBER: Final = "Only calls from this number, the caller. Matches as `number` does."
_TO_NUMBER: Final = "Only calls to this number, the called party. Matches as `number` does."
_UPDATED_FROM: Final = (
    "Only calls that changed at or after this time, by `updated_at`, in the same format as `from`. The change"
    " feed at `/api/v1/changes` misses no change and reports what was erased; this filter does not."
)
_UPDATED_TO: Final = (
    "Only calls that changed before this time, by `updated_at`, in the same format as `from`."
)
_PARENT: Final = "Only calls that are legs of the call with this SID: their `parent_call_sid`, exactly."
_Q: Final = (
    "Only calls with all of these words in the summary, or in the transcript for keys with"
    " `transcripts:read`: whole words, in any case and order. A * at the end of a word matches any"
    " continuation."
)
# The list's filters, one row each, with the field of CallFilter that it fills. `store.listing.conditions` has
# the condition and the counters of each; web, client and command line derive their filters from this table.
FILTERS: Final = (
    Parameter(
        "status",
        "statuses",
        "Only calls in any of these states. Repeat the parameter, or separate the states by commas.",
        _STATUS,
        "completed",
        _statuses,
        is_repeatable=True,
    ),
    Parameter(
        "direction",
        "direction",
        "Only calls in this direction: inbound calls come to the tenant, outbound calls leave it.",
        _DIRECTION,
        "outbound",
        one_of(DIRECTIONS),
    ),
    Parameter("from", "from_us", _FROM, TIME_OR_DATE_SCHEMA, "2026-10-01T00:00:00Z", instant_value),
    Parameter("to", "to_us", _TO, TIME_OR_DATE_SCHEMA, "2026-11-01T00:00:00Z", instant_value),
    Parameter("route", "route", "Only calls of this route.", TEXT_SCHEMA, "appointments", text_value),
    Parameter("provider", "provider", "Only calls of this provider.", TEXT_SCHEMA, "twilio", text_value),
    Parameter("agent", "agent", "Only calls of this voice agent.", TEXT_SCHEMA, "scheduler", text_value),
    Parameter(
        "call_sid",
        "call_sid",
        "Only the call with this SID, the provider's id of the call.",
        TEXT_SCHEMA,
        _SID,
        text_value,
    ),
    Parameter(
        "call_sid_prefix",
        "call_sid_prefix",
        _SID_PREFIX_MEANING,
        {**TEXT_SCHEMA, "minLength": MIN_SID_PREFIX_CHARS},
        _SID[:10],
        _sid_prefix,
    ),
    Parameter("number", "number", _NUMBER_MEANING, _PARTY, "+14155550100", number_value),
    Parameter("from_number", "from_number", _FROM_NUMBER, _PARTY, "+14155550100", number_value),
    Parameter("to_number", "to_number", _TO_NUMBER, _PARTY, "+14155550199", number_value),
    Parameter("parent_call_sid", "parent_call_sid", _PARENT, TEXT_SCHEMA, _SID, text_value),
    instant_parameter("updated_from", "updated_from_us", _UPDATED_FROM, "2026-10-01T00:00:00Z"),
    instant_parameter("updated_to", "updated_to_us", _UPDATED_TO, "2026-11-01T00:00:00Z"),
    Parameter(
        "escalated",
        "escalated",
        "Only escalated calls (true), or only others (false).",
        _BOOLEAN,
        "true",
        flag_value,
    ),
    Parameter("q", "q", _Q, TEXT_SCHEMA, "appointment", _search),
)
FILTER_FIELDS: Final = tuple(row.field for row in FILTERS)
WINDOW_FIELDS: Final = ("from_us", "to_us")
# Fields that change how another filter matches, and match nothing by themselves.
_MODIFIERS: Final = ("in_transcripts", "international", "from_international", "to_international")
if {*FILTER_FIELDS, *_MODIFIERS} != set(CallFilter.__struct_fields__):
    message = "each field of CallFilter needs one row in FILTERS, and each row a field"
    raise TypeError(message)


def active_fields(calls: CallFilter) -> tuple[str, ...]:
    """Return the fields that restrict the calls, in the order of the table."""
    return tuple(name for name in FILTER_FIELDS if getattr(calls, name) not in _INACTIVE)


_INACTIVE: Final[tuple[object, ...]] = (None, ())
