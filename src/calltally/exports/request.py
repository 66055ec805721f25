"""Asking for an export: the state that it is of is pinned down at once, the work is a worker's."""

import secrets
from hashlib import sha256
from uuid import UUID

import msgspec
from msgspec.structs import replace

from calltally.calls.errors import Conflict
from calltally.calls.export_query import ExportQuery
from calltally.calls.filters import ListQuery
from calltally.calls.identity import call_uuid
from calltally.exports.spec import ExportSpec, read_spec
from calltally.store.db.operation import Step
from calltally.store.jobs.jobs import Job, Kind, NewJob, add_job, find_job
from calltally.store.listing.list_calls import View, view_of
from calltally.store.snapshots.holds import pin


def ask_export(
    tenant: str, asked: ExportQuery, key: str | None, now_us: int, *, are_masked: bool = False
) -> Step[Job]:
    """Queue an export, its numbers hidden if they `are_masked`; with a `key` sent before, the job of then.

    Raises Conflict where it was sent with something else, InvalidInput and SnapshotGone for a state that
    cannot be exported, TooManyRequests where too many jobs wait.
    """
    digest = sha256(msgspec.json.encode(asked) + b"masked" * are_masked).hexdigest()
    job = new_job_id() if key is None else job_of_key(tenant, key)
    known = yield from find_job(tenant, job)
    if known is None:
        view = yield from _view(tenant, asked.query, now_us)
        query = replace(asked.query, snapshot=view.token, hold=None)
        spec = ExportSpec(query, asked.partition, asked.name, digest, are_masked)
        new = NewJob(job, Kind.EXPORT, msgspec.json.encode(spec), view.as_of)
        known = yield from add_job(tenant, new, now_us)
    if read_spec(known.spec).asked != digest:
        raise Conflict("this Idempotency-Key was sent with another body before; send a new one")
    return known


def _view(tenant: str, query: ListQuery, now_us: int) -> Step[View]:
    """The state that is asked for; a hold that is not pinned yet is pinned."""
    view = yield from view_of(tenant, query)
    if view is None and query.hold is not None:
        yield from pin(tenant, query.hold, now_us)
        view = yield from view_of(tenant, query)
    if view is None:
        message = "a hold that was just pinned is not there"
        raise RuntimeError(message)
    return view


def new_job_id() -> bytes:
    """16 bytes that no other job has, as a UUID of version 4."""
    return UUID(bytes=secrets.token_bytes(16), version=4).bytes


def job_of_key(tenant: str, key: str) -> bytes:
    """The id that an Idempotency-Key leads to: always the same, in one tenant."""
    return call_uuid(tenant, f"\0export\0{key}")
