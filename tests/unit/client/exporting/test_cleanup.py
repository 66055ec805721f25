"""What is not of an export stays: files of others in the folder, and in the place of the checkpoint."""

import json
from pathlib import Path

import pytest

from calltally.client.exporting.errors import DamagedExport, InUse, OtherExport
from calltally.client.exporting.held_window import Source
from calltally.client.exporting.output import Folder
from calltally.client.exporting.runs import Again, held, run_job
from calltally.client.wire import Answer, Request
from tests.unit.client.exporting.exporting import HeldServer, Notes, contents, held_records, plan, run

RECORDS = held_records(45)


class Killed(Exception):
    """The process is gone."""


class Mortal(HeldServer):
    """The process dies at the sixth question."""

    def send(self, request: Request) -> Answer:
        if len(self.asked) == 5:
            raise Killed
        return super().send(request)


def renamed(path: Path, name: str) -> None:
    """Let a manifest name another file."""
    told = json.loads(path.read_bytes())
    told["files"][0]["name"] = name
    path.write_bytes(json.dumps(told).encode())


@pytest.mark.parametrize(
    "name", ["../mine.txt", "/mine.txt", "raw/../../mine.txt", "calls\\x.csv", "C:calls.csv", "mine.txt", ""]
)
@pytest.mark.parametrize("again", [Again.AMEND, Again.RESTART])
def test_a_manifest_that_names_any_file_is_not_followed(tmp_path: Path, name: str, again: Again) -> None:
    out = tmp_path / "out"
    run(HeldServer(RECORDS), out)
    (tmp_path / "mine.txt").write_text("stays")
    (out / "mine.txt").write_text("stays")
    renamed(out / "manifest.json", name)
    before = contents(tmp_path)
    with pytest.raises(DamagedExport, match="which no export writes"):
        run(HeldServer(RECORDS), out, again=again)
    assert contents(tmp_path) == before


def test_a_checkpoint_that_names_any_file_is_not_followed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(Killed):
        run(Mortal(RECORDS), out)
    (tmp_path / "mine.txt").write_text("stays")
    path = out / "export.checkpoint"
    path.write_bytes(path.read_bytes().replace(b'"calls.ndjson"', b'"../mine.txt"'))
    with pytest.raises(DamagedExport, match="which no export writes"):
        run(HeldServer(RECORDS), out)
    run(HeldServer(RECORDS), out, again=Again.RESTART)
    assert (tmp_path / "mine.txt").read_text() == "stays"


@pytest.mark.parametrize("content", [b"{}\n", b"\xff\n", b"one\ntwo", b"no end of a line"])
@pytest.mark.parametrize("again", [Again.AMEND, Again.RESTART])
def test_a_file_that_is_no_checkpoint_stays_as_it_is(tmp_path: Path, content: bytes, again: Again) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_bytes(content)
    folder = Folder(tmp_path / "out", mine)
    with held(folder), pytest.raises(DamagedExport, match=r"is no checkpoint .* name another"):
        run_job(Source(HeldServer(RECORDS)), plan(), folder, Notes(), again=again)
    assert mine.read_bytes() == content


def test_an_empty_file_can_be_the_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "export.checkpoint").write_bytes(b"")
    assert run(HeldServer(RECORDS), tmp_path).manifest.complete


@pytest.mark.parametrize(
    "name",
    ["calls-mine.csv", "calls.part", "calls.ndjson", "raw/notes.txt", "raw", "drift.ndjson", "amendments/x"],
)
@pytest.mark.parametrize("again", [Again.AMEND, Again.RESTART])
def test_a_folder_with_files_of_others_is_refused(tmp_path: Path, name: str, again: Again) -> None:
    mine = tmp_path / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("stays")
    with pytest.raises(OtherExport, match="move that away, or name another folder"):
        run(HeldServer(RECORDS), tmp_path, again=again)
    assert contents(tmp_path) == {name: b"stays"}


@pytest.mark.parametrize("name", ["calls-mine.csv", "calls-mine.part", "raw/notes.txt"])
def test_a_restart_refuses_before_it_removes_anything(tmp_path: Path, name: str) -> None:
    run(HeldServer(RECORDS), tmp_path, plan(keeps_raw=True))
    (tmp_path / name).write_text("stays")
    before = contents(tmp_path)
    with pytest.raises(OtherExport, match="move that away"):
        run(HeldServer(RECORDS), tmp_path, again=Again.RESTART)
    assert contents(tmp_path) == before


def test_what_ends_like_ours_outlives_an_export(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(Mortal(RECORDS), tmp_path)
    (tmp_path / "calls-mine.part").write_text("stays")
    run(HeldServer(RECORDS), tmp_path)
    assert (tmp_path / "calls-mine.part").read_text() == "stays"


@pytest.mark.parametrize("partition", ["none", "day"])
def test_a_restart_removes_all_that_a_killed_export_left(tmp_path: Path, partition: str) -> None:
    asked = plan(partition=partition, keeps_raw=True)
    with pytest.raises(Killed):
        run(Mortal(RECORDS), tmp_path, asked)
    # Finished after the last line of the checkpoint, which does not name it.
    (tmp_path / ("calls.ndjson" if partition == "none" else "calls-2026-10-03.ndjson")).write_bytes(b"{}\n")
    run(HeldServer(RECORDS), tmp_path, plan(format="csv"), again=Again.RESTART)
    assert set(contents(tmp_path)) == {"calls.csv", "manifest.json"}


def test_a_restart_removes_what_a_follower_wrote(tmp_path: Path) -> None:
    run(HeldServer(RECORDS), tmp_path)
    followed = {"plan": json.loads('{"base_url":"b","window":{"asked":"all","from_us":null,"to_us":null}}')}
    (tmp_path / "follow.checkpoint").write_text(json.dumps(followed | {"after": "s1"}))
    (tmp_path / "changes.ndjson").write_bytes(b"{}\n")
    run(HeldServer(RECORDS), tmp_path, again=Again.RESTART)
    assert set(contents(tmp_path)) == {"calls.ndjson", "manifest.json"}


def test_two_do_not_work_in_one_folder_by_two_checkpoints(tmp_path: Path) -> None:
    one, other = Folder(tmp_path / "o", tmp_path / "one"), Folder(tmp_path / "o", tmp_path / "other")
    third = Folder(tmp_path / "p", tmp_path / "one")
    with held(one):
        for each in (other, third):
            with pytest.raises(InUse, match="name another folder and checkpoint"), held(each):
                pass
    with held(other), held(third):
        pass
