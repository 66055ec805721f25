"""Creation of export jobs: the snapshot is pinned at once, a worker writes the files later."""

from hashlib import sha256
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from calltally.calls.errors import Conflict
from calltally.calls.export_query import ExportQuery
from calltally.calls.identity import call_uuid
from calltally.calls.list_query import ListQuery
from calltally.exports.spec import ExportSpec, read_spec
from calltally.store.db.operation import StoreOperation
from calltally.store.jobs.jobs import Job, JobKind, NewJob, add_job, find_job
from calltally.store.listing.list_calls import LedgerView, view_of
from calltally.store.snapshots.holds import pin_hold


def queue_export(
    tenant: str, request: ExportQuery, key: str | None, now_us: int, *, are_masked: bool = False
) -> StoreOperation[Job]:
    """Queue an export and return its job. A repeated idempotency `key` returns the first request's job.

    With `are_masked` the phone numbers are masked. Raises Conflict if the key was sent with another request,
    InvalidInput and SnapshotGone for a snapshot that cannot be exported, TooManyRequests for too many open
    jobs.
    """
    digest = sha256(msgspec.json.encode(request) + b"masked" * are_masked).hexdigest()
    # An Idempotency-Key of a tenant always gives the same id.
    job = uuid4().bytes if key is None else call_uuid(tenant, f"\0export\0{key}")
    found = yield from find_job(tenant, job)
    if found is None:
        view = yield from _view(tenant, request.query, now_us)
        query = replace(request.query, snapshot=view.token, hold=None)
        spec = ExportSpec(query, request.partition, request.name, digest, are_masked)
        new = NewJob(job, JobKind.EXPORT, msgspec.json.encode(spec), view.as_of)
        found = yield from add_job(tenant, new, now_us)
    if read_spec(found.spec).request_digest != digest:
        raise Conflict("this Idempotency-Key was already used with another body; send a new key")
    return found


def _view(tenant: str, query: ListQuery, now_us: int) -> StoreOperation[LedgerView]:
    """Return the requested state. Pins a hold that is not pinned yet."""
    view = yield from view_of(tenant, query)
    if view is None and query.hold is not None:
        yield from pin_hold(tenant, query.hold, now_us)
        view = yield from view_of(tenant, query)
    if view is None:
        message = "a hold that was just pinned does not exist"
        raise RuntimeError(message)
    return view
