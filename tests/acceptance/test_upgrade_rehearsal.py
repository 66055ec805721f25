"""The code of the commit before fills a database and goes on beside today's, on both databases."""

import subprocess
import sys

import pytest

from tests.acceptance.pages import ROOT
from tests.unmeasured import unmeasured
from tools.rehearsal.upgrade import CALLS

ENDS_WITHIN_S = 300


def rehearse(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "ignore", "-m", "tools.rehearsal.upgrade", *words]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=unmeasured(),
        capture_output=True,
        text=True,
        check=False,
        timeout=ENDS_WITHIN_S,
    )


def commit_before() -> str:
    """Return the commit before this one; this one in a clone without history."""
    command = ["git", "rev-parse", "--verify", "--quiet", "HEAD~1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "HEAD"


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_both_versions_list_the_same_calls(database: str) -> None:
    ref = commit_before()
    done = rehearse(ref, "--database", database)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{ref} and the present code list the same {CALLS} calls" in done.stdout
    assert ": clean\n" in done.stdout
