"""Query of the call list: one declared table that parsing and OpenAPI both read (contract, section 1)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from calltally.calls.errors import Fault
from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.calls.parameters import (
    MAX_TEXT_CHARS,
    NUMBER_PATTERN,
    SNAPSHOT_PATTERN,
    Parameter,
    flag_value,
    id_value,
    instant_value,
    number_value,
    one_of,
    quote_value,
    raise_faults,
    range_schema,
    read_all,
    text_matching,
    text_schema,
    text_value,
    token_value,
    whole_number,
    words_schema,
)
from calltally.calls.phone import MAX_NUMBER_CHARS
from calltally.calls.tokenizer import text_words

DEFAULT_LIMIT: Final = 25
MAX_LIMIT: Final = 1_000
MAX_OFFSET: Final = 10**12
MAX_HOLD_CHARS: Final = 100
EXAMPLE_SNAPSHOT: Final = "saeaaaaaaaaaaabf6c5n3h4qjz2mdx7wg"
ORDERS: Final = ("desc", "asc")
FORMATS: Final = ("json", "csv", "ndjson", "parquet", "arrow")

_HOLD_PATTERN: Final = "[A-Za-z0-9._~-]+"
_HOLD: Final = re.compile(_HOLD_PATTERN)
_ZONE_PATTERN: Final = "[A-Za-z][A-Za-z0-9_+/-]*"
_ZONE: Final = re.compile(_ZONE_PATTERN)


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
    number: str | None = None
    escalated: bool | None = None
    q: str | None = None
    # `q` also searches transcripts. Only for keys that may read them.
    in_transcripts: bool = False


class ListQuery(msgspec.Struct, frozen=True):
    """Query of one page of the list: filter, size, offset, order and snapshot.

    `after` is the 16 bytes of a call's id and replaces an offset. `snapshot` and `hold` are as requested.
    Only the ledger can decide whether they are valid. `tz` names a zone.
    """

    filter: CallFilter = CallFilter()
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    order: str = "desc"
    after: bytes | None = None
    snapshot: str | None = None
    hold: str | None = None
    format: str | None = None
    tz: str | None = None
    tenant: str | None = None


def _statuses(text: str) -> tuple[str, ...]:
    unknown = [word for word in text.split(",") if word not in STATUSES]
    if unknown:
        quoted = ", ".join(map(quote_value, unknown[:3]))
        raise ValueError(f"must be one or more of {', '.join(STATUSES)}, not {quoted}")
    return tuple(text.split(","))


def _search(text: str) -> str:
    if not text_words(text_value(text)):
        raise ValueError(f"contains no letter or digit to search for: {quote_value(text)}")
    return text


_LIMIT: Final = range_schema(1, MAX_LIMIT, DEFAULT_LIMIT)
_OFFSET: Final = range_schema(0, MAX_OFFSET, 0)
_ORDER: Final = words_schema(ORDERS, default="desc")
_STATUS: Final = {"type": "array", "minItems": 1, "items": words_schema(STATUSES)}
_DIRECTION: Final = words_schema(DIRECTIONS)
_TEXT: Final = text_schema(MAX_TEXT_CHARS, "^[^\\u0000]+$")
_PARTY: Final = text_schema(MAX_NUMBER_CHARS, f"^(?:{NUMBER_PATTERN})$")
_BOOLEAN: Final = {"type": "boolean"}
_INSTANT: Final = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
_SID: Final = "CA1234567890abcdef1234567890abcdef"
_FROM: Final = "Created at or after this time: RFC 3339 with an offset, or a date (midnight UTC)."
_TO: Final = "Created before this time, in the same format as `from`."
_NUMBER_MEANING: Final = "With this number as either party: E.164, or a short or internal number."
_UUID: Final = {"type": "string", "format": "uuid"}
_CALL_ID: Final = "550e8400-e29b-81d4-a716-446655440000"
_AFTER: Final = "Instead of `offset`: the calls after the call with this id, in the requested order."
_Q: Final = (
    "With all of these words in the summary, or in the transcript for keys with `transcripts:read`: whole"
    " words, in any case and order. A * at the end of a word matches any continuation."
)
_SNAPSHOT: Final = (
    "The `snapshot` of an earlier response: returns the same calls in the same state as in that response."
)
_SNAPSHOT_SCHEMA: Final = {"type": "string", "pattern": f"^{SNAPSHOT_PATTERN}$"}
_HOLD_MEANING: Final = (
    "A name of your choice. Its first use pins a snapshot, and later uses read that snapshot. This lets a"
    " client that can only send fixed parameters page through unchanging results. Choose a new name for each"
    " run."
)
_HOLD_SCHEMA: Final = text_schema(MAX_HOLD_CHARS, f"^{_HOLD_PATTERN}$")
_FORMAT: Final = "Format of the response, for use in links; it takes precedence over the Accept header."
_FORMAT_SCHEMA: Final = words_schema(FORMATS)
_TZ: Final = "IANA time zone of the times in CSV; UTC by default. For CSV only."
_TZ_SCHEMA: Final = text_schema(64, f"^{_ZONE_PATTERN}$")

# The list's filters, one row each, with the field of CallFilter that it fills. `store.listing.conditions` has
# the condition and the counters of each; web, client and command line derive their filters from this table.
FILTERS: Final = (
    Parameter(
        "status",
        "statuses",
        "In any of these states. Repeat the parameter, or separate the states by commas.",
        _STATUS,
        "completed",
        _statuses,
        is_repeatable=True,
    ),
    Parameter(
        "direction",
        "direction",
        "Direction from the tenant's view: inbound calls come to the tenant.",
        _DIRECTION,
        "outbound",
        one_of(DIRECTIONS),
    ),
    Parameter("from", "from_us", _FROM, _INSTANT, "2026-10-01T00:00:00Z", instant_value),
    Parameter("to", "to_us", _TO, _INSTANT, "2026-11-01T00:00:00Z", instant_value),
    Parameter("route", "route", "Of this route.", _TEXT, "appointments", text_value),
    Parameter("provider", "provider", "Of this provider.", _TEXT, "twilio", text_value),
    Parameter("agent", "agent", "Of this voice agent.", _TEXT, "scheduler", text_value),
    Parameter(
        "call_sid", "call_sid", "With this call SID, the provider's id of the call.", _TEXT, _SID, text_value
    ),
    Parameter("number", "number", _NUMBER_MEANING, _PARTY, "+14155550100", number_value),
    Parameter(
        "escalated", "escalated", "Escalated (true) or not escalated (false).", _BOOLEAN, "true", flag_value
    ),
    Parameter("q", "q", _Q, _TEXT, "appointment", _search),
)
PARAMETERS: Final = (
    Parameter("limit", "limit", "The most calls to return.", _LIMIT, "25", whole_number(1, MAX_LIMIT)),
    Parameter("offset", "offset", "How many calls to skip.", _OFFSET, "0", whole_number(0, MAX_OFFSET)),
    *FILTERS,
    Parameter("order", "order", "By creation; desc has the newest first.", _ORDER, "desc", one_of(ORDERS)),
    Parameter("after", "after", _AFTER, _UUID, _CALL_ID, id_value),
    Parameter("snapshot", "snapshot", _SNAPSHOT, _SNAPSHOT_SCHEMA, EXAMPLE_SNAPSHOT, token_value),
    Parameter(
        "hold",
        "hold",
        _HOLD_MEANING,
        _HOLD_SCHEMA,
        "export-2026-10",
        text_matching(_HOLD, "a name of letters, digits and . _ ~ -", MAX_HOLD_CHARS),
    ),
    Parameter("format", "format", _FORMAT, _FORMAT_SCHEMA, "csv", one_of(FORMATS)),
    Parameter(
        "tz", "tz", _TZ, _TZ_SCHEMA, "Europe/Berlin", text_matching(_ZONE, "the name of an IANA zone", 64)
    ),
    Parameter(
        "tenant",
        "tenant",
        "For admin keys: calls of this tenant.",
        _TEXT,
        "acme",
        text_value,
        is_for_admin=True,
    ),
)


FILTER_FIELDS: Final = tuple(row.field for row in FILTERS)
WINDOW_FIELDS: Final = ("from_us", "to_us")
# Fields that change how another filter matches, and match nothing by themselves.
_MODIFIERS: Final = ("in_transcripts",)
if {*FILTER_FIELDS, *_MODIFIERS} != set(CallFilter.__struct_fields__):
    message = "each field of CallFilter needs one row in FILTERS, and each row a field"
    raise TypeError(message)


def active_fields(calls: CallFilter) -> tuple[str, ...]:
    """Return the fields that restrict the calls, in the order of the table."""
    return tuple(name for name in FILTER_FIELDS if getattr(calls, name) not in _INACTIVE)


_INACTIVE: Final[tuple[object, ...]] = (None, ())
_PARAMETER_BY_NAME: Final = {
    is_admin: {each.name: each for each in PARAMETERS if is_admin or not each.is_for_admin}
    for is_admin in (False, True)
}


def parse_list_query(pairs: Sequence[tuple[str, str]], *, allow_tenant: bool) -> ListQuery:
    """Parse the query from decoded name and value pairs; raises InvalidInput with all faults."""
    values, faults = read_all(pairs, _PARAMETER_BY_NAME[allow_tenant])
    raise_faults([*faults, *contradictions(values)])
    return query_of(values)


# Pairs of parameters that exclude each other.
_EXCLUDED: Final = (
    ("after", "offset", "after replaces offset; send only one of them"),
    ("hold", "snapshot", "hold names a snapshot of its own; send only one of them"),
)


def contradictions(values: Mapping[str, Any]) -> Iterable[Fault]:
    """Yield a fault for each combination of values, by field name, that contradicts itself."""
    if "from_us" in values and "to_us" in values and values["from_us"] >= values["to_us"]:
        yield Fault("from", "from must be earlier than to: the window is from <= created_at < to")
    for name, other, why in _EXCLUDED:
        if name in values and other in values:
            yield Fault(name, why)


def query_of(values: dict[str, Any]) -> ListQuery:
    if requested := values.get("statuses"):
        # Sort and deduplicate, so that equivalent requests have the same ETag.
        values["statuses"] = tuple(str(status) for status in STATUSES if status in requested)
    filter_values = {name: values.pop(name) for name in FILTER_FIELDS if name in values}
    return ListQuery(filter=CallFilter(**filter_values), **values)
