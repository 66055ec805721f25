"""Where a call's row lies in SQLite's file: those of one tenant and hour beside each other.

A page of the list has a tenant's calls of one time. In the order in which they came they would lie among
those of all others: a page of 25 of a tenant that has one call in a hundred would be on 25 pages of the file,
now it is on seven. Where a row lies means nothing: a file in which rows lie otherwise, as an older release
left them, is read as it is.
"""

from functools import lru_cache
from typing import Final
from zlib import crc32

from calltally.calls.times import SECOND_US

_HOUR_US: Final = 3_600 * SECOND_US
# A row's number has 63 bits: of the tenant, of the hour since 1970 (until 2089), of the rows of a segment.
_TENANT_BITS: Final = 12
_HOUR_BITS: Final = 20
# `put_calls` has this as a number: where a segment ends.
_ROW_BITS: Final = 31


@lru_cache(maxsize=4_096)
def _number_of(tenant: str) -> int:
    """Two tenants of the same number have their rows among each other's, as all had before."""
    return (crc32(tenant.encode()) % (1 << _TENANT_BITS)) << _HOUR_BITS


def segment_of(tenant: str, created_us: int) -> int:
    """The number behind which the rows of that tenant and hour begin: `put_calls` takes the next free one."""
    return (_number_of(tenant) + created_us // _HOUR_US % (1 << _HOUR_BITS)) << _ROW_BITS
