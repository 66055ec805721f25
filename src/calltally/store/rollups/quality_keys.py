"""Which rows of the roll-ups a call stands in: their grains, and the keys by which they tell calls apart."""

from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, TypeAlias

import msgspec

from calltally.calls.measures import CallMeasures
from calltally.store.rollups.call_counters import Place

DAY, HOUR, FINE, FINE_DAY = 1, 2, 3, 4
WIDTH_S: Final = {DAY: 86_400, HOUR: 3_600, FINE: 3_600, FINE_DAY: 86_400}
# What finds a row, in the order of a RowId.
NAMED: Final = ("tenant", "grain", "bucket_s", "key")
COARSE_KEYS: Final = ("direction", "route", "provider")
FINE_KEYS: Final = (*COARSE_KEYS, "agent", "provider_account", "end_reason", "country")
_KEY_BYTES: Final = 16

Keys: TypeAlias = tuple[int, str, str, str, str, str, str]
# Which row: tenant, grain, bucket and the hash of its keys.
RowId: TypeAlias = tuple[str, int, int, bytes]


def fine_keys(place: Place, measured: CallMeasures) -> Keys:
    """The keys of the row in which a call stands."""
    _tenant, _created_us, _status, direction, route, agent, provider = place
    account, end_reason, country = measured.provider_account, measured.end_reason, measured.country
    return (direction, route or "", provider or "", agent or "", account, end_reason, country)


def coarse_keys(keys: Keys) -> Keys:
    """The keys of the row of less detail."""
    return (*keys[:3], "", "", "", "")


@lru_cache(maxsize=4_096)
def key_of(keys: Keys) -> bytes:
    """A hash of keys: as themselves they could be longer than an index of PostgreSQL takes."""
    return blake2b(msgspec.msgpack.encode(keys), digest_size=_KEY_BYTES).digest()


def named(row: RowId) -> dict[str, Any]:
    """A row as the parameters that find it."""
    return dict(zip(NAMED, row, strict=True))
