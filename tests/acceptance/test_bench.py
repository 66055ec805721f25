"""The benchmark runs and prints its table. What it measures is not looked at: machines differ."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from calltally.cli.main import Subcommands
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


def test_an_unknown_size_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "--size", "some")
    assert done.returncode == 2
    assert "such as 10k or 1m" in done.stderr


def test_a_month_is_planted_found_and_healed(tmp_path: Path) -> None:
    done = run(tmp_path, "--size", "1k", "--only", "heal")
    assert done.returncode == 0, done.stderr + done.stdout
    _heading, _rule, *rows = lines_of(done.stdout)
    assert [row[-1] for row in rows] == ["", "met", "met", "met", "", ""]


def test_made_up_traffic_and_scores_are_commands_of_the_benchmark_and_not_of_the_product(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "bench", "traffic", "--hours", "1"]
    made = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=100)
    assert {"ringing", "completed"} <= {json.loads(line)["status"] for line in made.stdout.splitlines()}
    rules = tmp_path / "rules.toml"
    command = [sys.executable, "-m", "bench", "score", "--rules", str(rules)]
    refused = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=100
    )
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"bench: the rules in {rules} cannot be read")
    assert "lab" not in Subcommands.locations
    assert find_spec("calltally.lab") is None
