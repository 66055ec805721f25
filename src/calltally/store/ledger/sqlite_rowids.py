"""Row ids of calls in SQLite: rows of one tenant and hour are adjacent in the file.

A page of the list has a tenant's calls of one time. In the order of arrival they would lie among the calls of
all tenants: 25 calls of a tenant with one call in a hundred would be on 25 pages of the file, now they are on
seven. A row id has no other meaning: files of older releases, with other row ids, are read as they are.
"""

from functools import lru_cache
from typing import Final
from zlib import crc32

from calltally.calls.times import SECOND_US

_HOUR_US: Final = 3_600 * SECOND_US
# A row id has 63 bits: the tenant, the hour since 1970 (until 2089), and the row within the segment.
_TENANT_BITS: Final = 12
_HOUR_BITS: Final = 20
# `put_calls` contains this number: the end of a segment.
_ROW_BITS: Final = 31


@lru_cache(maxsize=4_096)
def _number_of(tenant: str) -> int:
    """Return the tenant's part of a row id; rows of tenants with the same number are mixed."""
    return (crc32(tenant.encode()) % (1 << _TENANT_BITS)) << _HOUR_BITS


def segment_of(tenant: str, created_us: int) -> int:
    """Return the row id before the segment of a tenant and hour; `put_calls` takes the next free one."""
    return (_number_of(tenant) + created_us // _HOUR_US % (1 << _HOUR_BITS)) << _ROW_BITS
