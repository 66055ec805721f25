"""Export requests over HTTP: refusals, permissions, and repeated requests."""

from typing import Any

import pytest

from calltally.store.jobs.jobs import JobKind, NewJob, add_job
from tests.conftest import TENANT, Bench
from tests.integration.exports.exporting import EXPORTS, Desk
from tests.integration.web.service import ADMIN, Service, slug


def test_response_has_location_and_parsed_request(desk: Desk) -> None:
    desk.record(2)
    begin = "2026-09-01T00:00:00+02:00"
    answer = desk.request(
        from_=begin, status="completed", escalated=False, tz=None, format="csv", name="Autumn"
    )
    export = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"{EXPORTS}/{export['id']}"
    assert export["window"] == {"from": "2026-08-31T22:00:00.000000Z", "to": None}
    assert export["filters"] == {"status": ["completed"], "escalated": ["false"]}
    assert (export["state"], export["format"], export["order"], export["name"]) == (
        "queued",
        "csv",
        "desc",
        "Autumn",
    )
    assert (export["rows"], export["rows_done"], export["files"], export["error"]) == (None, 0, [], None)
    assert export == desk.export(export["id"])
    desk.work()
    later = desk.export(export["id"])
    assert later["files"][0]["href"] == f"{EXPORTS}/{export['id']}/files/calls.csv"
    assert desk.service.get(later["manifest"]).json()["complete"]


@pytest.mark.parametrize(
    ("body", "at_fault"),
    [
        ({"colour": "red"}, ["colour"]),
        ({"limit": "5"}, ["limit"]),
        ({"format": "json"}, ["format"]),
        ({"format": 5}, ["format"]),
        ({"status": ["completed", 5]}, ["status"]),
        ({"status": []}, ["status"]),
        ({"status": "gone"}, ["status"]),
        ({"route": ["a", "b"]}, ["route"]),
        ({"from": "2026-10-01", "to": "2026-10-01"}, ["from"]),
        ({"from": "yesterday", "partition": "week"}, ["from", "partition"]),
        ({"snapshot": "s" + "a" * 32, "hold": "x"}, ["hold"]),
        ({"tz": "Europe/Berlin"}, ["tz"]),
        ({"tz": "Europe/Nowhere", "format": "csv"}, ["tz"]),
        ({"name": "a\nb"}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"escalated": "maybe"}, ["escalated"]),
        # Values that are text in a URL have their own types in JSON; a list means any of its values.
        ({"escalated": "true"}, ["escalated"]),
        ({"name": True, "route": ["a"], "number": 7}, ["name", "route", "number"]),
    ],
)
@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_invalid_fields_are_refused_by_name(desk: Desk, body: dict[str, Any], at_fault: list[str]) -> None:
    answer = desk.service.send(EXPORTS, body, desk.writing)
    assert (answer.status_code, slug(answer)) == (400, "invalid-body")
    assert [each["parameter"] for each in answer.json()["errors"]] == at_fault
    assert "no parameter" not in answer.text


@pytest.mark.parametrize("body", [[], "x", None, [{}]])
@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_what_is_no_object_is_refused(desk: Desk, body: object) -> None:
    answer = desk.service.send(EXPORTS, body, desk.writing)
    assert (answer.status_code, slug(answer)) == (400, "invalid-body")


def test_a_state_that_is_not_there_is_refused_at_once(desk: Desk) -> None:
    answer = desk.request(snapshot="s" + "a" * 32)
    assert answer.status_code in {400, 410}
    assert desk.service.get(EXPORTS).json()["total"] == 0


def test_the_same_key_brings_the_same_export(desk: Desk) -> None:
    desk.record(2)
    key = {"idempotency-key": "night-1"}
    first = desk.request(key, status="completed").json()
    desk.record(3, summary="since")
    again = desk.request(key, status=["completed"])
    assert again.status_code == 202
    assert again.json()["id"] == first["id"]
    assert again.json()["snapshot"] == first["snapshot"]
    other = desk.request(key, status="failed")
    assert (other.status_code, slug(other)) == (409, "conflict")
    assert desk.request({"idempotency-key": "night-2"}, status="completed").json()["id"] != first["id"]
    assert desk.service.get(EXPORTS).json()["total"] == 2
    desk.work()
    assert desk.request(key, status="completed").json()["state"] == "complete"
    bad = desk.request({"idempotency-key": "a b"})
    assert (bad.status_code, slug(bad)) == (400, "invalid-parameter")


