"""Export under a snapshot: one reading, complete or refused, with the same bytes after any interruption."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from calltally.calls.export_formats import FORMATS
from calltally.client.errors import UnexpectedAnswer
from calltally.client.exporting import checkpoint as checkpoints
from calltally.client.exporting.errors import (
    DamagedExport,
    ExportInUse,
    OtherExport,
    SnapshotDrifted,
    SnapshotLost,
)
from calltally.client.exporting.manifest import find_damage
from calltally.client.exporting.runs import RerunMode
from calltally.client.wire import Answer, Request
from calltally.formats.writers import new_writer
from tests.unit.client.exporting.exporting import (
    RecordingListener,
    SnapshotServer,
    contents,
    exported,
    plan,
    run,
    snapshot_records,
)

RECORDS = snapshot_records(47)
ALL_FORMATS = [
    ("ndjson", "none"),
    ("ndjson", "day"),
    ("csv", "none"),
    ("csv", "month"),
    ("parquet", "none"),
    ("parquet", "day"),
]


class Killed(BaseException):
    """End of the process."""


class KillingServer(SnapshotServer):
    """Server that ends the process at one of its responses."""

    def __init__(self, records: Sequence[bytes], killed_at: int) -> None:
        super().__init__(records)
        self.killed_at = killed_at

    def send(self, request: Request) -> Answer:
        if len(self.requests) + 1 == self.killed_at:
            raise Killed
        return super().send(request)


def expected_bytes(form: str) -> bytes:
    """Return the output of the format's writer for all records in pages of ten."""
    writer = new_writer(FORMATS[form])
    pages = [b"\n".join(RECORDS[at : at + 10]) for at in range(0, len(RECORDS), 10)]
    return b"".join([writer.begin(), *map(writer.add, pages), writer.end()])


@pytest.mark.parametrize("form", ["ndjson", "csv", "parquet"])
def test_exported_file_equals_the_stream_of_the_server(tmp_path: Path, form: str) -> None:
    manifest = run(SnapshotServer(RECORDS), tmp_path, plan(format=form)).manifest
    [file] = manifest.files
    assert (tmp_path / file.name).read_bytes() == expected_bytes(form)
    assert (manifest.rows, manifest.complete, manifest.snapshot, manifest.readings) == (47, True, "s1", 1)
    assert manifest.by_status == {"busy": 16, "completed": 16, "no-answer": 15}
    assert manifest.highest
    assert manifest.highest.created_at == max(call["created_at"] for call in map(json.loads, RECORDS))
    assert manifest.revision == 4
    assert list(find_damage(tmp_path, manifest)) == []
    assert set(contents(tmp_path)) == {file.name, "_manifest.json"}


def test_partition_by_day_uses_the_creation_time(tmp_path: Path) -> None:
    manifest = run(SnapshotServer(RECORDS), tmp_path, plan(partition="day")).manifest
    assert [file.name for file in manifest.files] == [f"calls-2026-10-0{day}.ndjson" for day in (1, 2, 3)]
    assert sum(file.rows for file in manifest.files) == 47
    for file in manifest.files:
        lines = (tmp_path / file.name).read_bytes().splitlines()
        assert {json.loads(line)["created_at"][:10] for line in lines} == {file.name[6:16]}
    assert b"".join((tmp_path / file.name).read_bytes() for file in manifest.files) == expected_bytes(
        "ndjson"
    )


@pytest.mark.parametrize(("form", "partition"), ALL_FORMATS)
def test_export_killed_at_any_response_resumes_to_the_same_bytes(
    tmp_path: Path, form: str, partition: str
) -> None:
    export_plan = plan(format=form, partition=partition, keeps_raw=True)
    run(SnapshotServer(RECORDS), tmp_path / "whole", export_plan)
    expected = contents(tmp_path / "whole")
    for killed_at in range(1, 9):
        out = tmp_path / str(killed_at)
        try:
            run(KillingServer(RECORDS, killed_at), out, export_plan)
        except Killed:
            run(SnapshotServer(RECORDS), out, export_plan)
        assert contents(out) == expected, killed_at


