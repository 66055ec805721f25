"""A window under a snapshot: read once, whole or not at all, and the same bytes wherever it was stopped."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from calltally.client.errors import UnexpectedAnswer
from calltally.client.exporting import checkpoint as checkpoints
from calltally.client.exporting.errors import DamagedExport, Drifted, InUse, OtherExport, SnapshotLost
from calltally.client.exporting.manifest import damaged
from calltally.client.exporting.runs import Again
from calltally.client.wire import Answer, Request
from calltally.formats.table import FORMATS
from tests.unit.client.exporting.exporting import (
    HeldServer,
    Notes,
    contents,
    exported,
    held_records,
    plan,
    run,
)

RECORDS = held_records(47)
EVERY = [
    ("ndjson", "none"),
    ("ndjson", "day"),
    ("csv", "none"),
    ("csv", "month"),
    ("parquet", "none"),
    ("parquet", "day"),
]


class Killed(BaseException):
    """Stands for the end of the process."""


class Mortal(HeldServer):
    """Ends the process at one of its answers."""

    def __init__(self, records: Sequence[bytes], dies_at: int) -> None:
        super().__init__(records)
        self.dies_at = dies_at

    def send(self, request: Request) -> Answer:
        if len(self.asked) + 1 == self.dies_at:
            raise Killed
        return super().send(request)


def as_written(form: str) -> bytes:
    """What the formats' own writer makes of all records, fed as pages of ten."""
    writer = FORMATS[form].new_writer(None)
    pages = [b"\n".join(RECORDS[at : at + 10]) for at in range(0, len(RECORDS), 10)]
    return b"".join([writer.begin(), *map(writer.add, pages), writer.end()])


@pytest.mark.parametrize("form", ["ndjson", "csv", "parquet"])
def test_one_file_is_what_the_server_itself_would_stream(tmp_path: Path, form: str) -> None:
    manifest = run(HeldServer(RECORDS), tmp_path, plan(format=form)).manifest
    [file] = manifest.files
    assert (tmp_path / file.name).read_bytes() == as_written(form)
    assert (manifest.rows, manifest.complete, manifest.snapshot, manifest.readings) == (47, True, "s1", 1)
    assert manifest.by_status == {"busy": 16, "completed": 16, "no-answer": 15}
    assert manifest.highest
    assert manifest.highest.created_at == max(call["created_at"] for call in map(json.loads, RECORDS))
    assert manifest.revision == 4
    assert list(damaged(tmp_path, manifest)) == []
    assert set(contents(tmp_path)) == {file.name, "manifest.json"}


def test_parts_are_by_the_day_of_creation(tmp_path: Path) -> None:
    manifest = run(HeldServer(RECORDS), tmp_path, plan(partition="day")).manifest
    assert [file.name for file in manifest.files] == [f"calls-2026-10-0{day}.ndjson" for day in (1, 2, 3)]
    assert sum(file.rows for file in manifest.files) == 47
    for file in manifest.files:
        lines = (tmp_path / file.name).read_bytes().splitlines()
        assert {json.loads(line)["created_at"][:10] for line in lines} == {file.name[6:16]}
    assert b"".join((tmp_path / file.name).read_bytes() for file in manifest.files) == as_written("ndjson")


@pytest.mark.parametrize(("form", "partition"), EVERY)
def test_killed_at_any_answer_it_goes_on_to_the_same_bytes(tmp_path: Path, form: str, partition: str) -> None:
    asked = plan(format=form, partition=partition, keeps_raw=True)
    run(HeldServer(RECORDS), tmp_path / "whole", asked)
    expected = contents(tmp_path / "whole")
    for dies_at in range(1, 9):
        out = tmp_path / str(dies_at)
        try:
            run(Mortal(RECORDS, dies_at), out, asked)
        except Killed:
            run(HeldServer(RECORDS), out, asked)
        assert contents(out) == expected, dies_at


