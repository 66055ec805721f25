"""Reconciliation requests over HTTP: refusals, permissions, pages of findings, and ends of jobs."""

import os
from typing import Any

import msgspec
import pytest

from calltally.calls.times import DAY_US, SECOND_US
from calltally.reconcile.findings import Finding
from calltally.store.jobs.jobs import MAX_OPEN_JOBS, JobKind, NewJob, add_job
from calltally.store.maintenance.erasure import erase_call
from calltally.web import middleware
from calltally.web.api.reconciliations.handlers import post_reconciliation
from calltally.web.request.bodies import MAX_EVENTS_BYTES
from tests.conftest import TENANT, Bench
from tests.integration.reconciliations.reconciling import (
    KEPT_US,
    PATH,
    WINDOW,
    Desk,
    callback_fact,
    event,
    lines,
)
from tests.integration.web.service import ADMIN, Service, slug
from tests.provider_month import MONTH_US
from tests.twilio_api import resource

DAY = MONTH_US + DAY_US
EVENTS = lines([event(1, "CA1", DAY)])
only_sqlite = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)


def listed(desk: Desk, calls: int) -> None:
    """List calls at the provider that we do not have."""
    made = [resource(f"CA{number:032x}", DAY + number * SECOND_US) for number in range(calls)]
    desk.api.calls = {call["sid"]: call for call in made}


def test_response_has_location_and_parsed_request(desk: Desk) -> None:
    answer = desk.request(tolerance_seconds=5)
    result = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"{PATH}/{result['id']}"
    assert (result["state"], result["against"], result["provider"]) == ("queued", "provider", "twilio")
    assert result["window"] == WINDOW
    assert result["terms"] == {"tolerance_seconds": 5, "late_seconds": None, "grace_seconds": None}
    assert (result["counts"], result["clean"], result["expires_at"], result["error"]) == (
        {},
        None,
        None,
        None,
    )
    assert result == desk.result(result["id"])
    assert desk.service.get(result["findings"]).status_code == 404
    desk.work()
    later = desk.result(result["id"])
    assert (later["state"], later["clean"]) == ("complete", True)
    assert desk.service.get(later["findings"]).json() == {"data": [], "limit": 100, "offset": 0, "total": 0}


