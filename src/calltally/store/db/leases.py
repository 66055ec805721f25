"""Who does a job of a tenant that only one process may do at a time, and until when.

A lease spares work, it does not make it safe: whoever was held up for longer than the lease runs may go
on beside the next one. So every job must be harmless when it is done twice at once.
"""

from typing import NamedTuple

from calltally.store.db.operation import Statement, StoreOperation


class Lease(NamedTuple):
    """A job of a tenant in the hands of one holder, whose name no other process has."""

    tenant: str
    job: str
    holder: str


def claim(lease: Lease, *, now_us: int, until_us: int) -> StoreOperation[bool]:
    """Take a job until then, if it is free, its time is up or it is ours; says whether it is ours now."""
    rows = yield Statement("claim_lease", {**lease._asdict(), "now_us": now_us, "until_us": until_us})
    return bool(rows)


def renew(lease: Lease, until_us: int) -> StoreOperation[bool]:
    """Keep a job for longer; False where somebody took it after its time was up."""
    rows = yield Statement("renew_lease", {**lease._asdict(), "until_us": until_us})
    return bool(rows)


def release(lease: Lease) -> StoreOperation[None]:
    """Leave a job to others before its time is up; nothing where it is not ours any more."""
    yield Statement("release_lease", lease._asdict())
