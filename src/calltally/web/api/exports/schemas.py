"""Exports in the API. Times are RFC 3339 in UTC."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from calltally.calls.export_formats import FORMATS
from calltally.calls.export_query import EXPORT_FIELDS, PARTITIONS
from calltally.calls.filters import FILTERS, WINDOW_FIELDS, CallFilter, active_fields
from calltally.calls.identity import uuid_text
from calltally.calls.list_query import ORDERS
from calltally.calls.times import utc_text
from calltally.calls.wire_types import Timestamp, UuidText
from calltally.exports.spec import ExportSpec, read_outcome, read_progress, read_spec
from calltally.store.jobs.jobs import Job, JobFile, JobState
from calltally.web.api.jobs import CreationWindow, JobError, job_fields
from calltally.web.openapi.operation import Schema
from calltally.web.response.paging import PageFields

PATH: Final = "/api/v1/exports"

_State = Annotated[str, Meta(extra_json_schema={"enum": list(JobState)})]
_Format = Annotated[str, Meta(extra_json_schema={"enum": list(FORMATS)})]
_Order = Annotated[str, Meta(extra_json_schema={"enum": list(ORDERS)})]
_Partition = Annotated[str, Meta(extra_json_schema={"enum": list(PARTITIONS)})]


class ManifestFile(msgspec.Struct, frozen=True):
    """A complete file."""

    name: str
    rows: int
    bytes: int
    sha256: str


class ExportFile(ManifestFile, frozen=True):
    """A complete file. `sha256` is hexadecimal; `href` is its URL."""

    href: str


class ExportJob(msgspec.Struct, frozen=True):
    """One export. `rows` is the number of calls, null until counted; `rows_done` the number written.

    `filters` maps each set filter to its values. `expires_at` is when the files expire, and when an export
    that ended without files is forgotten; null while it is open.
    """

    id: UuidText
    state: _State
    name: str | None
    format: _Format
    order: _Order
    tz: str | None
    partition: _Partition | None
    window: CreationWindow
    filters: dict[str, list[str]]
    snapshot: str
    rows: int | None
    rows_done: int
    files: list[ExportFile]
    manifest: str
    created_at: Timestamp
    updated_at: Timestamp
    expires_at: Timestamp | None
    error: JobError | None


class ExportList(PageFields, frozen=True):
    """A page of exports, newest first."""

    data: list[ExportJob]


class ExportManifest(msgspec.Struct, frozen=True):
    """Manifest of an export. `by_status` adds up to `rows`; `erased` counts calls that were erased before."""

    window: CreationWindow
    filters: dict[str, list[str]]
    format: _Format
    order: _Order
    tz: str | None
    partition: _Partition | None
    snapshot: str
    complete: bool
    rows: int
    by_status: dict[str, int]
    files: list[ManifestFile]


def body_schema() -> Schema:
    """Return the JSON schema of the body, from the table that parses it."""
    fields: dict[str, Any] = {}
    for each in EXPORT_FIELDS:
        schema = dict(each.schema)
        kinds = [schema["items"], schema] if each.is_repeatable else [schema]
        fields[each.name] = {"description": each.meaning, "anyOf": [*kinds, {"type": "null"}]}
    return {
        "title": "ExportBody",
        "description": "An export: the filters of the list, and the form of the files.",
        "type": "object",
        "properties": fields,
        "additionalProperties": False,
    }


def export_resource(job: Job, files: Sequence[JobFile], base: str) -> ExportJob:
    """Convert a job into its API representation; `base` is the prefix of its links."""
    spec, progress = read_spec(job.spec), read_progress(job.progress)
    outcome = read_outcome(job.outcome)
    href = f"{base}{PATH}/{uuid_text(job.job)}"
    return ExportJob(
        **job_fields(job, outcome.error),
        name=spec.name,
        **_settings(spec),
        snapshot=spec.snapshot,
        rows=progress.total,
        rows_done=progress.rows,
        files=[
            ExportFile(each.name, each.rows, each.size, each.sha256.hex(), f"{href}/files/{each.name}")
            for each in files
        ],
        manifest=f"{href}/manifest.json",
    )


def export_manifest(job: Job, files: Sequence[JobFile]) -> ExportManifest:
    spec, progress = read_spec(job.spec), read_progress(job.progress)
    return ExportManifest(
        **_settings(spec),
        snapshot=spec.snapshot,
        complete=job.state is JobState.COMPLETE,
        rows=progress.rows,
        by_status=dict(sorted(progress.by_status.items())),
        files=[ManifestFile(each.name, each.rows, each.size, each.sha256.hex()) for each in files],
    )


def _settings(spec: ExportSpec) -> dict[str, Any]:
    query = spec.query
    bounds = (query.filter.from_us, query.filter.to_us)
    return {
        "format": query.format,
        "order": query.order,
        "tz": query.tz,
        "partition": spec.partition,
        "window": CreationWindow(*(None if each is None else utc_text(each) for each in bounds)),
        "filters": filter_values(query.filter),
    }


def filter_values(calls: CallFilter) -> dict[str, list[str]]:
    """Return the set filters by their parameter names, without the window."""
    fields = {*active_fields(calls)} - {*WINDOW_FIELDS}
    return {row.name: _texts(getattr(calls, row.field)) for row in FILTERS if row.field in fields}


def _texts(value: Any) -> list[str]:  # noqa: ANN401 (the value of a filter)
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, int):
        # The only whole numbers of filters are times.
        return [utc_text(value)]
    return list(value) if isinstance(value, tuple) else [str(value)]
