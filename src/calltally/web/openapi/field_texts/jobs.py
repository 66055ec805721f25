"""Fields of exports and reconciliations."""

from collections.abc import Mapping
from typing import Final

from calltally.web.openapi.field_texts.shared import CALL_ID, CALL_SID, CREATED, PAGE, UPDATED

_JOB: Final = {
    "created_at": CREATED,
    "updated_at": UPDATED,
    "expires_at": "Time at which the files expire. A job that ended without files is forgotten then. Null"
    " while the job is open.",
    "error": "The error of a failed job; null otherwise.",
}
_SETTINGS: Final = {
    "format": "The format of the files.",
    "order": "The order of the calls by their creation: `asc` has the oldest first.",
    "tz": "The IANA time zone of the times in CSV files; null for UTC.",
    "partition": "The period of each file; null for one file.",
    "window": "The window on the creation of the calls.",
    "filters": "The values of each filter that the export has, by the filter's name.",
    "snapshot": "The snapshot that the export reads.",
}
_FILE: Final = {
    "name": "The name of the file.",
    "rows": "The number of calls in the file.",
    "bytes": "The size of the file in bytes.",
    "sha256": "The SHA-256 of the file, in hexadecimal.",
}

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "JobError": {
        "slug": "The kind of the error, which `/docs/problems` explains.",
        "detail": "The cause of the error.",
    },
    "ManifestFile": _FILE,
    "ExportFile": {**_FILE, "href": "The URL of the file."},
    "ExportJob": {
        **_JOB,
        **_SETTINGS,
        "id": "The export's id.",
        "state": "The state of the export.",
        "name": "The label of the export, for people; null without one.",
        "rows": "The number of calls; null until they are counted.",
        "rows_done": "The number of calls that are written.",
        "files": "The files; empty until the export is complete.",
        "manifest": "The URL of the manifest.",
    },
    "ExportList": {**PAGE, "data": "The exports of this page, newest first."},
    "ExportManifest": {
        **_SETTINGS,
        "complete": "True if the export is complete. If not, the counts are those so far.",
        "rows": "The number of written calls.",
        "by_status": "The number of written calls by state; the sum is `rows`.",
        "files": "The files of the export.",
    },
    "ReconciliationTerms": {
        "tolerance_seconds": "The difference up to which two durations are equal; null for a comparison with"
        " events.",
        "late_seconds": "The age from which an event counts as late; null for a comparison with a provider.",
        "grace_seconds": "The time that an event may take to arrive; null for a comparison with a provider.",
    },
    "ReconciliationJob": {
        **_JOB,
        "id": "The reconciliation's id.",
        "state": "The state of the reconciliation.",
        "against": "The source that the calls are compared with.",
        "provider": "The compared provider; null for a comparison with events.",
        "window": "The window on the creation of the calls.",
        "terms": "The settings of the comparison.",
        "heal": "True if the provider's data of calls with findings is recorded in the ledger.",
        "deliver": "True if webhook endpoints receive the events of healed calls.",
        "counts": "The exact number of findings by kind.",
        "looked_at": "The number of compared objects by kind, such as `calls` and `listed`.",
        "healed": "The number of facts by the outcome of healing; null without healing.",
        "clean": "True if there are no findings; null until the reconciliation is complete.",
        "findings": "The URL of the findings; null if there will be none.",
    },
    "ReconciliationBody": {
        "against": "The source to compare with: `provider` for a JSON body.",
        "provider": "The provider whose list of calls is read.",
        "from": "Calls created at or after this time: RFC 3339 with an offset, or a date (midnight UTC).",
        "to": "Calls created before this time, in the same format as `from`.",
        "heal": "Record the provider's data of calls with findings in the ledger. Needs `events:write` too.",
        "deliver": "Send the events of healed calls to webhook endpoints. Only with `heal`.",
        "tolerance_seconds": "The difference up to which two durations are equal.",
    },
    "ReconciliationList": {**PAGE, "data": "The reconciliations of this page, newest first."},
    "Finding": {
        "kind": "The kind of the finding.",
        "detail": "The finding in a sentence.",
        "call_id": CALL_ID + " Null if the finding concerns no single call.",
        "call_sid": CALL_SID + " Null if the finding concerns no single call.",
        "ours": "The value of the record: a state, or a duration in seconds; null if there is none.",
        "theirs": "The value of the other source: a state, or a duration in seconds; null if there is none.",
        "event_ids": "The ids of the events that the finding concerns.",
        "times": "The times that the finding concerns, by name.",
    },
    "FindingList": {**PAGE, "data": "The findings of this page, in the order of their discovery."},
}
