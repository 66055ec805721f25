"""Names of an export's files: readers of the folder find the calls alone; former names still work."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from calltally.client.exporting import follow, names
from calltally.client.exporting.exported_state import read_layers
from calltally.client.exporting.follow import Follower
from calltally.client.exporting.manifest import find_damage
from calltally.client.exporting.names import MANIFEST, amendments_folder, existing_name, manifest_names
from calltally.client.exporting.output import ExportFolder, ExportRun
from calltally.client.exporting.pages import ExportSource
from calltally.client.exporting.runs import RerunMode
from calltally.client.operations import CHANGES_PATH
from calltally.client.wire import Answer, Request
from calltally.reconcile.export_folder import open_export
from tests.unit.client.exporting.exporting import (
    RecordingListener,
    SnapshotServer,
    contents,
    plan,
    run,
    snapshot_records,
)

RECORDS = snapshot_records(12)
OTHERS = {names.MANIFEST, names.AMENDMENTS, names.RAW_FOLDER, names.CHANGES_FILE, names.FOLLOW_CHECKPOINT}


class ChangingServer(SnapshotServer):
    """Server whose feed has one changed call more with each request."""

    def __init__(self) -> None:
        super().__init__(RECORDS)
        self.changes = 0

    def send(self, request: Request) -> Answer:
        if request.path != CHANGES_PATH:
            return super().send(request)
        changed = {**json.loads(RECORDS[self.changes]), "status": "failed", "revision": 7}
        self.changes += 1
        page = {"data": [changed], "next": f"p{self.changes}", "has_more": False, "revision": 9}
        return Answer(200, {}, json.dumps(page).encode())


def follow_once(server: ChangingServer, out: Path) -> None:
    folder = ExportFolder(out, out / "export.checkpoint")
    export_run = ExportRun(ExportSource(server), plan(), folder, RecordingListener())
    with closing(Follower(export_run, read_layers(out)[0].manifest)) as follower:
        assert follower.poll_once(0) == 1


def rename_to_former(out: Path) -> None:
    """Give all files of a folder the names of earlier versions, deeper ones first."""
    for path in sorted(out.rglob("_*"), reverse=True):
        path.rename(path.with_name(path.name[1:]))
    for path in (out / "manifest.json", out / "follow.checkpoint"):
        if path.exists():
            path.write_text(path.read_text().replace('"_', '"'))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return a folder with an export, an amendment, raw responses and followed changes."""
    folder, server = tmp_path / "october", ChangingServer()
    run(server, folder, plan(keeps_raw=True))
    follow_once(server, folder)
    run(server, folder, plan(keeps_raw=True))
    return folder


def test_readers_of_the_folder_find_the_calls_alone(out: Path) -> None:
    found = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    assert found == {"calls.ndjson", *OTHERS}


def test_former_names_are_found() -> None:
    assert list(manifest_names(0)) == ["_manifest.json", "manifest.json"]
    assert "_amendments/0002/_manifest.json" in manifest_names(2)
    assert "amendments/0002/manifest.json" in manifest_names(2)


def test_folder_of_an_earlier_version_is_verified_and_continued(out: Path) -> None:
    rename_to_former(out)
    layers = read_layers(out)
    assert layers[0].manifest.raw
    assert layers[0].manifest.raw.name == "raw/SHA256SUMS"
    assert [layer.name for layer in layers] == ["", "amendments/0001"]
    assert [fault for layer in layers for fault in find_damage(layer.folder, layer.manifest)] == []
    server = ChangingServer()
    server.changes = 5
    layer = run(server, out, plan(keeps_raw=True))
    assert layer.name == "amendments/0002"
    assert layer.manifest.amends
    assert layer.manifest.amends.base.name == "amendments/0001/manifest.json"
    follow_once(server, out)
    assert len((out / "changes.ndjson").read_bytes().splitlines()) == 2
    assert not [name for name in contents(out) if name.startswith("_")]


def test_restart_removes_files_of_an_earlier_version(out: Path) -> None:
    rename_to_former(out)
    run(SnapshotServer(RECORDS), out, rerun=RerunMode.RESTART)
    assert set(contents(out)) == {"calls.ndjson", "_manifest.json"}
    assert {path.name for path in out.iterdir() if path.is_dir()} == set()


def test_export_of_an_earlier_version_is_reconciled(tmp_path: Path) -> None:
    run(SnapshotServer(RECORDS), tmp_path)
    rename_to_former(tmp_path)
    assert len(list(open_export(tmp_path).states())) == len(RECORDS)


@pytest.mark.parametrize(
    "create",
    [
        lambda out: (out / "amendments").mkdir(),
        lambda out: (out / "raw").mkdir(),
    ],
)
def test_folder_of_another_program_is_not_used(tmp_path: Path, create: Callable[[Path], None]) -> None:
    create(tmp_path)
    server = ChangingServer()
    run(server, tmp_path, plan(keeps_raw=True))
    assert run(server, tmp_path, plan(keeps_raw=True)).name == "_amendments/0001"
    assert amendments_folder(tmp_path).name == "_amendments"


def test_new_name_counts_if_both_exist(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").touch()
    assert existing_name(tmp_path, MANIFEST) == "manifest.json"
    (tmp_path / MANIFEST).touch()
    assert existing_name(tmp_path, MANIFEST) == MANIFEST
    assert follow.follow_path(tmp_path).name == "_follow.checkpoint"
