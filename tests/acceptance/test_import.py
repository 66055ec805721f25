import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import apsw
import pytest
from backports import zstd

from tests.acceptance.live import calltally, own_environment
from tests.unit.providers.generic import pack_tables
from tests.unmeasured import unmeasured

Run = Callable[..., subprocess.CompletedProcess[str]]

COMMAND = (sys.executable, "-m", "calltally")


@pytest.fixture
def run(folder: Path) -> Run:
    """Runs `calltally` in a folder of its own, with a migrated database and the tenant `acme`."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return calltally(folder, *map(str, arguments))

    assert run("tenant", "add", "acme").returncode == 0
    return run


def test_a_file_imported_twice_is_known_the_second_time(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "calls.json"
    file.write_text('{"calls": [{"sid": "CA1", "status": "busy"}, {"sid": "CA2", "status": "failed"}]}')
    first = run("import", "twilio", file, "--tenant", "acme")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("2 read: ")
    assert first.stdout.endswith(", 0 refused.\n")
    second = run("import", "twilio", file, "--tenant", "acme", "--json")
    assert second.returncode == 0
    expected = {"recorded": 0, "conflicting": 0, "known": 2, "unchanged": 0, "refused": 0, "refusals": []}
    assert json.loads(second.stdout) == {**expected, "unread_fields": 0, "unlisted": []}


def test_refusals_are_reported_with_their_position_and_the_rest_is_imported(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "calls.ndjson"
    file.write_text('{"sid": "CA1", "status": "busy"}\n{"sid": "CA2", "status": "lost"}\nnonsense\n')
    done = run("import", "twilio", file, "--tenant", "acme")
    assert done.returncode == 1
    assert (
        done.stdout
        == "3 read: 1 recorded (0 of them conflicting), 0 already known, 0 without changes, 2 refused.\n"
    )
    assert "refused: calls.ndjson: line 2: status 'lost': not one of queued" in done.stderr
    assert "refused: calls.ndjson: line 3: not JSON" in done.stderr
    displayed = json.loads(run("import", "twilio", file, "--tenant", "acme", "--json").stdout)
    positions = [refusal["position"] for refusal in displayed["refusals"]]
    assert positions == ["calls.ndjson: line 2", "calls.ndjson: line 3"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("nobody", __file__, "--tenant", "acme"),
            "records of 'nobody' cannot be imported; choose one of twilio",
        ),
        (("twilio", __file__, "--tenant", "nobody"), "there is no tenant 'nobody'"),
        (("twilio", "absent.json", "--tenant", "acme"), "absent.json"),
        (("twilio", __file__), "--tenant"),
    ],
)
def test_wrong_arguments_are_explained(run: Run, arguments: tuple[str, ...], words: str) -> None:
    done = run("import", *arguments)
    assert done.returncode in {1, 2}
    assert words in done.stderr
    assert "Traceback" not in done.stderr


HEADER = "calldate,src,dst,disposition,duration,billsec,uniqueid,linkedid\n"


# So long a file is read by a process of its own.
CALLS = 12_000


def row(number: int, *, talk: int = 33) -> str:
    return (
        f"2026-08-22 07:40:00,+14155550123,100,ANSWERED,42,{talk},1787386800.{number},1787386800.{number}\n"
    )


def test_an_import_that_was_killed_goes_on_and_gives_the_same_calls(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "Master.csv"
    file.write_text(HEADER + "".join(row(number) for number in range(CALLS)))
    command = [*COMMAND, "import", "asterisk", str(file), "--tenant", "acme", "--account", "pbx", "--json"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=unmeasured(own_environment()), stdout=subprocess.DEVNULL
    ) as process:
        while run_total(tmp_path) < 500 and process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.02)
        process.kill()
    before = run_total(tmp_path)
    report = json.loads(run(*command[len(COMMAND) :]).stdout)
    assert 500 <= before < CALLS
    assert report["recorded"] == CALLS - report["known"]
    assert report["known"] >= before
    again = json.loads(run(*command[len(COMMAND) :]).stdout)
    assert (again["known"], again["recorded"], again["refused"]) == (CALLS, 0, 0)
    assert run_total(tmp_path) == CALLS
    assert run("verify", "--tenant", "acme").returncode == 0


def run_total(folder: Path) -> int:
    """How many calls the database has now, asked beside whoever writes it."""
    connection = apsw.Connection(str(folder / "var" / "calltally.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        (count,) = connection.execute("SELECT count(*) FROM calls").fetchall()[0]
        return int(str(count))
    finally:
        connection.close()


def run_records(folder: Path) -> list[dict[str, object]]:
    """Return the stored records of all calls."""
    connection = apsw.Connection(str(folder / "var" / "calltally.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        rows = connection.execute("SELECT record FROM calls").fetchall()
        return [json.loads(bytes(record)) for (record,) in rows]  # type: ignore[arg-type]
    finally:
        connection.close()


def test_packed_files_and_standard_input_are_read_by_what_they_hold(tmp_path: Path, run: Run) -> None:
    (tmp_path / "0.bin").write_bytes(gzip.compress((HEADER + row(0)).encode()))
    (tmp_path / "1.bin").write_bytes(zstd.compress((HEADER + row(1)).encode()))
    reported = ("import", "asterisk", "0.bin", "1.bin", "--tenant", "acme", "--json")
    assert json.loads(run(*reported).stdout)["recorded"] == 2
    (tmp_path / "cut.gz").write_bytes(gzip.compress((HEADER + row(7) * 50).encode())[:-12])
    cut = run("import", "asterisk", "cut.gz", "--tenant", "acme")
    assert cut.returncode == 1
    assert "cut.gz: the file cannot be read after line" in cut.stderr
    piped = subprocess.run(
        [*COMMAND, "import", "asterisk", "-", "--tenant", "acme", "--json"],
        cwd=tmp_path,
        input=(HEADER + row(9)).encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert json.loads(piped.stdout)["recorded"] == 1


def test_refused_lines_are_kept_as_they_came_and_conflicts_are_counted(tmp_path: Path, run: Run) -> None:
    wrong = row(2, talk=99)
    (tmp_path / "a.csv").write_text(HEADER + row(1) + wrong + row(3) + row(4)[:30])
    done = run("import", "asterisk", "a.csv", "--tenant", "acme", "--refused", "refused.csv")
    assert "2 recorded (0 of them conflicting)" in done.stdout
    assert "a.csv: line 3: billsec 99 is longer than duration 42" in done.stderr
    assert (tmp_path / "refused.csv").read_text() == wrong + row(4)[:30] + "\n"
    calls = [{"sid": "CA1", "status": "busy"}, {"sid": "CA1", "status": "failed"}]
    (tmp_path / "b.json").write_text(json.dumps(calls))
    report = json.loads(run("import", "twilio", "b.json", "--tenant", "acme", "--json").stdout)
    assert (report["recorded"] + report["unchanged"], report["conflicting"]) == (2, 1)


def test_a_table_of_any_shape_goes_in_by_a_mapping(tmp_path: Path, run: Run) -> None:
    mapping = 'provider = "acme"\nformat = "csv"\n[csv]\ndelimiter = ";"\n[fields]\ncall_sid = "Nr"\n'
    (tmp_path / "m.toml").write_text(mapping)
    (tmp_path / "a.csv").write_text("Nr;x\n1;2\n2;3\n")
    reported = ("import", "generic", "a.csv", "--tenant", "acme", "--mapping", "m.toml", "--json")
    assert json.loads(run(*reported).stdout)["recorded"] == 2
    without = run("import", "generic", "a.csv", "--tenant", "acme")
    assert (without.returncode, "there is no mapping of generic" in without.stderr) == (2, True)


@pytest.mark.parametrize(
    ("pack", "rows", "calls"),
    [
        ("cdr-stats", pack_tables.CDR_STATS, pack_tables.CDR_STATS_CALLS),
        ("fusionpbx", pack_tables.FUSIONPBX, pack_tables.FUSIONPBX_CALLS),
    ],
)
def test_a_table_goes_in_by_the_name_of_a_pack(
    pack: str, rows: bytes, calls: pack_tables.Calls, folder: Path, run: Run
) -> None:
    (folder / "calls.csv").write_bytes(rows)
    arguments = ("import", "generic", "calls.csv", "--tenant", "acme", "--mapping", pack, "--json")
    done = run(*arguments)
    assert (json.loads(done.stdout)["recorded"], done.returncode) == (len(calls), 0)
    assert json.loads(run(*arguments).stdout)["known"] == len(calls)
    stored = {record["call_sid"]: record for record in run_records(folder)}
    assert {sid: {name: stored[sid][name] for name in fields} for sid, fields in calls.items()} == calls
    assert stored.keys() == calls.keys()