@pytest.mark.parametrize(("form", "partition"), EVERY)
@pytest.mark.parametrize("before", [True, False])
def test_killed_at_any_checkpoint_it_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, partition: str, *, before: bool
) -> None:
    asked = plan(format=form, partition=partition)
    run(HeldServer(RECORDS), tmp_path / "whole", asked)
    expected = contents(tmp_path / "whole")
    save = checkpoints.save
    for dies_at in range(1, 8):
        saved: list[int] = []

        def mortal(
            path: Path, checkpoint: checkpoints.Checkpoint, dies_at: int = dies_at, saved: list[int] = saved
        ) -> None:
            saved.append(0)
            if len(saved) == dies_at and before:
                raise Killed
            save(path, checkpoint)
            if len(saved) == dies_at:
                raise Killed

        monkeypatch.setattr(checkpoints, "save", mortal)
        out = tmp_path / str(dies_at)
        with pytest.raises(Killed):
            run(HeldServer(RECORDS), out, asked)
        monkeypatch.setattr(checkpoints, "save", save)
        run(HeldServer(RECORDS), out, asked)
        assert contents(out) == expected, dies_at


def test_the_checkpoint_never_goes_back_and_counts_no_call_twice(tmp_path: Path) -> None:
    notes = Notes()
    with pytest.raises(Killed):
        run(Mortal(RECORDS, 6), tmp_path, notes=notes)
    kept = checkpoints.load(tmp_path / "export.checkpoint")
    assert kept
    assert isinstance(kept.place, checkpoints.Held)
    assert (kept.place.offset, kept.tally.rows) == (30, 30)
    server = HeldServer(RECORDS)
    run(server, tmp_path, notes=notes)
    assert [params["offset"] for params in server.asked] == ["30", "40"]
    assert "going on after 30 calls" in notes.said
    assert notes.rows == 47


def test_what_is_behind_the_checkpoint_is_cut_off_and_what_is_before_it_is_checked(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(Mortal(RECORDS, 6), tmp_path)
    part = tmp_path / "calls.ndjson.part"
    good = part.read_bytes()
    part.write_bytes(good + b'{"half of a li')
    run(HeldServer(RECORDS), tmp_path)
    assert (tmp_path / "calls.ndjson").read_bytes() == as_written("ndjson")
    with pytest.raises(Killed):
        run(Mortal(RECORDS, 6), tmp_path, again=Again.RESTART)
    part.write_bytes(b"#" + good[1:])
    with pytest.raises(DamagedExport, match="--restart begins anew"):
        run(HeldServer(RECORDS), tmp_path)
    part.write_bytes(good[:-1])
    with pytest.raises(DamagedExport, match="is not what the checkpoint says"):
        run(HeldServer(RECORDS), tmp_path)
    run(HeldServer(RECORDS), tmp_path, again=Again.RESTART)
    assert exported(tmp_path) == list(map(json.loads, RECORDS))


def test_another_export_does_not_go_on_with_it(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(Mortal(RECORDS, 6), tmp_path)
    with pytest.raises(OtherExport, match="filters was none and is status=busy now"):
        run(HeldServer(RECORDS), tmp_path, plan(filters=(("status", "busy"),)))


def test_two_do_not_work_on_one_checkpoint(tmp_path: Path) -> None:
    class Nosy(HeldServer):
        def send(self, request: Request) -> Answer:
            with pytest.raises(InUse, match="another export works on"):
                run(HeldServer(RECORDS), tmp_path)
            return super().send(request)

    assert run(Nosy(RECORDS[:5]), tmp_path).manifest.complete


def test_a_checkpoint_that_was_not_written_to_its_end_is_the_one_before(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(Mortal(RECORDS, 6), tmp_path)
    path = tmp_path / "export.checkpoint"
    *lines, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, last[:-2]]))
    server = HeldServer(RECORDS)
    run(server, tmp_path)
    assert server.asked[0]["offset"] == "20"
    assert exported(tmp_path) == list(map(json.loads, RECORDS))


def test_a_long_checkpoint_begins_again_with_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "_LONGEST", 1_000)
    with pytest.raises(Killed):
        run(Mortal(RECORDS, 7), tmp_path)
    assert len((tmp_path / "export.checkpoint").read_bytes().splitlines()) <= 2
    run(HeldServer(RECORDS), tmp_path)
    assert exported(tmp_path) == list(map(json.loads, RECORDS))


@pytest.mark.parametrize(("old", "new"), [(b'"version":1', b'"version":9'), (b"}\n", b"\n")])
def test_a_checkpoint_that_cannot_be_gone_on_with_can_be_begun_anew(
    tmp_path: Path, old: bytes, new: bytes
) -> None:
    with pytest.raises(Killed):
        run(Mortal(RECORDS, 6), tmp_path)
    path = tmp_path / "export.checkpoint"
    *lines, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, last.replace(old, new)]))
    with pytest.raises(DamagedExport, match="--restart begins anew"):
        run(HeldServer(RECORDS), tmp_path)
    assert run(HeldServer(RECORDS), tmp_path, again=Again.RESTART).manifest.complete


