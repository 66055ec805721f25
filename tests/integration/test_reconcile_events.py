"""`calltally reconcile --events` with our store, any server, and an export folder; and its output."""

import csv
import gzip
import hashlib
import io
import json
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from calltally.calls.identity import Node
from calltally.cli.main import main
from calltally.client.exporting.checkpoint import FileState
from calltally.client.exporting.manifest import Manifest, write_manifest
from calltally.reconcile.against_events import EventComparison
from calltally.store.db.fact_codec import body_codec
from calltally.store.db.interface import Submission
from tests.acceptance.bare_server import KEY, BareServer, calls, listening
from tests.conftest import TENANT, Bench
from tests.integration.store.probing import direct
from tests.sample_facts import fact

WINDOW = ("--from", "2026-09-21", "--to", "2026-09-28")
SIDS = ["CA" + f"{number:032d}" for number in range(4)]
DAY_S = 86_400


class Output(NamedTuple):
    """Output and exit status of the command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 (whatever a command prints)
        return json.loads(self.out)


class Reconcile:
    """Runs `calltally reconcile` in this process, on an existing store."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *words: object, stdin: bytes = b"") -> Output:
        self._monkeypatch.setattr(sys, "argv", ["calltally", "reconcile", *map(str, words)])
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self._capsys.readouterr()
        assert isinstance(ended.value.code or 0, int)
        return Output(int(ended.value.code or 0), out, err)


