"""The query of the call list: one declared table that parsing and OpenAPI both read (contract, section 1)."""

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
    """Which calls of a tenant are meant; a field that is None or empty asks for nothing."""

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
    # Whether `q` may be found in what was said: for keys that may read it.
    in_transcripts: bool = False


class ListQuery(msgspec.Struct, frozen=True):
    """One page of the list: which calls, how many, from where, in which order of time, as of when.

    `after` is the 16 bytes of a call's id, which stand in place of an offset. `snapshot` and `hold` are
    as they came: only the ledger can tell whether they still mean something. `tz` names a zone.
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
        named = ", ".join(map(quote_value, unknown[:3]))
        raise ValueError(f"must be one or more of {', '.join(STATUSES)}, not {named}")
    return tuple(text.split(","))


def _search(text: str) -> str:
    if not text_words(text_value(text)):
        raise ValueError(f"has no letter and no digit to find: {quote_value(text)}")
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
_TO: Final = "Created before this time; written as `from` is."
_NUMBER_MEANING: Final = "With this number at either end: E.164, or a short or internal one."
_UUID: Final = {"type": "string", "format": "uuid"}
_CALL_ID: Final = "550e8400-e29b-81d4-a716-446655440000"
_AFTER: Final = "In place of `offset`: the calls that follow the one of this id, in the order asked for."
_Q: Final = (
    "With all of these words in the summary, or in the transcript for keys with `transcripts:read`: whole"
    " words, in any case and order; a * ends one that is only begun."
)
_SNAPSHOT: Final = "The `snapshot` of an earlier answer: the same calls in the same state as then."
_SNAPSHOT_SCHEMA: Final = {"type": "string", "pattern": f"^{SNAPSHOT_PATTERN}$"}
_HOLD_MEANING: Final = (
    "A name of your choice. Its first use pins a snapshot, later uses read it, so that a client that can only"
    " send a fixed parameter pages through a window that holds still. Choose a new name for each run."
)
_HOLD_SCHEMA: Final = text_schema(MAX_HOLD_CHARS, f"^{_HOLD_PATTERN}$")
_FORMAT: Final = "What to answer with, for links; wins over Accept."
_FORMAT_SCHEMA: Final = words_schema(FORMATS)
_TZ: Final = "The IANA zone in which CSV has its times; UTC if left out. For CSV only."
_TZ_SCHEMA: Final = text_schema(64, f"^{_ZONE_PATTERN}$")

PARAMETERS: Final = (
    Parameter("limit", "limit", "The most calls to return.", _LIMIT, "25", whole_number(1, MAX_LIMIT)),
    Parameter("offset", "offset", "How many calls to pass over.", _OFFSET, "0", whole_number(0, MAX_OFFSET)),
    Parameter(
        "status",
        "statuses",
        "In any of these states; repeat it, or separate by commas.",
        _STATUS,
        "completed",
        _statuses,
        repeatable=True,
    ),
    Parameter(
        "direction",
        "direction",
        "Seen from the tenant: inbound came to it.",
        _DIRECTION,
        "outbound",
        one_of(DIRECTIONS),
    ),
    Parameter("from", "from_us", _FROM, _INSTANT, "2026-10-01T00:00:00Z", instant_value),
    Parameter("to", "to_us", _TO, _INSTANT, "2026-11-01T00:00:00Z", instant_value),
    Parameter("order", "order", "By creation; desc has the newest first.", _ORDER, "desc", one_of(ORDERS)),
    Parameter("route", "route", "Of this route.", _TEXT, "appointments", text_value),
    Parameter("provider", "provider", "Of this provider.", _TEXT, "twilio", text_value),
    Parameter("agent", "agent", "Of this voice agent.", _TEXT, "scheduler", text_value),
    Parameter("call_sid", "call_sid", "With this id of the provider's.", _TEXT, _SID, text_value),
    Parameter("number", "number", _NUMBER_MEANING, _PARTY, "+14155550100", number_value),
    Parameter("escalated", "escalated", "Escalated, or not.", _BOOLEAN, "true", flag_value),
    Parameter("q", "q", _Q, _TEXT, "appointment", _search),
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
    Parameter("tenant", "tenant", "For admins: whose calls.", _TEXT, "acme", text_value, for_admin=True),
)


_KNOWN: Final = {
    may_name: {each.name: each for each in PARAMETERS if may_name or not each.for_admin}
    for may_name in (False, True)
}


def parse_list_query(pairs: Sequence[tuple[str, str]], *, allow_tenant: bool) -> ListQuery:
    """The query that decoded name and value pairs ask for; raises InvalidInput with every fault in it."""
    values, faults = read_all(pairs, _KNOWN[allow_tenant])
    raise_faults([*faults, *contradictions(values)])
    return query_of(values)


# What cannot both be meant.
_EXCLUDED: Final = (
    ("after", "offset", "after stands in place of an offset; send one of them"),
    ("hold", "snapshot", "hold names a snapshot of its own; send one of them"),
)


def contradictions(values: Mapping[str, Any]) -> Iterable[Fault]:
    """What of the values that were read, by the fields that they fill, cannot be meant together."""
    if "from_us" in values and "to_us" in values and values["from_us"] >= values["to_us"]:
        yield Fault("from", "from must be earlier than to: the window is from <= created_at < to")
    for name, other, why in _EXCLUDED:
        if name in values and other in values:
            yield Fault(name, why)


def query_of(values: dict[str, Any]) -> ListQuery:
    """The query of such values."""
    if asked := values.get("statuses"):
        # In one order, however they were asked for: the same question has the same ETag.
        values["statuses"] = tuple(str(status) for status in STATUSES if status in asked)
    of_filter = {name: values.pop(name) for name in CallFilter.__struct_fields__ if name in values}
    return ListQuery(filter=CallFilter(**of_filter), **values)