@pytest.mark.parametrize(("form", "partition"), ALL_FORMATS)
@pytest.mark.parametrize("before", [True, False])
def test_export_killed_at_any_checkpoint_resumes_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, partition: str, *, before: bool
) -> None:
    export_plan = plan(format=form, partition=partition)
    run(SnapshotServer(RECORDS), tmp_path / "whole", export_plan)
    expected = contents(tmp_path / "whole")
    save = checkpoints.save
    for killed_at in range(1, 8):
        saved: list[int] = []

        def killing_save(
            path: Path,
            checkpoint: checkpoints.Checkpoint,
            killed_at: int = killed_at,
            saved: list[int] = saved,
        ) -> None:
            saved.append(0)
            if len(saved) == killed_at and before:
                raise Killed
            save(path, checkpoint)
            if len(saved) == killed_at:
                raise Killed

        monkeypatch.setattr(checkpoints, "save", killing_save)
        out = tmp_path / str(killed_at)
        with pytest.raises(Killed):
            run(SnapshotServer(RECORDS), out, export_plan)
        monkeypatch.setattr(checkpoints, "save", save)
        run(SnapshotServer(RECORDS), out, export_plan)
        assert contents(out) == expected, killed_at


def test_resumed_export_continues_at_the_checkpoint(tmp_path: Path) -> None:
    listener = RecordingListener()
    with pytest.raises(Killed):
        run(KillingServer(RECORDS, 6), tmp_path, listener=listener)
    saved = checkpoints.load(tmp_path / "export.checkpoint")
    assert saved
    assert isinstance(saved.position, checkpoints.SnapshotPosition)
    assert (saved.position.offset, saved.tally.rows) == (30, 30)
    server = SnapshotServer(RECORDS)
    run(server, tmp_path, listener=listener)
    assert [params["offset"] for params in server.requests] == ["30", "40"]
    assert "resuming after 30 calls" in listener.messages
    assert listener.rows == 47


def test_data_after_the_checkpoint_is_cut_off_and_data_before_it_is_verified(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(KillingServer(RECORDS, 6), tmp_path)
    unfinished = tmp_path / "calls.ndjson.part"
    content = unfinished.read_bytes()
    unfinished.write_bytes(content + b'{"half of a li')
    run(SnapshotServer(RECORDS), tmp_path)
    assert (tmp_path / "calls.ndjson").read_bytes() == expected_bytes("ndjson")
    with pytest.raises(Killed):
        run(KillingServer(RECORDS, 6), tmp_path, rerun=RerunMode.RESTART)
    unfinished.write_bytes(b"#" + content[1:])
    with pytest.raises(DamagedExport, match="start again with --restart"):
        run(SnapshotServer(RECORDS), tmp_path)
    unfinished.write_bytes(content[:-1])
    with pytest.raises(DamagedExport, match="differs from its checkpoint"):
        run(SnapshotServer(RECORDS), tmp_path)
    run(SnapshotServer(RECORDS), tmp_path, rerun=RerunMode.RESTART)
    assert exported(tmp_path) == list(map(json.loads, RECORDS))


def test_another_export_cannot_resume(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(KillingServer(RECORDS, 6), tmp_path)
    with pytest.raises(OtherExport, match="filters was none and is now status=busy"):
        run(SnapshotServer(RECORDS), tmp_path, plan(filters=(("status", "busy"),)))


def test_two_exports_cannot_use_one_checkpoint(tmp_path: Path) -> None:
    class ConcurrentRun(SnapshotServer):
        def send(self, request: Request) -> Answer:
            with pytest.raises(ExportInUse, match="another export uses"):
                run(SnapshotServer(RECORDS), tmp_path)
            return super().send(request)

    assert run(ConcurrentRun(RECORDS[:5]), tmp_path).manifest.complete


def test_incomplete_last_line_of_a_checkpoint_is_ignored(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(KillingServer(RECORDS, 6), tmp_path)
    path = tmp_path / "export.checkpoint"
    *lines, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, last[:-2]]))
    server = SnapshotServer(RECORDS)
    run(server, tmp_path)
    assert server.requests[0]["offset"] == "20"
    assert exported(tmp_path) == list(map(json.loads, RECORDS))


def test_long_checkpoint_is_replaced_by_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "_MAX_CHECKPOINT_BYTES", 1_000)
    with pytest.raises(Killed):
        run(KillingServer(RECORDS, 7), tmp_path)
    assert len((tmp_path / "export.checkpoint").read_bytes().splitlines()) <= 2
    run(SnapshotServer(RECORDS), tmp_path)
    assert exported(tmp_path) == list(map(json.loads, RECORDS))


@pytest.mark.parametrize(("old", "new"), [(b'"version":1', b'"version":9'), (b"}\n", b"\n")])
def test_unusable_checkpoint_can_be_restarted(tmp_path: Path, old: bytes, new: bytes) -> None:
    with pytest.raises(Killed):
        run(KillingServer(RECORDS, 6), tmp_path)
    path = tmp_path / "export.checkpoint"
    *lines, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, last.replace(old, new)]))
    with pytest.raises(DamagedExport, match="start again with --restart"):
        run(SnapshotServer(RECORDS), tmp_path)
    assert run(SnapshotServer(RECORDS), tmp_path, rerun=RerunMode.RESTART).manifest.complete


