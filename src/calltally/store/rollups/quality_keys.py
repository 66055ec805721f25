"""Keys and grains of the quality roll-ups: the rows in which a call is counted."""

from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, TypeAlias

import msgspec

from calltally.calls.measures import CallMeasures
from calltally.store.rollups.call_counters import CallDimensions

DAY, HOUR, FINE, FINE_DAY = 1, 2, 3, 4
WIDTH_S: Final = {DAY: 86_400, HOUR: 3_600, FINE: 3_600, FINE_DAY: 86_400}
# Columns that identify a row, in the order of a RowId.
ID_COLUMNS: Final = ("tenant", "grain", "bucket_s", "key")
COARSE_KEYS: Final = ("direction", "route", "provider")
FINE_KEYS: Final = (*COARSE_KEYS, "agent", "provider_account", "end_reason", "country")
_KEY_BYTES: Final = 16

Keys: TypeAlias = tuple[int, str, str, str, str, str, str]
# Tenant, grain, bucket and the hash of the keys.
RowId: TypeAlias = tuple[str, int, int, bytes]


def fine_keys(dimensions: CallDimensions, measured: CallMeasures) -> Keys:
    """Return the keys of a call's row."""
    _tenant, _created_us, _status, direction, route, agent, provider = dimensions
    account, end_reason, country = measured.provider_account, measured.end_reason, measured.country
    return (direction, route or "", provider or "", agent or "", account, end_reason, country)


def coarse_keys(keys: Keys) -> Keys:
    """Return the keys of the coarser row."""
    return (*keys[:3], "", "", "", "")


@lru_cache(maxsize=4_096)
def key_of(keys: Keys) -> bytes:
    """Return a hash of keys, which themselves can be too long for an index of PostgreSQL."""
    return blake2b(msgspec.msgpack.encode(keys), digest_size=_KEY_BYTES).digest()


def named(row: RowId) -> dict[str, Any]:
    """Return the parameters that identify a row."""
    return dict(zip(ID_COLUMNS, row, strict=True))