@pytest.fixture
def reconcile(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Reconcile:
    for name in ("CALLTALLY_BASE_URL", "CALLTALLY_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return Reconcile(monkeypatch, capsys)


@pytest.fixture
def month(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Four calls, two of which prove to be one; the events as their endpoints received them."""
    monkeypatch.setenv("CALLTALLY_DATABASE_URL", bench.url)
    link = (Node(SIDS[3], is_carrier=True),)
    reported = [
        fact(-DAY_S, SIDS[0], status="ringing"),
        fact(1, SIDS[0], status="busy"),
        fact(2, SIDS[1], status="failed"),
        fact(3, SIDS[1], status="completed", talk_seconds=5, escalated=True),
        fact(4, SIDS[2], status="in-progress"),
        fact(5, "own-id", status="completed", is_carrier=False),
        fact(6, "own-id", status="completed", is_carrier=False, links=link, summary="The same call."),
    ]
    for each in reported:
        bench.now_us = each.occurred_us + 1_000
        bench.run(bench.store.submit([Submission(TENANT, each)]))
    with direct(bench.url) as db:
        rows = db("SELECT body FROM outbox ORDER BY revision, event")
    return [body_codec.decompress(body) for (body,) in rows]


def logged(path: Path, body_codec: Iterable[bytes]) -> Path:
    path.write_bytes(b"".join(body + b"\n" for body in body_codec))
    return path


# --------------------------------------------------------------------------------------------- a store


def test_events_of_the_ledger_reconcile_with_it(
    reconcile: Reconcile, month: list[bytes], tmp_path: Path
) -> None:
    log = logged(tmp_path / "log", month)
    output = reconcile(
        "--events", log, "--tenant", TENANT, *WINDOW, "--expect", "started", "--expect", "completed"
    )
    assert (output.code, output.err) == (0, "")
    assert output.out.splitlines() == [
        "Calls created from 2026-09-21 to 2026-09-28, reconciled with events",
        f"3 calls, {len(month)} events, 1 looked up one by one",
        "No findings.",
    ]


def test_call_from_before_the_window_is_not_unknown(
    reconcile: Reconcile, month: list[bytes], tmp_path: Path
) -> None:
    log = logged(tmp_path / "log", [body for body in month if SIDS[0].encode() in body])
    ends = ("--from", "2026-09-21T14:14:00Z", "--to", "2026-09-21T14:14:02Z")
    output = reconcile("--events", log, "--tenant", TENANT, *ends, "--json")
    assert output.code == 0, output.out
    assert output.json["looked_at"] == {"calls": 0, "events": 2, "made_later": 0, "asked": 0}


def test_findings_give_exit_code_1(reconcile: Reconcile, month: list[bytes], tmp_path: Path) -> None:
    correction = next(body for body in month if b'"corrects"' in body)
    lost = [body for body in month if body is not correction]
    log = logged(tmp_path / "log", [*lost, lost[0], b"no event"])
    output = reconcile("--events", log, "--tenant", TENANT, *WINDOW, "--json")
    assert output.code == 1
    assert output.json["counts"] == {"other-final-state": 1, "repeated-event": 1, "unreadable": 1}
    assert output.json["window"] == {
        "from": "2026-09-21T00:00:00.000000Z",
        "to": "2026-09-28T00:00:00.000000Z",
    }
    other = next(each for each in output.json["findings"] if each["kind"] == "other-final-state")
    assert (other["call_sid"], other["ours"], other["theirs"]) == (SIDS[1], "completed", "failed")


def test_window_may_be_all_of_time(reconcile: Reconcile, month: list[bytes], tmp_path: Path) -> None:
    ends = ("--from", "0001-01-01", "--to", "9999-12-31")
    output = reconcile("--events", logged(tmp_path / "log", month), "--tenant", TENANT, *ends)
    assert (output.code, output.err) == (0, "")


def test_unknown_tenant_is_named(reconcile: Reconcile, month: list[bytes], tmp_path: Path) -> None:
    output = reconcile("--events", logged(tmp_path / "log", month), "--tenant", "nobody", *WINDOW)
    assert output.code == 1
    assert "nobody" in output.err


# -------------------------------------------------------------------------------------------- a server


def envelopes(server: BareServer) -> list[bytes]:
    """Return the events of a server's calls as the server might send them, without revisions."""
    return [
        msgspec.json.encode(
            {
                "id": f"msg-{number}",
                "event": "voice.call.completed",
                "created_at": each.at,
                "data": {"call_sid": each.record["call_sid"], "status": each.record["status"]},
            }
        )
        for number, each in enumerate(server.listed)
    ]


def test_any_server_with_the_reference_api_is_supported(
    reconcile: Reconcile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = BareServer(calls(1_300))
    body_codec = envelopes(server)
    body_codec[199] = body_codec[199].replace(b"CA", b"CX")
    window = ("--from", "2026-10-02", "--to", "2026-10-09")
    with listening(server) as base:
        monkeypatch.setenv("CALLTALLY_BASE_URL", base)
        monkeypatch.setenv("CALLTALLY_API_KEY", KEY)
        stdin = b"\n".join(body_codec[:200])
        output = reconcile(
            "--events", "-", *window, "--json", "--limit", 1, "--csv", tmp_path / "all", stdin=stdin
        )
    assert output.code == 1
    # One call every ten minutes: 144 are outside the window, 1,008 in it, 55 of these with an event. One
    # event has an unknown SID, which is searched in vain.
    assert output.json["looked_at"]["calls"] == 1_008
    assert output.json["counts"] == {"missing-event": 953, "unknown-call": 1}
    assert output.json["looked_at"]["asked"] == 1
    assert len(output.json["findings"]) == 2
    assert len((tmp_path / "all").read_text().splitlines()) == 955


def test_server_window_may_be_all_of_time(reconcile: Reconcile, tmp_path: Path) -> None:
    server = BareServer(calls(3))
    ends = ("--from", "0001-01-01", "--to", "9999-12-31")
    with listening(server) as url:
        reported = ("--base-url", url, "--key", KEY)
        output = reconcile("--events", logged(tmp_path / "log", envelopes(server)), *reported, *ends)
    assert output.code in {0, 1}, output.err
    assert output.err == ""


def test_server_needs_a_key(reconcile: Reconcile, tmp_path: Path) -> None:
    log = logged(tmp_path / "log", [])
    output = reconcile("--events", log, *WINDOW, "--base-url", "http://127.0.0.1:9")
    assert (output.code, output.out) == (2, "")
    assert "CALLTALLY_API_KEY" in output.err


# -------------------------------------------------------------------------------------------- a folder


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Return an exported day of three calls, one of them from before."""
    folder = tmp_path / "export"
    folder.mkdir()
    records = [
        {
            "id": str(number),
            "call_sid": sid,
            "status": "busy",
            "created_at": f"2026-10-0{number + 1}T00:00:00Z",
        }
        for number, sid in enumerate(SIDS[:3])
    ]
    lines = b"".join(msgspec.json.encode(each) + b"\n" for each in records)
    (folder / "calls.ndjson").write_bytes(lines)
    digest = hashlib.sha256(lines).hexdigest()
    reported = {"filters": {}, "format": "ndjson", "partition": "none", "complete": True, "rows": 3}
    reported |= {"by_status": {"busy": 3}, "snapshot": None, "revision": None, "highest": None, "readings": 2}
    reported |= {
        "repeats": 0,
        "holes": 0,
        "notes": [],
        "files": [FileState("calls.ndjson", 3, len(lines), digest)],
    }
    window = {"from": "2026-10-01T00:00:00Z", "to": "2026-10-04T00:00:00Z"}
    write_manifest(folder, Manifest(source="x", window=window, **reported))  # type: ignore[arg-type] # of every kind
    return folder


def observed(sid: str, **more: object) -> bytes:
    reported = {"id": f"m-{sid}", "event": "voice.call.completed", "created_at": "2026-10-02T12:00:00Z"}
    return msgspec.json.encode(reported | {"data": {"call_sid": sid, "status": "busy"}} | more)


def test_folder_window_is_the_default(reconcile: Reconcile, export: Path, tmp_path: Path) -> None:
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress(observed(SIDS[0])))
    output = reconcile(
        "--events", packed, "--events", logged(tmp_path / "b", [observed("=x\x1b[2J")]), "--calls", export
    )
    assert (output.code, output.err) == (1, "")
    counted = re.findall(r"^(\w+ \w+) +(\d+)", output.out, re.MULTILINE)
    assert counted == [("Missing event", "2"), ("Unknown call", "1")]
    assert "\x1b" not in output.out
    assert max(map(len, output.out.splitlines())) <= 80


def test_window_may_be_inside_the_folder(reconcile: Reconcile, export: Path, tmp_path: Path) -> None:
    log = logged(tmp_path / "log", [observed(SIDS[0]), observed(SIDS[1])])
    output = reconcile("--events", log, "--calls", export, "--from", "2026-10-02", "--to", "2026-10-03")
    assert output.code == 0, output.out
    assert output.out.splitlines()[1] == "1 call, 2 events"


def test_report_files_have_findings_that_the_terminal_omits(
    reconcile: Reconcile, export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    rows, page = tmp_path / "found.csv", tmp_path / "found.html"
    log = logged(tmp_path / "log", [observed("=x", received_at="2026-10-02T13:00:00Z"), b"{"])
    files = ("--csv", rows, "--html", page)
    output = reconcile("--events", log, "--calls", export, *files, "--limit", "1", "--late", "30m")
    assert output.code == 1
    assert "Missing event, the first 1 of 3" in output.out
    assert "2026-10-02T12:00:00" in output.out
    heading, *cells = csv.reader(rows.read_text().splitlines())
    assert heading == ["kind", "call_sid", "call_id", "ours", "theirs", "detail", "event_ids", "times"]
    assert sorted(row[0] for row in cells) == [
        "late-event",
        *["missing-event"] * 3,
        "unknown-call",
        "unreadable",
    ]
    assert "'=x" in [row[1] for row in cells]
    assert "The first 1 of 3." in page.read_text()


def test_report_file_is_replaced_at_the_end_and_owner_only(
    reconcile: Reconcile, export: Path, tmp_path: Path
) -> None:
    rows, page = tmp_path / "found.csv", tmp_path / "found.html"
    rows.write_text("before")
    (tmp_path / "link").symlink_to(rows)
    words = ("--events", logged(tmp_path / "log", []), "--calls", export, "--csv", tmp_path / "link")
    assert reconcile(*words, "--expect", "bogus").code == 2
    assert rows.read_text() == "before"
    assert reconcile(*words, "--html", page).code == 1
    assert len(rows.read_text().splitlines()) == 4
    assert (tmp_path / "link").is_symlink()
    assert [path.stat().st_mode & 0o777 for path in (rows, page)] == [0o600, 0o600]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_both_reports_may_go_to_a_device(reconcile: Reconcile, export: Path, tmp_path: Path) -> None:
    log = logged(tmp_path / "log", [])
    output = reconcile("--events", log, "--calls", export, "--csv", "/dev/null", "--html", "/dev/null")
    assert (output.code, output.err) == (1, "")


def test_findings_can_be_omitted(reconcile: Reconcile, export: Path, tmp_path: Path) -> None:
    output = reconcile("--events", logged(tmp_path / "log", []), "--calls", export, "--limit", "0")
    assert output.code == 1
    assert "Missing event       3" in output.out
    assert SIDS[0] not in output.out


def test_full_disk_is_reported(
    reconcile: Reconcile, export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    monkeypatch.setattr(EventComparison.__init__, "__defaults__", (None, 1))
    output = reconcile("--events", logged(tmp_path / "log", [observed(SIDS[0])]), "--calls", export)
    assert (output.code, output.out) == (1, "")
    assert "set TMPDIR to another folder" in output.err


# ------------------------------------------------------------------------------------------- misuse


@pytest.mark.parametrize(
    ("words", "reported"),
    [
        ((), "choose one comparison"),
        (("--events", "log", "--provider", "twilio"), "choose one comparison"),
        (("--events", "log"), "no window is given"),
        (("--events", "log", *WINDOW), "the source of the calls is missing"),
        (("--events", "missing", "--calls", "export"), "missing cannot be read"),
        (("--events", "log", "--calls", "."), "has no _manifest.json"),
        (("--events", "log", "--calls", "export", "--late", "soon"), "--late 'soon'"),
        (("--events", "log", "--calls", "export", "--as-of", "now"), "--as-of"),
        (("--events", "log", "--calls", "export", "--expect", "bogus"), "completed, started, escalated"),
        (("--events", "log", "--calls", "export", "--heal"), "require --provider"),
        (("--events", "log", "--calls", "export", "--csv", "no/such/file"), "cannot be written"),
        (("--events", "log", "--calls", "export", "--html", "no/such/file"), "cannot be written"),
        (("--events", "log", "--calls", "export", "--csv", "log"), "is an input file"),
        (("--events", "log", "--calls", "export", "--html", "./log"), "is an input file"),
        (("--events", "log", "--calls", "export", "--csv", "link"), "is an input file"),
        (("--events", "log", "--calls", "export", "--csv", "export/calls.ndjson"), "folder of the export"),
        (("--events", "log", "--calls", "export", "--csv", "x", "--html", "./x"), "are the same file"),
        (("--events", "log", "--calls", "export", "--csv", "/dev/full"), "No space left on device"),
        (("--events", "log", "--calls", "export", "--html", "/dev/full"), "No space left on device"),
        (("--events", "log", "--calls", "export", "--csv", "export/.."), "cannot be written"),
        (("--events", "log", "--calls", "export", "--tenant", TENANT), "leave out --tenant"),
        (("--events", "log", "--calls", "export", "--month", "2026-10"), "choose a window inside of it"),
        (("--provider", "twilio", "--provider-file", "log", "--csv", "log"), "is an input file"),
        (
            ("--provider", "twilio", "--tenant", "acme", "--as-of", "2026-10-01"),
            "--as-of cannot be used with --provider",
        ),
        (
            ("--provider", "twilio", "--tenant", "acme", "--late", "1m"),
            "--late cannot be used with --provider",
        ),
        (
            ("--provider", "twilio", "--tenant", "acme", "--grace", "1m"),
            "--grace cannot be used with --provider",
        ),
        (
            ("--provider", "twilio", "--tenant", "acme", "--expect", "started"),
            "--expect cannot be used with --provider",
        ),
        (("--provider", "twilio"), "the tenant is missing"),
        (("--provider", "twilio", "--calls", "export"), "give --tenant"),
        (("--provider", "twilio", "--tenant", "acme", "--deliver"), "requires --heal"),
        (("--provider", "twilio", "--tenant", "acme"), "no window is given"),
    ],
)
def test_misuse_prints_one_line_with_status_2(
    reconcile: Reconcile, export: Path, words: tuple[str, ...], reported: str
) -> None:
    assert export.is_dir()
    Path("log").write_bytes(b"")
    Path("link").symlink_to("log")
    before = {path: path.is_file() and path.read_bytes() for path in sorted(Path().rglob("*"))}
    output = reconcile(*words)
    assert (output.code, output.out) == (2, "")
    assert before == {path: path.is_file() and path.read_bytes() for path in sorted(Path().rglob("*"))}
    assert reported in output.err
    assert len(output.err.splitlines()) == 1


# --------------------------------------------------------------------------------------- a provider


LISTED = {
    "sid": "CA1234567890abcdef1234567890abcdef",
    "account_sid": "AC1234567890abcdef1234567890abcdef",
    "status": "completed",
    "direction": "outbound-api",
    "from": "+14155550100",
    "to": "+14155550123",
    "start_time": "Thu, 01 Oct 2026 09:30:00 +0000",
    "end_time": "Thu, 01 Oct 2026 09:32:30 +0000",
    "duration": "142",
}


def test_provider_findings_are_printed_and_written_alike(
    reconcile: Reconcile, bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CALLTALLY_DATABASE_URL", bench.url)
    file = tmp_path / "calls.json"
    file.write_bytes(msgspec.json.encode([LISTED, LISTED | {"sid": LISTED["sid"].replace("f", "e")}]))
    words = ("--provider", "twilio", "--provider-file", file, "--tenant", TENANT, "--month", "2026-10")
    output = reconcile(*words, "--csv", tmp_path / "csv", "--limit", 1)
    assert (output.code, output.err) == (1, "")
    assert "Unheard call, the first 1 of 2" in output.out
    assert len((tmp_path / "csv").read_text().splitlines()) == 3
    healed = reconcile(*words, "--heal", "--json")
    assert (healed.code, healed.json["healed"]["recorded"]) == (1, 2)
    again = reconcile(*words, "--heal")
    assert again.code == 0
    assert again.out.splitlines()[-2:] == [
        "No findings.",
        "Healed: 0 recorded, 0 known, 0 unchanged, 0 refused, 0 left",
    ]
