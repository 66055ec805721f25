"""Creation of reconciliation jobs; a worker runs them later."""

import secrets
from uuid import UUID

import msgspec

from calltally.reconcile.jobs.spec import ReconciliationSpec
from calltally.store.db.operation import StoreOperation
from calltally.store.jobs.jobs import Job, JobKind, NewJob, add_job, find_job
from calltally.store.snapshots.ledger_head import read_ledger_head


def new_job_id() -> bytes:
    """Return a random job id: the 16 bytes of a UUID of version 4."""
    return UUID(bytes=secrets.token_bytes(16), version=4).bytes


def queue_reconciliation(
    tenant: str, job: bytes, spec: ReconciliationSpec, now_us: int
) -> StoreOperation[Job]:
    """Queue a reconciliation of the calls at the current revision or later. Raises TooManyRequests."""
    revision = (yield from read_ledger_head(tenant)).revision
    new = NewJob(job, JobKind.RECONCILIATION, msgspec.json.encode(spec), revision)
    return (yield from add_job(tenant, new, now_us))


def unknown_jobs(tenant: str, jobs: list[bytes]) -> StoreOperation[list[bytes]]:
    """Return the ids that are no jobs of the tenant."""
    found: list[bytes] = []
    for job in jobs:
        found += [] if (yield from find_job(tenant, job)) else [job]
    return found
