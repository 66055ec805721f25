"""Bytes of export files equal the list's stream of the same snapshot."""

import io
from hashlib import sha256

import pytest
from pyarrow import ipc, parquet

from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.snapshots.holds import pin_hold
from tests.conftest import NOW_US, TENANT
from tests.integration.exports.exporting import Desk, Json

NUMBER = "+14155550100"
DAY_S = 86_400.0


def query_of(filters: dict[str, str], **more: str) -> str:
    return "&".join(f"{name}={value.replace('+', '%2B')}" for name, value in {**filters, **more}.items())


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet", "arrow"])
def test_export_bytes_equal_the_list_stream(desk: Desk, form: str) -> None:
    """By counters and by time, in both orders, with later facts."""
    desk.record(1_100, from_number=NUMBER)
    for filters in ({}, {"number": NUMBER, "order": "asc"}, {"status": "completed", "order": "asc"}):
        job = desk.start(format=form, **filters)
        desk.record(3, summary="told since")
        desk.work()
        export = desk.export(job)
        assert export["state"] == "complete"
        (content,) = desk.contents(job).values()
        assert content == desk.streamed(query_of(filters, format=form, snapshot=export["snapshot"]))
        (file,) = export["files"]
        assert (file["rows"], file["bytes"]) == (1_100, len(content))
        assert file["sha256"] == sha256(content).hexdigest()
        assert (export["rows"], export["rows_done"]) == (1_100, 1_100)


def test_csv_times_are_in_the_requested_zone(desk: Desk) -> None:
    desk.record(3)
    job = desk.done(format="csv", tz="Europe/Berlin")
    content = desk.contents(job)["calls.csv"]
    assert b"+02:00" in content
    assert content == desk.streamed(f"format=csv&tz=Europe/Berlin&snapshot={desk.export(job)['snapshot']}")


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_export_without_calls_has_a_file_with_header(desk: Desk, form: str) -> None:
    job = desk.done(format=form, partition="month")
    (content,) = desk.contents(job).values()
    assert content == desk.streamed(f"format={form}")
    assert desk.export(job)["files"][0]["rows"] == 0


@pytest.mark.parametrize(("partition", "chars"), [("day", 10), ("month", 7)])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_one_file_per_day_or_month(desk: Desk, partition: str, chars: int, order: str) -> None:
    desk.record(90, every_s=DAY_S / 2)
    job = desk.done(partition=partition, order=order)
    contents = desk.contents(job)
    whole = desk.streamed(f"format=ndjson&order={order}&snapshot={desk.export(job)['snapshot']}")
    assert b"".join(contents.values()) == whole
    for name, content in contents.items():
        lines = content.splitlines()
        days = {line.partition(b'"created_at":"')[2][:chars].decode() for line in lines}
        assert {f"calls_{day}.ndjson" for day in days} == {name}
    assert list(contents) == sorted(contents, reverse=order == "desc")


def test_parquet_and_arrow_are_split_by_number_of_calls(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calltally.exports.job.PART_ROWS", 700)
    desk.record(1_500, every_s=DAY_S / 20)
    ids = [line.split(b'"')[3].decode() for line in desk.streamed("format=ndjson").splitlines()]
    export = desk.export(desk.done(format="parquet"))
    assert [(each["name"], each["rows"]) for each in export["files"]] == [
        ("calls_part-00001.parquet", 700),
        ("calls_part-00002.parquet", 700),
        ("calls_part-00003.parquet", 100),
    ]
    contents = desk.contents(export["id"])
    read = [parquet.read_table(io.BytesIO(content), columns=["id"]) for content in contents.values()]
    assert [each.as_py() for table in read for each in table["id"]] == ids
    arrow = desk.contents(desk.done(format="arrow", partition="month"))
    assert [name.partition("_2026-")[2] for name in arrow][:2] == [
        "12_part-00001.arrows",
        "11_part-00001.arrows",
    ]
    tables = [ipc.open_stream(content).read_all() for content in arrow.values()]
    assert [each.as_py() for table in tables for each in table["id"]] == ids


def test_snapshot_and_hold_select_the_exported_state(desk: Desk) -> None:
    desk.record(5)
    before = desk.service.get("/api/v1/call-logs").json()["snapshot"]
    desk.bench.run(desk.bench.store.write(pin_hold(TENANT, "october", NOW_US)))
    desk.record(8, summary="since")
    assert desk.export(desk.done(snapshot=before))["rows"] == 5
    assert desk.export(desk.done(hold="october"))["rows"] == 5
    assert desk.export(desk.done(hold="november"))["rows"] == 8
    desk.record(9, summary="later")
    assert desk.export(desk.done(hold="november"))["rows"] == 8


def test_manifest_describes_the_export(desk: Desk) -> None:
    desk.record(4, route="sales")
    desk.record(2, route="sales", status="failed")
    job = desk.start(from_="2026-01-01", to="2027-01-01", route="sales", status=["completed", "failed"])
    manifest = desk.service.get(f"/api/v1/exports/{job}/manifest.json").json()
    assert (manifest["complete"], manifest["rows"], manifest["files"]) == (False, 0, [])
    desk.work()
    manifest = desk.service.get(f"/api/v1/exports/{job}/manifest.json").json()
    (file,) = desk.export(job)["files"]
    assert manifest == {
        "window": {"from": "2026-01-01T00:00:00.000000Z", "to": "2027-01-01T00:00:00.000000Z"},
        "filters": {"status": ["completed", "failed"], "route": ["sales"]},
        "format": "ndjson",
        "order": "desc",
        "tz": None,
        "partition": None,
        "snapshot": desk.export(job)["snapshot"],
        "complete": True,
        "rows": 4,
        "by_status": manifest["by_status"],
        "files": [{name: file[name] for name in ("name", "rows", "bytes", "sha256")}],
    }
    assert sum(manifest["by_status"].values()) == 4


def test_expired_snapshot_fails_the_job_with_reason(desk: Desk) -> None:
    desk.record(2)
    job = desk.start()
    desk.record(3, summary="since")
    desk.bench.run(desk.bench.store.write(_forget_all()))
    desk.work()
    export = desk.export(job)
    assert (export["state"], export["error"]["slug"]) == ("failed", "snapshot-gone")
    assert "the snapshot has expired" in export["error"]["detail"]
    assert export["expires_at"] is not None


def _forget_all() -> StoreOperation[None]:
    yield Statement("advance_kept_from", {"tenant": TENANT, "revision": 5})


def listed(desk: Desk, query: str = "") -> Json:
    answer = desk.service.get(f"/api/v1/exports{query}")
    assert answer.status_code == 200, answer.text
    page: Json = answer.json()
    return page


def test_exports_are_listed_newest_first_in_pages(desk: Desk) -> None:
    jobs = []
    for number in range(3):
        desk.bench.now_us += 1
        jobs.append(desk.start(name=f"no {number}"))
    desk.work()
    page = listed(desk, "?limit=2")
    assert [each["id"] for each in page["data"]] == jobs[:0:-1]
    assert (page["limit"], page["offset"], page["total"]) == (2, 0, 3)
    assert [each["name"] for each in listed(desk, "?offset=2")["data"]] == ["no 0"]
    assert all(each["files"] for each in page["data"])