def test_starting_takes_a_scope_and_reading_another(desk: Desk) -> None:
    job = desk.done()
    paths = [
        EXPORTS,
        f"{EXPORTS}/{job}",
        f"{EXPORTS}/{job}/manifest.json",
        f"{EXPORTS}/{job}/files/calls.ndjson",
    ]
    assert [desk.service.get(path, desk.reading).status_code for path in paths] == [200] * 4
    assert [desk.service.get(path, desk.writing).status_code for path in paths] == [403] * 4
    assert desk.service.send(EXPORTS, {}, desk.reading).status_code == 403
    assert desk.service.get(paths[1], desk.reading, "DELETE").status_code == 403
    assert desk.service.get(paths[0], {}).status_code == 401


def test_words_are_searched_in_transcripts_only_for_keys_that_may_read_them(desk: Desk) -> None:
    desk.record(2, summary="booked")
    job = desk.done(q="booked")
    assert desk.export(job)["rows"] == 2
    assert desk.export(job)["filters"] == {"q": ["booked"]}


def test_another_tenants_export_is_not_there(desk: Desk) -> None:
    other = desk.bench.new_tenant()
    job = desk.done()
    reading, writing = (
        desk.service.new_key(scope, tenant=other) for scope in ("calls:read", "exports:write")
    )
    for path in ("", "/manifest.json", "/files/calls.ndjson"):
        answer = desk.service.get(f"{EXPORTS}/{job}{path}", reading)
        assert (answer.status_code, slug(answer)) == (404, "not-found")
    assert desk.service.get(f"{EXPORTS}/{job}", writing, "DELETE").status_code == 404
    assert desk.service.get(EXPORTS, reading).json()["total"] == 0
    assert desk.service.get(f"{EXPORTS}?tenant={TENANT}", reading).status_code == 400
    assert desk.export(job)["state"] == "complete"


def test_the_admin_key_names_a_tenant(desk: Desk) -> None:
    other = desk.bench.new_tenant()
    answer = desk.service.send(f"{EXPORTS}?tenant={other}", {}, ADMIN)
    job = answer.json()["id"]
    assert desk.service.get(f"{EXPORTS}/{job}?tenant={other}", ADMIN).status_code == 200
    assert desk.service.get(f"{EXPORTS}?tenant={other}&limit=1", ADMIN).json()["total"] == 1
    assert desk.service.get(f"{EXPORTS}/{job}").status_code == 404
    assert desk.service.get(f"{EXPORTS}/{job}?tenant={other}", ADMIN, "DELETE").status_code == 204


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("job", ["x", "0" * 36, "00000000-0000-4000-8000-000000000000"])
def test_what_was_never_an_export_is_not_there(desk: Desk, job: str) -> None:
    assert desk.service.get(f"{EXPORTS}/{job}").status_code == 404
    assert desk.service.get(f"{EXPORTS}/{job}", desk.writing, "DELETE").status_code == 404


def test_job_of_another_kind_is_no_export(desk: Desk) -> None:
    new = NewJob(bytes(range(16)), JobKind.RECONCILIATION, b"{}", 0)
    desk.bench.run(desk.bench.store.write(add_job(TENANT, new, desk.bench.now_us)))
    answer = desk.service.get(f"{EXPORTS}/00010203-0405-0607-0809-0a0b0c0d0e0f")
    assert answer.status_code == 404
    assert desk.service.get(EXPORTS).json()["total"] == 0


def test_missing_files_folder_names_the_setting(bench: Bench) -> None:
    service = Service(bench)
    writing = service.new_key("exports:write")
    answer = service.send(EXPORTS, {}, writing)
    assert (answer.status_code, slug(answer)) == (503, "no-files-folder")
    assert "CALLTALLY_FILES_FOLDER" in answer.json()["detail"]
    assert service.get(EXPORTS).json()["total"] == 0
