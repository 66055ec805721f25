"""Reconciliations in the API. Times are RFC 3339 in UTC."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from calltally.calls.identity import uuid_text
from calltally.calls.times import utc_text
from calltally.calls.wire_types import TimeOrDate, Timestamp, UuidText
from calltally.providers.registry import FETCHERS
from calltally.reconcile.findings import Finding
from calltally.reconcile.jobs.spec import Against, ReconciliationSpec, read_outcome, read_spec
from calltally.store.jobs.jobs import Job, JobState
from calltally.web.api.jobs import CreationWindow, JobError, job_fields
from calltally.web.response.paging import PageFields

PATH: Final = "/api/v1/reconciliations"
MOST_SECONDS: Final = 30 * 86_400

# A whole number in JSON may have a decimal point: 2.0 equals 2.
_Seconds = Annotated[float, Meta(ge=0, le=MOST_SECONDS, multiple_of=1)]
_State = Annotated[str, Meta(extra_json_schema={"enum": list(JobState)})]
_Source = Annotated[str, Meta(extra_json_schema={"enum": list(Against)})]


class ReconciliationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A comparison with a provider's list: calls created from `from` to before `to`, RFC 3339 or a date.

    Durations that differ by at most `tolerance_seconds` are equal.
    """

    against: Annotated[str, Meta(extra_json_schema={"enum": [Against.PROVIDER.value]})]
    provider: Annotated[str, Meta(extra_json_schema={"enum": sorted(FETCHERS)})]
    from_: TimeOrDate
    to: TimeOrDate
    heal: bool = False
    deliver: bool = False
    tolerance_seconds: _Seconds = 1


class ReconciliationTerms(msgspec.Struct, frozen=True):
    """Settings of the comparison; null if a setting does not apply."""

    tolerance_seconds: int | None
    late_seconds: int | None
    grace_seconds: int | None


class ReconciliationJob(msgspec.Struct, frozen=True):
    """One reconciliation.

    `counts` is the exact number of findings of each kind; `looked_at` the number of compared objects;
    `healed` the outcomes of healing, null without healing. `clean`: no findings; null until it is complete.
    `findings` is their URL; null if there will be none. `expires_at` is when the findings expire, and when a
    reconciliation that ended without findings is forgotten; null while it is open.
    """

    id: UuidText
    state: _State
    against: _Source
    provider: str | None
    window: CreationWindow
    terms: ReconciliationTerms
    heal: bool
    deliver: bool
    counts: dict[str, int]
    looked_at: dict[str, int]
    healed: dict[str, int] | None
    clean: bool | None
    findings: str | None
    created_at: Timestamp
    updated_at: Timestamp
    expires_at: Timestamp | None
    error: JobError | None


class ReconciliationList(PageFields, frozen=True):
    """A page of reconciliations, newest first."""

    data: list[ReconciliationJob]


class FindingList(PageFields, frozen=True):
    """A page of findings, in the order of their discovery."""

    data: list[Finding]


class FindingPage(PageFields, frozen=True):
    """A page of findings that are JSON already."""

    data: list[msgspec.Raw]


def reconciliation_resource(job: Job, base: str) -> ReconciliationJob:
    """Convert a job into its API representation; `base` is the prefix of its links."""
    spec, outcome = read_spec(job.spec), read_outcome(job.outcome)
    is_complete = job.state in {JobState.COMPLETE, JobState.EXPIRED}
    has_no_findings = job.state in {JobState.FAILED, JobState.CANCELED}
    return ReconciliationJob(
        **job_fields(job, outcome.error),
        **_settings(spec),
        counts=outcome.counts,
        looked_at=outcome.looked_at,
        healed=outcome.healed,
        clean=not outcome.counts if is_complete else None,
        findings=None if has_no_findings else f"{base}{PATH}/{uuid_text(job.job)}/findings",
    )


def _settings(spec: ReconciliationSpec) -> dict[str, Any]:
    is_against_events = spec.against is Against.EVENTS
    return {
        "against": spec.against.value,
        "provider": spec.provider,
        "window": CreationWindow(utc_text(spec.from_us), utc_text(spec.to_us)),
        "terms": ReconciliationTerms(
            None if is_against_events else spec.tolerance_s,
            spec.late_s if is_against_events else None,
            spec.grace_s if is_against_events else None,
        ),
        "heal": spec.heal,
        "deliver": spec.deliver,
    }
