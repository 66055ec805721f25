"""Leases on jobs of a tenant that only one process may do at a time.

A lease saves work, it does not guarantee exclusion: a holder that stalls for longer than its lease may go on
at the same time as its successor. So every job must be harmless when it runs twice at once.
"""

from typing import NamedTuple

from calltally.store.db.operation import Statement, StoreOperation


class Lease(NamedTuple):
    """A job of a tenant and its holder; the name of a holder is unique to its process."""

    tenant: str
    job: str
    holder: str


def claim(lease: Lease, *, now_us: int, until_us: int) -> StoreOperation[bool]:
    """Claim a job that is free, expired or already held by this holder. Return False where it is taken."""
    rows = yield Statement("claim_lease", {**lease._asdict(), "now_us": now_us, "until_us": until_us})
    return bool(rows)


def renew(lease: Lease, until_us: int) -> StoreOperation[bool]:
    """Extend a lease. Return False where another holder took the job after the lease expired."""
    rows = yield Statement("renew_lease", {**lease._asdict(), "until_us": until_us})
    return bool(rows)


def release(lease: Lease) -> StoreOperation[None]:
    """Release a job before its lease expires. Does nothing where another holder has it."""
    yield Statement("release_lease", lease._asdict())
