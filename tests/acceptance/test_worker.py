"""Background work in real processes: `calltally worker`, and inside `calltally serve`."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.live import COMMAND, calltally, own_environment

ENDS_WITHIN_S = 20
STOPS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture
def folder(folder: Path) -> Path:
    assert calltally(folder, "tenant", "add", "acme").returncode == 0
    return folder


def start(folder: Path, *words: str, **settings: str) -> subprocess.Popen[str]:
    """Start a process with rounds at most a second apart, each of them logged."""
    usual = {"PORT": "0", "LOG_LEVEL": "debug", "WORKER_INTERVAL_SECONDS": "1"}
    return subprocess.Popen(
        [*COMMAND, *words],
        cwd=folder,
        env=own_environment(**usual | settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stderr
    for line in process.stderr:
        yield json.loads(line)


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("command", ["worker", "serve"])
def test_rounds_run_until_a_stop_signal(folder: Path, command: str, stop: signal.Signals) -> None:
    with start(folder, command) as process:
        try:
            log_lines = lines(process)
            assert next(log_lines)["event"] == {"worker": "working", "serve": "listening"}[command]
            done = next(line for line in log_lines if line["event"] == "worker round")
            assert (done["tenants"], done["failed"]) == (1, 0)
            process.send_signal(stop)
            rest = [line["event"] for line in log_lines]
            assert process.wait(ENDS_WITHIN_S) == 0
        finally:
            process.kill()
    assert rest[-1] == "stopped"
    assert "worker failed" not in rest


@pytest.mark.parametrize("new_database", ["postgres"], indirect=True)
@pytest.mark.parametrize("words", [("serve",), ("serve", "--workers", "2")])
def test_serve_does_the_background_work_on_postgresql(
    new_database: Callable[[], str], tmp_path: Path, words: Sequence[str]
) -> None:
    with start(tmp_path, *words, DATABASE_URL=new_database(), SECRET_KEY="A" * 43 + "=") as process:
        try:
            done = next(line for line in lines(process) if line["event"] == "worker round")
        finally:
            process.terminate()
            process.communicate(timeout=ENDS_WITHIN_S)
    assert done["failed"] == 0


def test_serve_without_a_worker_logs_it(folder: Path) -> None:
    with start(folder, "serve", "--no-worker") as process:
        try:
            reported = lines(process)
            first, second = next(reported), next(reported)
            # It has handlers for signals as soon as it answers.
            health = HTTPConnection(second["host"], second["port"], timeout=ENDS_WITHIN_S)
            health.request("GET", "/healthz")
            assert health.getresponse().status == 200
            health.close()
            process.terminate()
            rest = [line["event"] for line in reported]
        finally:
            process.kill()
    assert "nothing is delivered unless `calltally worker` runs" in first["event"]
    assert second["event"] == "listening"
    assert rest == ["request", "stopped"]


def test_worker_without_a_database_explains_what_to_do(tmp_path: Path) -> None:
    done = calltally(tmp_path, "worker")
    assert done.returncode == 1
    assert done.stderr.startswith("calltally: there is no database at")
