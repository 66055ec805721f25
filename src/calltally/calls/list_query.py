"""Query of the call list: page size, offset, order, snapshot and filters (contract, section 1).

Parsing and OpenAPI read the same table of parameters.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from calltally.calls.errors import Fault
from calltally.calls.export_formats import CSV, FORMATS
from calltally.calls.filters import FILTER_FIELDS, FILTERS, TEXT_SCHEMA, CallFilter
from calltally.calls.model import STATUSES
from calltally.calls.parameters import (
    SNAPSHOT_PATTERN,
    Parameter,
    id_value,
    one_of,
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

# The page size of every list without `limit`, except lists that declare their own.
DEFAULT_LIMIT: Final = 25
MAX_LIMIT: Final = 1_000
MAX_OFFSET: Final = 10**12
MAX_HOLD_CHARS: Final = 100
EXAMPLE_SNAPSHOT: Final = "saeaaaaaaaaaaabf6c5n3h4qjz2mdx7wg"
ORDERS: Final = ("desc", "asc")
_FORMATS: Final = ("json", *FORMATS)

_HOLD_PATTERN: Final = "[A-Za-z0-9._~-]+"
_HOLD: Final = re.compile(_HOLD_PATTERN)
ZONE_PATTERN: Final = "[A-Za-z][A-Za-z0-9_+/-]*"
_ZONE: Final = re.compile(ZONE_PATTERN)


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


_LIMIT: Final = range_schema(1, MAX_LIMIT, DEFAULT_LIMIT)
_OFFSET: Final = range_schema(0, MAX_OFFSET, 0)
_ORDER: Final = words_schema(ORDERS, default="desc")
_UUID: Final = {"type": "string", "format": "uuid"}
_CALL_ID: Final = "550e8400-e29b-81d4-a716-446655440000"
_AFTER: Final = "Instead of `offset`: the calls after the call with this id, in the requested order."
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
_FORMAT_SCHEMA: Final = words_schema(_FORMATS)
_TZ: Final = "IANA time zone of the times in CSV; UTC by default. For CSV only."
_TZ_SCHEMA: Final = text_schema(64, f"^{ZONE_PATTERN}$")

# Accepted by every operation on a tenant's data, from the admin key only.
TENANT_PARAMETER: Final = Parameter(
    "tenant",
    "tenant",
    "The tenant, for the admin key only. Any other key determines its tenant and must not send it.",
    TEXT_SCHEMA,
    "acme",
    text_value,
    is_for_admin=True,
)
PARAMETERS: Final = (
    Parameter(
        "limit",
        "limit",
        "Maximum number of calls to return.",
        _LIMIT,
        str(DEFAULT_LIMIT),
        whole_number(1, MAX_LIMIT),
    ),
    Parameter("offset", "offset", "Number of calls to skip.", _OFFSET, "0", whole_number(0, MAX_OFFSET)),
    *FILTERS,
    Parameter(
        "order",
        "order",
        "Order by time of creation; desc returns the newest first.",
        _ORDER,
        "desc",
        one_of(ORDERS),
    ),
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
    Parameter("format", "format", _FORMAT, _FORMAT_SCHEMA, CSV.name, one_of(_FORMATS)),
    Parameter(
        "tz", "tz", _TZ, _TZ_SCHEMA, "Europe/Berlin", text_matching(_ZONE, "the name of an IANA zone", 64)
    ),
    TENANT_PARAMETER,
)


_PARAMETER_BY_NAME: Final = {
    is_admin: {each.name: each for each in PARAMETERS if is_admin or not each.is_for_admin}
    for is_admin in (False, True)
}


def parse_list_query(pairs: Sequence[tuple[str, str]], *, allow_tenant: bool) -> ListQuery:
    """Parse the query from decoded name and value pairs; raises InvalidInput with all faults."""
    values, faults = read_all(pairs, _PARAMETER_BY_NAME[allow_tenant])
    raise_faults([*faults, *contradictions(values)])
    return query_of(values)


# After every time that a parameter can have.
_NEVER_US: Final = 2**62
# Pairs of parameters that exclude each other.
_EXCLUDED: Final = (
    ("after", "offset", "after replaces offset; send only one of them"),
    ("hold", "snapshot", "hold names a snapshot of its own; send only one of them"),
)


def contradictions(values: Mapping[str, Any]) -> Iterable[Fault]:
    """Yield a fault for each combination of values, by field name, that contradicts itself."""
    if "from_us" in values and "to_us" in values and values["from_us"] >= values["to_us"]:
        yield Fault("from", "from must be earlier than to: the window is from <= created_at < to")
    if "updated_from_us" in values and values["updated_from_us"] >= values.get("updated_to_us", _NEVER_US):
        yield Fault("updated_from", "updated_from must be earlier than updated_to")
    for name, other, why in _EXCLUDED:
        if name in values and other in values:
            yield Fault(name, why)


def query_of(values: dict[str, Any]) -> ListQuery:
    if requested := values.get("statuses"):
        # Sort and deduplicate, so that equivalent requests have the same ETag.
        values["statuses"] = tuple(str(status) for status in STATUSES if status in requested)
    filter_values = {name: values.pop(name) for name in FILTER_FIELDS if name in values}
    return ListQuery(filter=CallFilter(**filter_values), **values)