@pytest.mark.parametrize(
    ("changes", "at_fault"),
    [
        ({"against": "events"}, ["against"]),
        ({"provider": "other"}, ["provider"]),
        ({"from": "yesterday", "to": 5}, ["to"]),
        ({"from": "yesterday", "to": "2026-10-01T00:00:00"}, ["from", "to"]),
        ({"from": "2026-11-01"}, ["from"]),
        ({"deliver": True}, ["deliver"]),
        ({"heal": "yes"}, ["heal"]),
        ({"tolerance_seconds": -1}, ["tolerance_seconds"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
@only_sqlite
def test_invalid_fields_are_refused_by_name(desk: Desk, changes: dict[str, Any], at_fault: list[str]) -> None:
    answer = desk.request(**changes)
    assert (answer.status_code, slug(answer)) == (400, "invalid-body")
    assert [each["parameter"] for each in answer.json()["errors"]] == at_fault
    assert desk.service.get(PATH).json()["total"] == 0


@pytest.mark.parametrize(
    ("terms", "at_fault"),
    [
        ({"against": "provider"}, ["against"]),
        ({"late_seconds": "5m"}, ["late_seconds"]),
        ({"colour": "red"}, ["colour"]),
        ({"from": "2026-11-01"}, ["from"]),
        ({"from": "yesterday"}, ["from"]),
        ({"provider": "twilio"}, ["provider"]),
    ],
)
@only_sqlite
def test_invalid_terms_of_event_uploads_are_refused_by_name(
    desk: Desk, terms: dict[str, Any], at_fault: list[str]
) -> None:
    answer = desk.upload(EVENTS, **terms)
    assert (answer.status_code, slug(answer)) == (400, "invalid-parameter")
    assert [each["parameter"] for each in answer.json()["errors"]] == at_fault
    assert desk.file_kinds() == []


@only_sqlite
def test_other_media_types_are_refused_for_reconciliations(desk: Desk) -> None:
    bare = desk.service.send(f"{PATH}?from=2026-10-01", {}, desk.writing)
    assert (bare.status_code, [each["parameter"] for each in bare.json()["errors"]]) == (400, ["from"])
    missing = desk.bench.run(
        desk.service._request("POST", PATH, {**desk.writing, "content-type": "application/x-ndjson"}, EVENTS)
    )
    assert [each["parameter"] for each in missing.json()["errors"]] == ["from", "to"]
    for header in ({"content-type": "text/csv"}, {"content-encoding": "gzip"}):
        answer = desk.upload(EVENTS, {**desk.writing, **header})
        assert (answer.status_code, slug(answer)) == (415, "unsupported-media-type")
    empty = desk.upload(b"")
    assert (empty.status_code, slug(empty)) == (400, "invalid-body")
    long = desk.request(provider="x" * 70_000)
    assert (long.status_code, slug(long)) == (413, "too-large")
    assert not list(desk.folder.rglob("*.ndjson"))


@only_sqlite
def test_too_large_upload_is_refused_before_it_is_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The framework counts the bytes during the upload, by the limit that the handler declares."""
    assert post_reconciliation.request_max_body_size == MAX_EVENTS_BYTES == 256 * 1024 * 1024
    assert middleware._LARGER_BODY_BYTES == {PATH: MAX_EVENTS_BYTES}
    most = 6 * 1024 * 1024
    monkeypatch.setattr(middleware, "_LARGER_BODY_BYTES", {PATH: most})
    assert desk.upload(b"\n" * most).status_code == 202
    stored_before = desk.upload(b"\n" * (most + 1))
    assert (stored_before.status_code, slug(stored_before)) == (413, "too-large")
    assert len(desk.file_kinds()) == 1


@only_sqlite
def test_aborted_upload_leaves_nothing(desk: Desk) -> None:
    body: list[dict[str, Any]] = [
        {"type": "http.request", "body": EVENTS, "more_body": True},
        {"type": "http.disconnect"},
    ]
    key = desk.writing["authorization"].encode()
    headers = {b"content-type": b"application/x-ndjson", b"authorization": key}
    query = "&".join(f"{name}={value}" for name, value in WINDOW.items()).encode()
    answer = desk.service.raw("POST", PATH.encode(), headers, body=body, query=query)
    assert answer[0]["status"] == 400
    assert desk.file_kinds() == []
    assert desk.service.get(PATH).json()["total"] == 0


def test_starting_reading_and_healing_need_their_scopes(desk: Desk) -> None:
    job = desk.done(desk.request(desk.writing))
    reading = desk.service.key
    paths = [PATH, f"{PATH}/{job}", f"{PATH}/{job}/findings", f"{PATH}/{job}/findings.ndjson"]
    assert [desk.service.get(path, reading).status_code for path in paths] == [200] * 4
    assert [desk.service.get(path, desk.writing).status_code for path in paths] == [403] * 4
    assert desk.request(reading).status_code == 403
    assert desk.upload(EVENTS, reading).status_code == 403
    assert desk.service.get(paths[1], reading, "DELETE").status_code == 403
    healing = desk.request(desk.writing, heal=True)
    assert (healing.status_code, slug(healing)) == (403, "forbidden")
    assert "events:write" in healing.json()["detail"]
    assert desk.request(desk.healing, heal=True, deliver=True).status_code == 202


def test_other_tenants_job_is_not_found_and_admin_names_tenant(desk: Desk) -> None:
    other = desk.bench.new_tenant()
    job = desk.done(desk.request())
    reading, writing = (
        desk.service.new_key(scope, tenant=other) for scope in ("calls:read", "exports:write")
    )
    for path in ("", "/findings", "/findings.ndjson"):
        answer = desk.service.get(f"{PATH}/{job}{path}", reading)
        assert (answer.status_code, slug(answer)) == (404, "not-found")
    assert desk.service.get(f"{PATH}/{job}", writing, "DELETE").status_code == 404
    assert desk.service.get(PATH, reading).json()["total"] == 0
    assert desk.service.get(f"{PATH}/{job}?tenant={TENANT}", ADMIN).status_code == 200
    assert desk.service.get(f"{PATH}/{job}?tenant={other}", ADMIN).status_code == 404
    assert desk.service.get(f"{PATH}/{job}", ADMIN).status_code == 400
    requested = desk.service.send(
        f"{PATH}?tenant={other}", {"against": "provider", "provider": "twilio", **WINDOW}, ADMIN
    )
    assert requested.status_code == 202
    desk.work()
    # The tenant has no secrets, and does not get those of another.
    assert (
        desk.service.get(f"{PATH}/{requested.json()['id']}?tenant={other}", ADMIN).json()["state"] == "failed"
    )


@only_sqlite
def test_unknown_job_is_not_found(desk: Desk) -> None:
    new = NewJob(bytes(range(16)), JobKind.EXPORT, b"{}", 0)
    desk.bench.run(desk.bench.store.write(add_job(TENANT, new, desk.bench.now_us)))
    for job in ("x", "00000000-0000-4000-8000-000000000000", "00010203-0405-0607-0809-0a0b0c0d0e0f"):
        assert desk.service.get(f"{PATH}/{job}").status_code == 404
        assert desk.end(job) == 404
    assert desk.service.get(PATH).json()["total"] == 0


@only_sqlite
def test_missing_files_folder_names_the_setting(bench: Bench) -> None:
    service = Service(bench)
    answer = service.send(PATH, {}, service.new_key("exports:write"))
    assert (answer.status_code, slug(answer)) == (503, "no-files-folder")
    assert "CALLTALLY_FILES_FOLDER" in answer.json()["detail"]


@only_sqlite
def test_open_jobs_are_limited_and_refused_uploads_leave_nothing(desk: Desk) -> None:
    for _ in range(MAX_OPEN_JOBS):
        assert desk.request().status_code == 202
    answer = desk.upload(EVENTS)
    assert (answer.status_code, slug(answer)) == (429, "rate-limited")
    # Before the first byte of the upload.
    assert not (desk.folder / TENANT).exists()


@only_sqlite
def test_rest_of_a_killed_upload_is_deleted_by_a_later_one(desk: Desk) -> None:
    desk.upload(EVENTS)
    left = desk.folders.of(TENANT, bytes(16))
    left.make()
    left.cut("events.ndjson", 5)
    old_s = (desk.bench.now_us - 2 * DAY_US) // SECOND_US
    for path in (desk.folder / TENANT).iterdir():
        os.utime(path, (old_s, old_s))
    desk.upload(EVENTS)
    assert not left.path_of("events.ndjson").exists()
    assert len(desk.file_kinds()) == 2


# --------------------------------------------------------------------------------------------------- findings


def test_findings_are_paged(desk: Desk) -> None:
    listed(desk, 7)
    job = desk.done(desk.request())
    whole = desk.findings(job)
    assert len(whole) == 7
    paged: list[Any] = []
    for offset in range(0, 9, 3):
        answer = desk.service.get(f"{PATH}/{job}/findings?limit=3&offset={offset}").json()
        assert (answer["limit"], answer["offset"], answer["total"]) == (3, offset, 7)
        paged += answer["data"]
    assert paged == whole
    assert desk.findings(job, "offset=7") == []
    first = desk.service.get(f"{PATH}/{job}/findings?limit=3")
    assert 'offset=3>; rel="next"' in first.headers["link"]
    assert desk.service.get(f"{PATH}/{job}/findings?limit=1001").status_code == 400
    assert desk.service.get(f"{PATH}?limit=1").json()["data"] == [desk.result(job)]


def test_findings_are_also_a_file(desk: Desk) -> None:
    listed(desk, 5)
    job = desk.done(desk.request())
    path = f"{PATH}/{job}/findings.ndjson"
    whole = desk.service.get(path)
    assert whole.headers["content-type"] == "application/x-ndjson"
    assert [msgspec.json.decode(line) for line in whole.content.splitlines()] == desk.findings(job)
    assert msgspec.json.decode(whole.content.splitlines()[0], type=Finding).kind == "unheard-call"
    part = desk.service.get(path, {**desk.service.key, "range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, whole.content[5:10])


@only_sqlite
def test_changed_finding_files_are_not_served(desk: Desk) -> None:
    listed(desk, 2)
    job = desk.done(desk.request())
    (path,) = desk.folder.rglob("findings-*.ndjson")
    path.write_bytes(b"")
    answer = desk.service.get(f"{PATH}/{job}/findings")
    assert (answer.status_code, slug(answer)) == (500, "misconfigured")


# ----------------------------------------------------------------------------------------------- what ends it


def erase(desk: Desk, call_sid: str) -> None:
    desk.bench.run(desk.bench.store.write(erase_call(TENANT, call_sid, desk.bench.now_us)))


def gone(desk: Desk, job: str) -> tuple[int, str]:
    answer = desk.service.get(f"{PATH}/{job}/findings")
    return answer.status_code, "" if answer.status_code == 200 else slug(answer)


def test_erasure_removes_findings_of_the_call(desk: Desk) -> None:
    """Also if the call was recorded after the findings."""
    sid = f"CA{0:032x}"
    desk.record([callback_fact("fine", DAY, status="completed", talk_seconds=60)])
    listed(desk, 1)
    desk.api.calls["fine"] = resource("fine", DAY)
    job = desk.done(desk.request(heal=True))
    assert [each["call_sid"] for each in desk.findings(job)] == [sid]
    erase(desk, "fine")
    assert desk.round().expired_jobs == 0
    assert gone(desk, job) == (200, "")
    erase(desk, sid)
    assert gone(desk, job) == (410, "files-gone")
    assert desk.service.get(f"{PATH}/{job}/findings.ndjson").status_code == 410
    assert desk.round().expired_jobs == 1
    result = desk.result(job)
    assert (result["state"], result["counts"], result["clean"]) == ("expired", {"unheard-call": 1}, False)
    assert gone(desk, job) == (410, "files-gone")
    assert desk.file_kinds() == []


def test_any_erasure_removes_findings_with_unreadable_lines(desk: Desk) -> None:
    desk.record([callback_fact("fine", DAY, status="completed")])
    job = desk.done(desk.upload(b"CA-of-somebody\n"))
    assert [each["kind"] for each in desk.findings(job)] == ["unreadable"]
    erase(desk, "fine")
    assert gone(desk, job) == (410, "files-gone")
    assert desk.round().expired_jobs == 1


def test_findings_are_deleted_by_request_and_by_age(desk: Desk) -> None:
    by_request, by_age = desk.done(desk.request()), desk.done(desk.request())
    assert [desk.end(by_request), desk.end(by_request)] == [204, 204]
    assert gone(desk, by_request) == (410, "files-gone")
    desk.bench.now_us += KEPT_US
    assert desk.round().expired_jobs == 1
    assert desk.result(by_age)["state"] == "expired"
    assert desk.file_kinds() == []


def test_cancel_deletes_the_upload(desk: Desk) -> None:
    job = desk.upload(EVENTS).json()["id"]
    assert desk.end(job) == 204
    desk.work()
    assert desk.result(job)["state"] == "canceled"
    desk.round()
    assert desk.file_kinds() == []