def test_a_snapshot_that_is_gone_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(Mortal(RECORDS, 6), tmp_path)
    server = HeldServer(RECORDS)
    server.status = 410
    with pytest.raises(SnapshotLost, match=r"--restart begins anew \(it is too old"):
        run(server, tmp_path)


class Restless(HeldServer):
    """Its snapshot moves: from the third page on a call is missing, comes again, or is counted otherwise."""

    how = "missing"

    def page(self, offset: int, limit: int) -> Sequence[bytes]:
        page = list(super().page(offset, limit))
        if offset == 30 and self.how == "missing":
            return page[1:]
        if offset == 30 and self.how == "again":
            return [self.records[29], *page[1:]]
        return page

    def total(self, offset: int) -> int:
        return super().total(offset) + (offset == 30 and self.how == "more")


@pytest.mark.parametrize("how", ["missing", "again", "more"])
def test_a_snapshot_that_does_not_hold_still_is_noticed(tmp_path: Path, how: str) -> None:
    server = Restless(RECORDS)
    server.how = how
    with pytest.raises(Drifted, match="--distrust"):
        run(server, tmp_path)
    assert not (tmp_path / "manifest.json").exists()


def test_a_window_without_calls_is_one_empty_file_and_none_in_parts(tmp_path: Path) -> None:
    assert [file.rows for file in run(HeldServer([]), tmp_path / "a").manifest.files] == [0]
    csv = run(HeldServer([]), tmp_path / "b", plan(format="csv"))
    assert (csv.folder / "calls.csv").read_bytes().startswith(b"id,call_sid,")
    assert run(HeldServer([]), tmp_path / "c", plan(partition="day")).manifest.files == []


def test_each_answer_is_kept_as_it_came_where_that_is_asked_for(tmp_path: Path) -> None:
    manifest = run(HeldServer(RECORDS), tmp_path, plan(keeps_raw=True)).manifest
    assert manifest.raw
    assert manifest.raw.rows == 5
    told = [json.loads((tmp_path / "raw" / f"{number:09d}.json").read_bytes()) for number in range(5)]
    assert [call for answer in told for call in answer["data"]] == list(map(json.loads, RECORDS))
    (tmp_path / "raw" / "SHA256SUMS").write_bytes(b"")
    assert list(damaged(tmp_path, manifest)) == ["raw/SHA256SUMS was changed"]


@pytest.mark.parametrize("form", ["ndjson", "parquet"])
def test_what_is_exported_is_for_its_owner_alone(tmp_path: Path, form: str) -> None:
    out = tmp_path / "o"
    former = os.umask(0o002)
    try:
        run(HeldServer(RECORDS), out, plan(format=form, keeps_raw=True))
    finally:
        os.umask(former)
    modes = {
        path.name: path.stat().st_mode & 0o777 for path in (out, *out.glob("calls*"), *out.rglob("raw/*"))
    }
    assert modes.pop("o") == (out / "raw").stat().st_mode & 0o777 == 0o700
    assert len(modes) > 2
    assert set(modes.values()) == {0o600}


def test_files_that_were_changed_are_named(tmp_path: Path) -> None:
    manifest = run(HeldServer(RECORDS), tmp_path, plan(partition="day")).manifest
    (tmp_path / "calls-2026-10-01.ndjson").unlink()
    (tmp_path / "calls-2026-10-02.ndjson").write_bytes(b"")
    assert list(damaged(tmp_path, manifest)) == [
        "calls-2026-10-01.ndjson is not there",
        "calls-2026-10-02.ndjson was changed",
    ]


def test_a_record_that_fits_no_column_is_told(tmp_path: Path) -> None:
    odd = [RECORDS[0].replace(b'"duration_seconds":null', b'"duration_seconds":"long"')]
    with pytest.raises(UnexpectedAnswer, match="--format ndjson takes any"):
        run(HeldServer(odd), tmp_path, plan(format="csv"))


def test_fields_that_nobody_knows_stay_in_ndjson(tmp_path: Path) -> None:
    more = [record[:-1] + b',"mood":{"a":[1.50]}}' for record in RECORDS]
    run(HeldServer(more), tmp_path)
    assert (tmp_path / "calls.ndjson").read_bytes() == b"".join(record + b"\n" for record in more)
