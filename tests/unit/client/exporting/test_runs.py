"""Cleanup keeps foreign files in the folder and at the path of the checkpoint."""

import json
from pathlib import Path

import pytest

from calltally.client.exporting.errors import DamagedExport, ExportInUse, OtherExport
from calltally.client.exporting.output import ExportFolder, ExportRun
from calltally.client.exporting.pages import ExportSource
from calltally.client.exporting.runs import RerunMode, exclusive_access, run_export
from calltally.client.wire import Answer, Request
from tests.unit.client.exporting.exporting import (
    RecordingListener,
    SnapshotServer,
    contents,
    plan,
    run,
    snapshot_records,
)

RECORDS = snapshot_records(45)


class Killed(Exception):
    """The process was killed."""


class KillingServer(SnapshotServer):
    """Server that kills the process at the sixth request."""

    def send(self, request: Request) -> Answer:
        if len(self.requests) == 5:
            raise Killed
        return super().send(request)


def set_first_file_name(path: Path, name: str) -> None:
    """Change the name of the first file in a manifest."""
    manifest = json.loads(path.read_bytes())
    manifest["files"][0]["name"] = name
    path.write_bytes(json.dumps(manifest).encode())


@pytest.mark.parametrize(
    "name", ["../mine.txt", "/mine.txt", "_raw/../../mine.txt", "calls\\x.csv", "C:calls.csv", "mine.txt", ""]
)
@pytest.mark.parametrize("rerun", [RerunMode.AMEND, RerunMode.RESTART])
def test_manifest_with_foreign_file_name_is_refused(tmp_path: Path, name: str, rerun: RerunMode) -> None:
    out = tmp_path / "out"
    run(SnapshotServer(RECORDS), out)
    (tmp_path / "mine.txt").write_text("stays")
    (out / "mine.txt").write_text("stays")
    set_first_file_name(out / "_manifest.json", name)
    before = contents(tmp_path)
    with pytest.raises(DamagedExport, match="which no export uses"):
        run(SnapshotServer(RECORDS), out, rerun=rerun)
    assert contents(tmp_path) == before


def test_checkpoint_with_foreign_file_name_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(Killed):
        run(KillingServer(RECORDS), out)
    (tmp_path / "mine.txt").write_text("stays")
    path = out / "export.checkpoint"
    path.write_bytes(path.read_bytes().replace(b'"calls.ndjson"', b'"../mine.txt"'))
    with pytest.raises(DamagedExport, match="which no export uses"):
        run(SnapshotServer(RECORDS), out)
    run(SnapshotServer(RECORDS), out, rerun=RerunMode.RESTART)
    assert (tmp_path / "mine.txt").read_text() == "stays"


@pytest.mark.parametrize("content", [b"{}\n", b"\xff\n", b"one\ntwo", b"no end of a line"])
@pytest.mark.parametrize("rerun", [RerunMode.AMEND, RerunMode.RESTART])
def test_file_that_is_no_checkpoint_stays_unchanged(tmp_path: Path, content: bytes, rerun: RerunMode) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_bytes(content)
    folder = ExportFolder(tmp_path / "out", mine)
    source = ExportSource(SnapshotServer(RECORDS))
    one_run = ExportRun(source, plan(), folder, RecordingListener())
    with exclusive_access(folder), pytest.raises(DamagedExport, match=r"is not a checkpoint .* use another"):
        run_export(one_run, rerun)
    assert mine.read_bytes() == content


def test_empty_file_can_be_the_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "export.checkpoint").write_bytes(b"")
    assert run(SnapshotServer(RECORDS), tmp_path).manifest.complete


@pytest.mark.parametrize(
    "name",
    [
        "calls-mine.csv",
        "calls.part",
        "calls.ndjson",
        "_raw/notes.txt",
        "_raw",
        "_drift.ndjson",
        "_amendments/x",
    ],
)
@pytest.mark.parametrize("rerun", [RerunMode.AMEND, RerunMode.RESTART])
def test_folder_with_foreign_files_is_refused(tmp_path: Path, name: str, rerun: RerunMode) -> None:
    mine = tmp_path / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("stays")
    with pytest.raises(OtherExport, match="move them away, or choose another folder"):
        run(SnapshotServer(RECORDS), tmp_path, rerun=rerun)
    assert contents(tmp_path) == {name: b"stays"}


@pytest.mark.parametrize("name", ["calls-mine.csv", "calls-mine.part", "_raw/notes.txt"])
def test_restart_refuses_foreign_files_before_it_removes_anything(tmp_path: Path, name: str) -> None:
    run(SnapshotServer(RECORDS), tmp_path, plan(keeps_raw=True))
    (tmp_path / name).write_text("stays")
    before = contents(tmp_path)
    with pytest.raises(OtherExport, match="move them away"):
        run(SnapshotServer(RECORDS), tmp_path, rerun=RerunMode.RESTART)
    assert contents(tmp_path) == before


def test_foreign_file_with_temporary_suffix_survives_an_export(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(KillingServer(RECORDS), tmp_path)
    (tmp_path / "calls-mine.part").write_text("stays")
    run(SnapshotServer(RECORDS), tmp_path)
    assert (tmp_path / "calls-mine.part").read_text() == "stays"


@pytest.mark.parametrize("partition", ["none", "day"])
def test_restart_removes_all_files_of_a_killed_export(tmp_path: Path, partition: str) -> None:
    export_plan = plan(partition=partition, keeps_raw=True)
    with pytest.raises(Killed):
        run(KillingServer(RECORDS), tmp_path, export_plan)
    # A file finished after the last line of the checkpoint, which does not name it.
    (tmp_path / ("calls.ndjson" if partition == "none" else "calls-2026-10-03.ndjson")).write_bytes(b"{}\n")
    run(SnapshotServer(RECORDS), tmp_path, plan(format="csv"), rerun=RerunMode.RESTART)
    assert set(contents(tmp_path)) == {"calls.csv", "_manifest.json"}


def test_restart_removes_files_of_a_follower(tmp_path: Path) -> None:
    run(SnapshotServer(RECORDS), tmp_path)
    followed = {"plan": json.loads('{"base_url":"b","window":{"asked":"all","from_us":null,"to_us":null}}')}
    (tmp_path / "_follow.checkpoint").write_text(json.dumps(followed | {"after": "s1"}))
    (tmp_path / "_changes.ndjson").write_bytes(b"{}\n")
    run(SnapshotServer(RECORDS), tmp_path, rerun=RerunMode.RESTART)
    assert set(contents(tmp_path)) == {"calls.ndjson", "_manifest.json"}


def test_two_exports_cannot_share_a_folder_or_a_checkpoint(tmp_path: Path) -> None:
    one, other = (
        ExportFolder(tmp_path / "o", tmp_path / "one"),
        ExportFolder(tmp_path / "o", tmp_path / "other"),
    )
    third = ExportFolder(tmp_path / "p", tmp_path / "one")
    with exclusive_access(one):
        for each in (other, third):
            with (
                pytest.raises(ExportInUse, match="use another folder and checkpoint"),
                exclusive_access(each),
            ):
                pass
    with exclusive_access(other), exclusive_access(third):
        pass
