"""`calltally demo` as a new user starts it: a process of its own, on a free port, in an empty folder."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, NamedTuple

import pytest

from calltally.net import HttpClient
from calltally.store.tenants.api_keys import SCOPES
from tests.acceptance.pages import ROOT

STARTS_WITHIN_S = 600
ENDS_WITHIN_S = 30
CURL = re.compile(
    r'curl -sS "(?P<base>http://127\.0\.0\.1:\d+)/api/v1/call-logs\?limit=25&offset=0" \\\n'
    r'  -H "Authorization: Bearer (?P<key>ct_demo_[\w-]{43})"\n'
)
LAST_LINE = "To start over"
# The fields of the reference page's example, in their order, with their types.
PAGE: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "call_sid": str,
    "direction": str,
    "status": str,
    "duration_seconds": (int, type(None)),
    "escalated": bool,
    "summary": (str, type(None)),
}


class Demo(NamedTuple):
    """A running demo: its URL, its key, and all that it printed until it was ready."""

    base: str
    key: str
    printed: str

    def id_of(self, subject: str) -> str:
        """Return the last part of the printed URL of a subject."""
        [line] = [line for line in self.printed.splitlines() if line.startswith(f"  {subject}  ")]
        return line.rpartition("/")[2]

    def get(self, path: str) -> dict[str, Any]:
        with HttpClient() as client:
            answer = client.get(self.base + path, {"authorization": f"Bearer {self.key}"})
        assert answer.status == 200, answer.body
        body: dict[str, Any] = json.loads(answer.body)
        return body


def start(folder: Path, *options: str, **variables: str) -> subprocess.Popen[str]:
    hidden = ("CALLTALLY_", "DATABASE_URL", "PORT")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return subprocess.Popen(
        [sys.executable, "-m", "calltally", "demo", *options],
        cwd=folder,
        env={**environment, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Demo]:
    with start(folder, "--port", "0", *options) as process:
        try:
            yield ready(process)
            process.send_signal(signal.SIGINT)
            assert process.wait(ENDS_WITHIN_S) == 0
        finally:
            process.kill()


def ready(process: subprocess.Popen[str]) -> Demo:
    """Reads until all is printed; fails when the process ends or is too slow."""
    lines: Queue[str] = Queue()
    output = process.stdout
    assert output is not None

    def read() -> None:
        for line in output:
            lines.put(line)
        lines.put("")

    Thread(target=read, daemon=True).start()
    printed = ""
    while LAST_LINE not in printed:
        line = lines.get(timeout=STARTS_WITHIN_S)
        assert line, f"it ended before it was ready: {printed}"
        printed += line
    found = CURL.search(printed)
    assert found, printed
    return Demo(found["base"], found["key"], printed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def first(folder: Path) -> dict[str, Any]:
    """Return the output and the responses of the first start, before its end."""
    with running(folder) as demo:
        return {
            "demo": demo,
            "page": demo.get("/api/v1/call-logs?limit=25&offset=0"),
            "open": demo.get("/api/v1/alerts?state=open"),
            "resolved": demo.get("/api/v1/alerts?state=resolved"),
            "launch": demo.get("/api/v1/analytics/launch?agent=otto-2"),
            "exports": demo.get("/api/v1/exports"),
            "reconciliations": demo.get("/api/v1/reconciliations"),
            "endpoints": demo.get("/api/v1/webhook-endpoints"),
            "calls": {
                subject: demo.get(f"/api/v1/call-logs/{demo.id_of(subject)}")
                for subject in ("an escalated call", "a call of two providers", "a contradicted call")
            },
        }


def test_printed_request_answers_in_the_pages_shape(first: dict[str, Any]) -> None:
    page = first["page"]
    assert list(page)[:3] == ["data", "limit", "offset"]
    assert (len(page["data"]), page["limit"], page["offset"]) == (25, 25, 0)
    assert 19_000 < page["total"] < 22_000
    for call in page["data"]:
        assert list(call)[:7] == list(PAGE)
        assert all(isinstance(call[name], kind) for name, kind in PAGE.items())


def test_one_incident_is_over_and_one_alert_fires(first: dict[str, Any]) -> None:
    assert "failure_rate" in {
        each["metric"] for each in first["resolved"]["data"] if each["route"] == "deliveries"
    }
    assert "bookings" in {each["route"] for each in first["open"]["data"]}


def test_launch_has_a_verdict(first: dict[str, Any]) -> None:
    assert first["launch"]["verdict"] == "better"
    assert first["launch"]["baseline"]["name"] == "otto-1"


def test_jobs_are_finished(first: dict[str, Any]) -> None:
    [export], [compared] = first["exports"]["data"], first["reconciliations"]["data"]
    assert (export["state"], compared["state"]) == ("complete", "complete")
    assert len(export["files"]) == 7
    assert set(compared["counts"]) == {"missing-event", "other-final-state", "repeated-event"}


def test_printed_calls_are_escalated_merged_and_contradicted(first: dict[str, Any]) -> None:
    escalated, merged, disputed = first["calls"].values()
    assert escalated["escalated"] is True
    assert escalated["session_id"]
    assert {event["provider"] for event in merged["events"]} >= {"vonage", "vapi"}
    assert disputed["conflicts"] > 0


def test_receiver_is_an_endpoint_of_the_tenant(first: dict[str, Any]) -> None:
    [endpoint] = first["endpoints"]["data"]
    assert endpoint["url"] == first["demo"].base + "/demo-receiver"


def test_one_callback_waits_as_a_dead_letter(first: dict[str, Any], folder: Path) -> None:
    assert f"  the dead letters         {first['demo'].base}/dead-letters\n" in first["demo"].printed
    with closing(sqlite3.connect(folder / "var" / "demo.db")) as database:
        [(provider, reason)] = database.execute("SELECT provider, reason FROM dead_letters").fetchall()
    assert provider == "twilio"
    assert reason.startswith("CallStatus 'parked': not one of")


def test_key_has_all_scopes_and_only_the_user_can_read_it(first: dict[str, Any], folder: Path) -> None:
    file = folder / "var" / "demo.key"
    assert file.read_text() == first["demo"].key + "\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with closing(sqlite3.connect(folder / "var" / "demo.db")) as database:
        [(scopes,)] = database.execute("SELECT scopes FROM api_keys").fetchall()
    assert set(scopes.split()) == set(SCOPES)


def test_port_in_use_is_reported_with_the_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])
        with start(tmp_path, "--port", port) as process:
            printed, _ = process.communicate(timeout=STARTS_WITHIN_S)
    assert process.returncode == 1
    assert printed.startswith(f"calltally: cannot listen on 127.0.0.1 port {port}")
    assert "CALLTALLY_PORT" in printed
    assert not (tmp_path / "var").exists()


def test_make_checks_the_port_before_it_installs(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        done = subprocess.run(
            ["make", "--makefile", str(ROOT / "Makefile"), "run", f"PORT={port}"],  # noqa: S607 (any make)
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    words = f"Port {port} cannot be used: Address already in use. Choose another one: make run PORT=8081"
    assert done.stderr.startswith(words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("port", ["", "0", "65536", "8080 8081", "http"])
def test_make_refuses_what_is_no_port(tmp_path: Path, port: str) -> None:
    make = ["make", "--makefile", str(ROOT / "Makefile"), "run", f"PORT={port}"]
    done = subprocess.run(make, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"Port {port} cannot be used: a port is a whole number from 1 to 65535.")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("variable", ["CALLTALLY_DATABASE_URL", "DATABASE_URL"])
def test_another_database_is_refused(tmp_path: Path, variable: str) -> None:
    with start(tmp_path, **{variable: "sqlite:///var/calltally.db"}) as process:
        printed, _ = process.communicate(timeout=STARTS_WITHIN_S)
    assert process.returncode == 1
    assert printed == (
        f"calltally: the demo uses its own database, var/demo.db, but {variable} names another one:"
        " unset it for the demo, or run `calltally serve` for that database\n"
    )
    assert not (tmp_path / "var").exists()


def test_later_start_keeps_calls_and_key_and_leaves_none_open(
    first: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    demo = first["demo"]
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    with running(tmp_path) as again:
        before = again.get(f"/api/v1/call-logs?limit=1000&to={first['page']['data'][0]['created_at']}")
        alerts = again.get("/api/v1/alerts?state=open")
    assert ("30 days" in demo.printed, "30 days" in again.printed) == (True, False)
    assert again.key == demo.key
    assert before["total"] >= first["page"]["total"] - 1
    open_calls = [call for call in before["data"] if call["ended_at"] is None]
    assert not open_calls
    assert [each["id"] for each in alerts["data"]] == [each["id"] for each in first["open"]["data"]]


def test_lost_key_is_replaced(tmp_path: Path) -> None:
    keys = set()
    for _ in range(2):
        with running(tmp_path, "--days", "2") as demo:
            keys.add(demo.key)
            assert demo.get("/api/v1/call-logs")["total"] > 100
        (tmp_path / "var" / "demo.key").unlink()
    assert len(keys) == 2
