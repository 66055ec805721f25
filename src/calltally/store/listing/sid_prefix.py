"""Filter by the beginning of a call SID. The matching SIDs are looked up first, which bounds the work."""

from typing import Final

import msgspec

from calltally.calls.errors import InvalidInput
from calltally.calls.filters import MAX_PREFIXED_SIDS
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.listing.refold_as_of import ids_as_of

# The last character: no SID that begins with the prefix comes after the prefix with it.
_LAST: Final = "\U0010ffff"


def prefix_param(tenant: str, prefix: str, as_of: int | None) -> StoreOperation[str]:
    """Return the ids of the calls in JSON, as hexadecimal text.

    A linked SID leads to its call as of the revision. Raises InvalidInput if too many SIDs match.
    """
    rows = yield Statement("nodes_of_prefix", _range(tenant, prefix, MAX_PREFIXED_SIDS + 1))
    if len(rows) > MAX_PREFIXED_SIDS:
        detail = f"more than {MAX_PREFIXED_SIDS:,} call SIDs begin with {prefix!r}; send more characters"
        raise InvalidInput.of("call_sid_prefix", detail)
    if as_of is None or not rows:
        ids = {bytes(row[1]) for row in rows}
    else:
        ids = set((yield from ids_as_of(tenant, as_of, {bytes(row[0]) for row in rows})))
    return msgspec.json.encode(sorted(each.hex() for each in ids)).decode()


def has_prefix(tenant: str, prefix: str) -> StoreOperation[bool]:
    """Return true if a call SID has this prefix."""
    return bool((yield Statement("nodes_of_prefix", _range(tenant, prefix, 1))))


def _range(tenant: str, prefix: str, most: int) -> dict[str, object]:
    return {"tenant": tenant, "prefix": prefix, "prefix_end": prefix + _LAST, "most": most}
