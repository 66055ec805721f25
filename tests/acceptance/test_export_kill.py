"""An export that is killed at random points, and started again each time, is to the byte one that never was.

EXPORT_KILLS=50 kills each format so often.
"""

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.live import COMMAND, Live, calltally, own_environment
from tests.unmeasured import unmeasured

KILLS: Final = int(os.environ.get("EXPORT_KILLS", "2"))
CALLS: Final = 400
WITHIN_S: Final = 60


@pytest.fixture
def environment(live: Live) -> dict[str, str]:
    key = live.new_key(live.new_tenant(), "calls:read", "events:write")
    live.send_events(key, [event(number) for number in range(CALLS)])
    return own_environment(BASE_URL=live.base, API_KEY=key)


def event(number: int) -> dict[str, object]:
    at = f"2026-10-{1 + number % 9:02}T{number // 60:02}:{number % 60:02}:00Z"
    return {"id": f"e{number}", "call_sid": f"call-{number}", "occurred_at": at, "status": "completed"}


@pytest.mark.parametrize("form", ["ndjson", "csv", "parquet"])
def test_killed_at_random_points_it_ends_with_the_same_bytes(
    tmp_path: Path, environment: dict[str, str], form: str
) -> None:
    words = ("export", "--month", "2026-10", "--format", form, "--limit", "1", "--raw", "--partition", "day")
    done = calltally(tmp_path, *words, "--out", "whole", environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    chosen = random.Random(f"{form} {KILLS}")
    points = sorted(chosen.sample(range(1, CALLS), KILLS))
    for point in points:
        kill_at(tmp_path, words, environment, point)
    last = calltally(tmp_path, *words, "--out", "killed", environment=environment)
    assert last.returncode == 0, last.stdout + last.stderr
    assert "resuming after" in last.stderr
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert json.loads((tmp_path / "killed/_manifest.json").read_bytes())["rows"] == CALLS


def kill_at(folder: Path, words: tuple[str, ...], environment: dict[str, str], point: int) -> None:
    """End it the hard way once its checkpoint has so many lines, or more: it goes on meanwhile."""
    checkpoint = folder / "killed" / "export.checkpoint"
    command = [*COMMAND, *words, "--out", "killed"]
    with subprocess.Popen(
        command, cwd=folder, env=unmeasured(environment), stderr=subprocess.DEVNULL
    ) as process:
        for _ in range(WITHIN_S * 500):
            if checkpoint.exists() and checkpoint.read_bytes().count(b"\n") >= point:
                break
            try:
                process.wait(0.002)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError("it ended before it was killed")
        process.kill()


def contents(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }
