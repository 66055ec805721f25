"""`calltally export` as people run it, against a running server of ours and a bare one of the page."""

import json
import signal
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pyarrow import dataset, parquet

from tests.acceptance.bare_server import KEY, BareServer, Change, Habits, calls, listening
from tests.acceptance.bucket import Bucket, standing_in
from tests.acceptance.live import COMMAND, Live, calltally, own_environment

WITHIN_S = 60
LIST = "/api/v1/call-logs"


class ExportSession(NamedTuple):
    """A tenant of a running server, and a folder to work in."""

    live: Live
    key: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return own_environment(BASE_URL=self.live.base, API_KEY=self.key)

    def export(self, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return calltally(self.folder, "export", *words, environment=self.environment | more)

    def report(self, *events: Mapping[str, Any]) -> None:
        self.live.send_events(self.key, events)

    def stream(self, form: str, query: str = "") -> bytes:
        path = f"{LIST}?format={form}&order=asc&from=2026-10-01&to=2026-11-01{query}"
        answer = self.live.request("GET", path, headers={"authorization": f"Bearer {self.key}"})
        assert answer.status == 200, answer
        return answer.body

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()


@pytest.fixture
def session(live: Live, tmp_path: Path) -> ExportSession:
    tenant = live.new_tenant()
    key = live.new_key(tenant, "calls:read", "events:write")
    made = ExportSession(live, key, tmp_path)
    made.report(*(event(number) for number in range(240)))
    return made


def event(number: int, **stated: Any) -> dict[str, Any]:  # noqa: ANN401 (whatever a field may be)
    at = f"2026-10-{1 + number // 10:02}T10:{number % 10:02}:00Z"
    state = ("completed", "no-answer", "ringing")[number % 3]
    reported = {"id": f"e{number}", "call_sid": f"call-{number}", "occurred_at": at, "status": state}
    return {**reported, "summary": 'Said "=1+1", twice.', "route": f"r{number % 2}", **stated}


def ended(done: "subprocess.CompletedProcess[str]", code: int = 0) -> str:
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_the_file_is_to_the_byte_what_the_server_streams(session: ExportSession, form: str) -> None:
    stated = ended(session.export("--month", "2026-10", "--out", "oct", "--format", form, "--limit", "50"))
    assert session.read(f"oct/calls.{form}") == session.stream(form)
    assert stated.splitlines()[0] == "240 calls from 2026-10-01 to 2026-11-01"
    assert "complete  yes: as many calls as the server counts under this snapshot" in stated
    ended(session.export("--month", "2026-10", "--out", "days", "--format", form, "--partition", "day"))
    parts = [session.read(f"days/{path.name}") for path in sorted((session.folder / "days").glob("calls-*"))]
    heading = parts[0].partition(b"\r\n")[0] + b"\r\n" if form == "csv" else b""
    assert len(parts) == 24
    assert heading + b"".join(part.removeprefix(heading) for part in parts) == session.stream(form)


def test_filters_and_json(session: ExportSession) -> None:
    words = ("--from", "2026-10-01", "--to", "2026-11-01", "--out", "some", "--json")
    filters = ("--status", "completed", "--status", "ringing", "--route", "r0", "--escalated", "false")
    manifest = json.loads(ended(session.export(*words, *filters)))
    query = "&status=completed,ringing&route=r0&escalated=false"
    assert session.read("some/calls.ndjson") == session.stream("ndjson", query)
    assert manifest == json.loads(session.read("some/_manifest.json"))
    assert (manifest["rows"], manifest["by_status"]) == (80, {"completed": 40, "ringing": 40})
    assert manifest["filters"]["status"] == ["completed", "ringing"]


@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_what_changes_in_a_closed_month_is_an_amendment(session: ExportSession, form: str) -> None:
    words = ("--month", "2026-10", "--out", "oct", "--format", form)
    ended(session.export(*words))
    before = session.read(f"oct/calls.{form}")
    assert "there are no changes since the export" in session.export(*words).stderr
    session.report(
        event(2, id="late-1", status="completed"),
        event(300, id="late-2", occurred_at="2026-10-09T00:00:00Z"),
        event(7, id="late-3", occurred_at="2026-09-30T23:00:00Z", status="queued"),
        event(301, id="late-4", occurred_at="2026-11-09T00:00:00Z"),
    )
    stated = ended(session.export(*words))
    assert stated.splitlines()[0] == "since then: 1 added, 1 changed, 1 removed"
    assert session.read(f"oct/calls.{form}") == before
    [gone] = session.read("oct/_amendments/0001/gone.ndjson").splitlines()
    assert json.loads(gone)["reason"] == "left"
    manifest = json.loads(session.read("oct/_amendments/0001/_manifest.json"))
    assert manifest["amends"]["base"]["name"] == "_manifest.json"
    assert manifest["rows"] == 2
    session.report(event(5, id="late-5", status="completed"))
    ended(session.export(*words))
    second = json.loads(session.read("oct/_amendments/0002/_manifest.json"))
    assert second["amends"] == {
        "base": {"name": "_amendments/0001/_manifest.json", "sha256": second["amends"]["base"]["sha256"]},
        "added": 0,
        "changed": 1,
        "gone": 0,
    }
    assert len(ended(session.export("--verify", "oct")).split("since then: ")) == 3
    (session.folder / "oct/_amendments/0002" / f"calls.{form}").write_bytes(b"")
    assert "was changed" in session.export("--verify", "oct").stderr
    assert ended(session.export("--verify", "oct"), 1) == ""


def test_current_month_continues_with_later_calls(session: ExportSession) -> None:
    now = datetime.now(UTC)
    words = ("--month", f"{now:%Y-%m}", "--out", "now", "--format", "parquet")
    session.report(event(400, occurred_at=now.isoformat()))
    ended(session.export(*words))
    before = session.read("now/calls.parquet")
    session.report(event(401, occurred_at=datetime.now(UTC).isoformat()))
    assert ended(session.export(*words)).startswith("since then: 1 added, 0 changed, 0 removed")
    assert "there are no changes since the export" in session.export(*words).stderr
    assert session.read("now/calls.parquet") == before
    assert parquet.read_table(session.folder / "now/_amendments/0001/calls.parquet").num_rows == 1
    # As a reader of the whole folder: the calls of the first export alone.
    assert (
        dataset.dataset(session.folder / "now").count_rows() == parquet.read_table(BytesIO(before)).num_rows
    )
    assert len(ended(session.export("--verify", "now")).split("since then: ")) == 2


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_without_the_feed_the_window_is_compared(session: ExportSession, form: str) -> None:
    words = ("--month", "2026-10", "--out", "said", "--q", "twice", "--format", form)
    ended(session.export(*words))
    assert "there are no changes since the export" in session.export(*words).stderr
    session.report(
        event(2, id="x1", occurred_at="2026-10-01T11:00:00Z", summary="Once."),
        event(3, id="x2", occurred_at="2026-10-01T11:00:00Z", summary="Twice, at least."),
        event(300, id="x3", occurred_at="2026-10-09T00:00:00Z"),
    )
    done = session.export(*words)
    assert "the window is exported again and compared" in done.stderr
    assert ended(done).splitlines()[0] == "since then: 1 added, 1 changed, 1 removed"


def test_an_erased_call_is_gone_in_the_amendment(session: ExportSession) -> None:
    words = ("--month", "2026-10", "--out", "oct")
    ended(session.export(*words))
    tenant = session.key.split("_")[1]
    erased = session.live.request("DELETE", f"{LIST}/call-4?tenant={tenant}", headers=session.live.admin)
    assert erased.status == 204, erased
    ended(session.export(*words))
    assert json.loads(session.read("oct/_amendments/0001/gone.ndjson"))["reason"] == "erased"
    assert not (session.folder / "oct/_amendments/0001/calls.ndjson").exists()


@pytest.mark.parametrize(
    ("words", "code", "reported"),
    [
        (("--out", "x"), 2, "choose a window"),
        (("--all",), 2, "--out is missing"),
        (("--all", "--out", "x", "--format", "xml"), 2, "--format must be one of csv, ndjson, parquet"),
        (("--all", "--out", "x", "--slice", "0s"), 2, "longer than 0"),
        (("--all", "--out", "gs://b/x"), 2, "neither a folder nor s3://BUCKET/PREFIX"),
        (("--all", "--out", "s3://b/x", "--follow"), 2, "--follow appends to files"),
        (("--all", "--out", "x", "--key", "wrong"), 1, "401 unauthorized"),
        (("--all", "--out", "x", "--base-url", "http://127.0.0.1:1"), 1, "no response to GET"),
        (("--verify", "nothing"), 1, "has no manifest"),
        (("--all", "--out", "/dev/full"), 1, "/dev/full cannot be written or read"),
        (("--all", "--out", "/dev/null/x"), 1, "set --out to another folder"),
        (("--all", "--out", "x", "--checkpoint", "/dev/full/c"), 1, "/dev/full cannot be"),
        (("--month", "9999-12", "--out", "x"), 2, "is not a month"),
        (("--all", "--out", "x", "--settle", "1h"), 2, "--all has no end; leave out --settle"),
        (("--verify", "x", "--restart"), 2, "--verify only reads; leave out --restart"),
        (("--verify", "x", "--follow", "--out", "y"), 2, "leave out --follow and --out"),
        (("--all", "--out", "s3://b/x", "--checkpoint", "c"), 2, "leave out --checkpoint"),
        (("--last", "999999w", "--out", "x"), 2, "more than a hundred years"),
        (("--all", "--out", "x", "--settle", "999999w"), 2, "--settle '999999w'"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    session: ExportSession, words: Sequence[str], code: int, reported: str
) -> None:
    done = session.export(*words)
    assert ended(done, code) == ""
    assert reported in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_full_disk_is_one_line_and_the_same_command_goes_on(session: ExportSession) -> None:
    words = (*COMMAND, "export", "--month", "2026-10", "--out", "o", "--quiet")
    # No file may get longer than 8 KiB, which the system tells as it tells a full disk.
    bounded = ("sh", "-c", 'ulimit -f 16; exec "$@"', "sh", *words)
    # Nor a file of coverage's, whose own complaint would stand among the program's.
    unmeasured = {name: value for name, value in session.environment.items() if "COVERAGE" not in name}
    done = subprocess.run(
        bounded,
        cwd=session.folder,
        env=unmeasured,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert ended(done, 1) == ""
    assert done.stderr == (
        "calltally: o cannot be written or read (File too large): free some space, "
        "then run the same command to continue\n"
    )
    ended(session.export("--month", "2026-10", "--out", "o", "--quiet"))
    assert session.read("o/calls.ndjson") == session.stream("ndjson")


def test_another_window_in_the_same_folder_is_refused_and_restart_replaces_it(session: ExportSession) -> None:
    ended(session.export("--month", "2026-10", "--out", "o", "--partition", "day", "--raw", "--quiet"))
    done = session.export("--from", "2026-10-05", "--to", "2026-10-06", "--out", "o")
    assert ended(done, 2) == ""
    assert "contains another export: window was from 2026-10-01" in done.stderr
    done = session.export("--month", "2026-10", "--out", "o")
    assert ended(done, 2) == ""
    assert "contains another export: partition was day and is now none" in done.stderr
    (session.folder / "o" / "mine.txt").write_text("stays")
    ended(session.export("--from", "2026-10-05", "--to", "2026-10-06", "--out", "o", "--restart"))
    left = {path.name for path in (session.folder / "o").iterdir()}
    assert left == {"calls.ndjson", "_manifest.json", "mine.txt", ".export.lock"}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_following_appends_what_changes_until_it_is_stopped(
    session: ExportSession, how: signal.Signals
) -> None:
    words = [*COMMAND, "export", "--all", "--route", "r0", "--out", "f", "--follow"]
    changes = session.folder / "f" / "_changes.ndjson"
    expected = 0
    for round_number in range(2):
        with subprocess.Popen(
            words, cwd=session.folder, env=session.environment, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr
            wait_for_output(process, "now following changes")
            again = session.export("--all", "--route", "r0", "--out", "f", "--checkpoint", "c")
            assert "another export uses" in ended_badly(again)
            later = f"2026-11-02T00:00:0{round_number}Z"
            session.report(
                event(2, id=f"f-{round_number}-1", occurred_at=later, summary=f"Turn {round_number}."),
                event(1, id=f"f-{round_number}-2", occurred_at=later, summary="Of another route."),
                event(4, id=f"f-{round_number}-3", occurred_at=later, route=f"r{1 - round_number % 2}"),
            )
            expected += 3
            wait_for_lines(process, changes, expected)
            process.send_signal(how)
            assert "stopped; run the same command to continue" in process.stderr.read()
            assert process.wait(WITHIN_S) == 0
    reported = [json.loads(line) for line in changes.read_bytes().splitlines()]
    assert [call.get("summary") for call in reported][:1] == ["Turn 0."]
    assert {call["tombstone"] for call in reported if "tombstone" in call} == {"left"}


def ended_badly(done: "subprocess.CompletedProcess[str]") -> str:
    assert ended(done, 1) == ""
    return done.stderr


def wait_for_output(process: "subprocess.Popen[str]", words: str) -> None:
    assert process.stderr
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(words)


def wait_for_lines(process: "subprocess.Popen[str]", path: Path, count: int) -> None:
    """Waiting for the process to end is the pause between two looks."""
    for _ in range(WITHIN_S * 20):
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        break
    raise AssertionError(path.read_bytes() if path.exists() else path)


# ---------------------------------------------------------------------------------------------- a bare server


def test_a_bare_server_that_moves_is_read_until_it_agrees(tmp_path: Path) -> None:
    listed = calls(432)
    # The third page of the first day, behind the five questions before.
    plan = {8: Change(go=[listed[140].id])}
    with listening(BareServer(listed, plan)) as base:
        words = ("--from", "2026-10-01", "--to", "2026-10-04", "--out", "o", "--limit", "10")
        environment = own_environment(BASE_URL=base, API_KEY=KEY)
        done = calltally(tmp_path, "export", *words, environment=environment)
    stated = ended(done)
    assert "431 calls from 2026-10-01 to 2026-10-04" in stated
    assert "moved     0 repeats and 1 holes in 3 readings; _drift.ndjson names each" in stated
    assert "complete  yes: the last two of 3 readings agree" in stated
    assert "the server has no snapshots" in done.stderr


def test_a_bare_server_that_never_agrees_makes_the_exit_code_one(tmp_path: Path) -> None:
    class Miscounting(BareServer):
        def _body(self, page: Any, limit: int, offset: int, total: int) -> bytes:  # noqa: ANN401 (the double's own)
            return super()._body(page, limit, offset, total + 1)

    with listening(Miscounting(calls(20), habits=Habits(has_total=True))) as base:
        words = ("--all", "--out", "o", "--base-url", base, "--key", KEY)
        stated = ended(calltally(tmp_path, "export", *words), 1)
    assert "complete  NO: see above" in stated
    assert "note      1 of 1 slices have another number of calls than the server's total" in stated


# --------------------------------------------------------------------------------------------------- a bucket


def test_a_bucket_gets_the_files_and_last_of_all_the_manifest(session: ExportSession) -> None:
    bucket = Bucket()
    words = ("--month", "2026-10", "--out", "s3://exports/acme/oct", "--partition", "day", "--raw")
    with standing_in(bucket) as variables:
        stated = ended(session.export(*words, **variables))
        assert bucket.puts[-1] == "exports/acme/oct/_manifest.json"
        assert len([name for name in bucket.puts if "/calls-2026-10-" in name]) == 24
        assert "in s3://exports/acme/oct" in stated
        assert list(session.folder.iterdir()) == []
        session.report(event(2, id="late", status="completed"))
        ended(session.export(*words, **variables))
    assert bucket.puts[-1] == "exports/acme/oct/_amendments/0001/_manifest.json"
    parts = [
        body for name, body in sorted(bucket.objects.items()) if "/calls-" in name and "amend" not in name
    ]
    assert b"".join(parts) != session.stream("ndjson")
    assert len(b"".join(parts).splitlines()) == 240
    assert (
        json.loads(bucket.objects["exports/acme/oct/_amendments/0001/calls.ndjson"])["call_sid"] == "call-2"
    )


def test_an_upload_that_broke_off_goes_on_and_a_bucket_that_lies_is_noticed(session: ExportSession) -> None:
    bucket = Bucket()
    words = ("--month", "2026-10", "--out", "s3://exports/oct", "--partition", "day")
    with standing_in(bucket) as variables:
        bucket.limit = 5
        done = session.export(*words, **variables)
        assert ended(done, 1) == ""
        assert "s3://exports/oct" in done.stderr
        bucket.limit = None
        ended(session.export(*words, **variables))
        assert len(bucket.puts) == len(set(bucket.puts)) == 25
        bucket.objects["exports/oct/calls-2026-10-01.ndjson"] = b"{}\n"
        assert "differs from its manifest" in session.export(*words, **variables).stderr


def test_a_restart_leaves_nothing_of_the_export_before_in_the_bucket(session: ExportSession) -> None:
    bucket = Bucket()
    words = ("--month", "2026-10", "--out", "s3://exports/oct")
    with standing_in(bucket) as variables:
        ended(session.export(*words, **variables))
        session.report(event(2, id="late", status="completed"))
        ended(session.export(*words, **variables))
        stale = bytes(bucket.objects["exports/oct/calls.ndjson"])[::-1]
        bucket.objects["exports/oct/calls.ndjson"] = stale
        before = len(bucket.puts)
        ended(session.export(*words, "--restart", **variables))
        assert bucket.objects["exports/oct/calls.ndjson"] == session.stream("ndjson")
        assert bucket.deletes == [
            (before, "exports/oct/_manifest.json"),
            (before, "exports/oct/_amendments/0001/_manifest.json"),
        ]
        assert "there are no changes since the export" in session.export(*words, **variables).stderr


def test_a_manifest_in_a_bucket_that_names_other_files_is_refused(session: ExportSession) -> None:
    bucket = Bucket()
    words = ("--month", "2026-10", "--out", "s3://exports/oct")
    with standing_in(bucket) as variables:
        ended(session.export(*words, **variables))
        manifest = json.loads(bucket.objects["exports/oct/_manifest.json"])
        manifest["files"][0]["name"] = "../mine.txt"
        bucket.objects["exports/oct/_manifest.json"] = json.dumps(manifest).encode()
        (session.folder / "mine.txt").write_text("stays")
        done = session.export(*words, **variables)
        assert ended(done, 1) == ""
        assert "contains the file name '../mine.txt', which no export uses" in done.stderr
        assert session.read("mine.txt") == b"stays"
        # What was fetched is not taken for an export that is still to be sent.
        manifest["files"][0]["name"] = "calls.ndjson"
        bucket.objects["exports/oct/_manifest.json"] = json.dumps(manifest).encode()
        for _ in range(2):
            other = session.export("--month", "2026-09", *words[2:], **variables)
            assert "contains another export: window was" in other.stderr
        assert "there are no changes since the export" in session.export(*words, **variables).stderr
        assert bucket.deletes == []


def test_empty_export_names_the_route_that_was_meant(session: ExportSession) -> None:
    session.report(event(1, route="sales"))
    done = session.export("--all", "--route", "Sales", "--format", "csv", "--out", "none")
    assert done.returncode == 0
    assert "no call has the route 'Sales' (did you mean sales?)" in done.stderr