def test_expired_snapshot_error_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(KillingServer(RECORDS, 6), tmp_path)
    server = SnapshotServer(RECORDS)
    server.status = 410
    with pytest.raises(SnapshotLost, match=r"start again with --restart \(it is too old"):
        run(server, tmp_path)


class ChangingServer(SnapshotServer):
    """Server whose fourth page has a missing call, a repeated call, or another total."""

    change = "missing"

    def page(self, offset: int, limit: int) -> Sequence[bytes]:
        page = list(super().page(offset, limit))
        if offset == 30 and self.change == "missing":
            return page[1:]
        if offset == 30 and self.change == "again":
            return [self.records[29], *page[1:]]
        return page

    def total(self, offset: int) -> int:
        return super().total(offset) + (offset == 30 and self.change == "more")


@pytest.mark.parametrize("change", ["missing", "again", "more"])
def test_changing_snapshot_is_detected(tmp_path: Path, change: str) -> None:
    server = ChangingServer(RECORDS)
    server.change = change
    with pytest.raises(SnapshotDrifted, match="--double-check"):
        run(server, tmp_path)
    assert not (tmp_path / "_manifest.json").exists()


def test_empty_window_has_one_empty_file_and_none_with_a_partition(tmp_path: Path) -> None:
    assert [file.rows for file in run(SnapshotServer([]), tmp_path / "a").manifest.files] == [0]
    csv = run(SnapshotServer([]), tmp_path / "b", plan(format="csv"))
    assert (csv.folder / "calls.csv").read_bytes().startswith(b"id,call_sid,")
    assert run(SnapshotServer([]), tmp_path / "c", plan(partition="day")).manifest.files == []


def test_raw_responses_are_stored_unchanged(tmp_path: Path) -> None:
    manifest = run(SnapshotServer(RECORDS), tmp_path, plan(keeps_raw=True)).manifest
    assert manifest.raw
    assert manifest.raw.rows == 5
    responses = [json.loads((tmp_path / "_raw" / f"{number:09d}.json").read_bytes()) for number in range(5)]
    assert [call for response in responses for call in response["data"]] == list(map(json.loads, RECORDS))
    (tmp_path / "_raw" / "SHA256SUMS").write_bytes(b"")
    assert list(find_damage(tmp_path, manifest)) == ["_raw/SHA256SUMS was changed"]


@pytest.mark.parametrize("form", ["ndjson", "parquet"])
def test_only_the_owner_can_access_exported_files(tmp_path: Path, form: str) -> None:
    out = tmp_path / "o"
    former = os.umask(0o002)
    try:
        run(SnapshotServer(RECORDS), out, plan(format=form, keeps_raw=True))
    finally:
        os.umask(former)
    modes = {
        path.name: path.stat().st_mode & 0o777 for path in (out, *out.glob("calls*"), *out.rglob("_raw/*"))
    }
    assert modes.pop("o") == (out / "_raw").stat().st_mode & 0o777 == 0o700
    assert len(modes) > 2
    assert set(modes.values()) == {0o600}


def test_changed_files_are_named(tmp_path: Path) -> None:
    manifest = run(SnapshotServer(RECORDS), tmp_path, plan(partition="day")).manifest
    (tmp_path / "calls-2026-10-01.ndjson").unlink()
    (tmp_path / "calls-2026-10-02.ndjson").write_bytes(b"")
    assert list(find_damage(tmp_path, manifest)) == [
        "calls-2026-10-01.ndjson is missing",
        "calls-2026-10-02.ndjson was changed",
    ]


def test_record_that_does_not_fit_the_columns_is_an_error(tmp_path: Path) -> None:
    odd = [RECORDS[0].replace(b'"duration_seconds":null', b'"duration_seconds":"long"')]
    with pytest.raises(UnexpectedAnswer, match="use --format ndjson"):
        run(SnapshotServer(odd), tmp_path, plan(format="csv"))


def test_unknown_fields_stay_in_ndjson(tmp_path: Path) -> None:
    more = [record[:-1] + b',"mood":{"a":[1.50]}}' for record in RECORDS]
    run(SnapshotServer(more), tmp_path)
    assert (tmp_path / "calls.ndjson").read_bytes() == b"".join(record + b"\n" for record in more)
