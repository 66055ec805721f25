"""The benchmark runs and prints its table. What it measures is not looked at: machines differ."""

import subprocess
import sys
from pathlib import Path

from tests.acceptance.live import own_environment
from tests.unmeasured import unmeasured

REPOSITORY = Path(__file__).resolve().parents[2]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", "--folder", str(folder), *arguments],
        cwd=REPOSITORY,
        env=unmeasured(own_environment()),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def lines_of(printed: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in printed.splitlines()
        if line.startswith("|")
    ]


def test_the_table_is_printed_and_the_data_kept(tmp_path: Path) -> None:
    done = run(tmp_path, "--size", "2k", "--only", "page", "offset", "total", "ingest")
    assert done.returncode == 0, done.stderr + done.stdout
    heading, _rule, *rows = lines_of(done.stdout)
    assert heading == ["what", "ours", "held against", "ratio", "target", ""]
    assert [row[0] for row in rows[:3]] == ["page of 25, first"] * 2 + ["page of 25 at any offset"]
    assert {row[-1] for row in rows} <= {"met", "MISSED", ""}
    [kept] = tmp_path.iterdir()
    assert kept.name.startswith("2000-")


def test_a_size_that_is_none_is_told(tmp_path: Path) -> None:
    done = run(tmp_path, "--size", "some")
    assert done.returncode == 2
    assert "such as 10k or 1m" in done.stderr


def test_a_month_is_planted_found_and_healed(tmp_path: Path) -> None:
    done = run(tmp_path, "--size", "1k", "--only", "heal")
    assert done.returncode == 0, done.stderr + done.stdout
    _heading, _rule, *rows = lines_of(done.stdout)
    assert [row[-1] for row in rows] == ["", "met", "met", "met", "", ""]
