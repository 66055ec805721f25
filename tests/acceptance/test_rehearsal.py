"""The rehearsal of a migration runs, on both databases, and never on top of somebody's calls."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from calltally.store.backends.open import migrate
from calltally.store.backends.schema import HEAD
from tests.acceptance.pages import ROOT
from tests.unmeasured import unmeasured

CALLS = 2_000
LINE = re.compile(r"^ +\d+\.\d\d  (.+)$", re.MULTILINE)
WAITED = re.compile(r"a (writer|reader) waited \d+\.\d\d s at the longest, and came through ([\d,]+) times")


def rehearse(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "ignore", "-m", "tools.rehearsal", *words]
    return subprocess.run(
        command, cwd=ROOT, env=unmeasured(), capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_it_reports_the_duration_and_the_waits_of_each_step(database: str) -> None:
    done = rehearse("--calls", str(CALLS), "--database", database)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{CALLS:,} calls at " in done.stdout
    assert f"migrated to {HEAD} in " in done.stdout
    statements = LINE.findall(done.stdout)
    [newest] = (ROOT / "src/calltally/store/migrations/versions").glob(f"{HEAD}_*.{database}.sql")
    named = re.findall(
        r"^(?:CREATE TABLE|CREATE INDEX|ALTER TABLE|INSERT INTO|UPDATE) \w+", newest.read_text(), re.MULTILINE
    )
    assert named
    assert all(any(each.startswith(name) for each in statements) for name in named)
    assert statements[-1] == "COMMIT"
    waited = WAITED.findall(done.stdout)
    assert [who for who, _ in waited] == ["writer", "reader"]
    assert all(int(times.replace(",", "")) > 0 for _, times in waited)


def test_a_database_with_tables_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'calltally.db'}"
    migrate(url)
    before = (tmp_path / "calltally.db").read_bytes()
    done = rehearse("--calls", "1", "--database", url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "name an empty one" in done.stderr
    assert (tmp_path / "calltally.db").read_bytes() == before
