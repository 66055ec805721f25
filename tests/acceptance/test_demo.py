"""`calltally demo` as a new user starts it: a process of its own, on a free port, in an empty folder."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, NamedTuple

import pytest

from calltally.net import HttpClient

STARTS_WITHIN_S = 60
ENDS_WITHIN_S = 20
CURL = re.compile(
    r'curl -sS "(?P<base>http://127\.0\.0\.1:\d+)/api/v1/call-logs\?limit=25&offset=0" \\\n'
    r'  -H "Authorization: Bearer (?P<key>ct_demo_[\w-]{43})"\n'
)
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
    """A running demonstration: where it is, its key, and all that it printed until it was ready."""

    base: str
    key: str
    printed: str

    def get(self, path: str) -> dict[str, Any]:
        with HttpClient() as client:
            answer = client.get(self.base + path, {"authorization": f"Bearer {self.key}"})
        assert answer.status == 200, answer.body
        body: dict[str, Any] = json.loads(answer.body)
        return body


def start(folder: Path, port: int) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CALLTALLY_")}
    return subprocess.Popen(
        [sys.executable, "-m", "calltally", "demo"],
        cwd=folder,
        env={**environment, "CALLTALLY_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def running(folder: Path, port: int = 0) -> Iterator[Demo]:
    with start(folder, port) as process:
        try:
            yield ready(process)
            process.send_signal(signal.SIGINT)
            assert process.wait(ENDS_WITHIN_S) == 0
        finally:
            process.kill()


def ready(process: subprocess.Popen[str]) -> Demo:
    """Reads until the request is printed whole; fails when the process ends or is too slow."""
    lines: Queue[str] = Queue()
    output = process.stdout
    assert output is not None

    def read() -> None:
        for line in output:
            lines.put(line)
        lines.put("")

    Thread(target=read, daemon=True).start()
    printed = ""
    while not (found := CURL.search(printed)):
        line = lines.get(timeout=STARTS_WITHIN_S)
        assert line, f"it ended before it was ready: {printed}"
        printed += line
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
            "all": demo.get("/api/v1/call-logs?limit=1000"),
            "sessions": demo.get("/api/v1/voice-sessions?status=completed"),
        }


def test_the_printed_request_answers_in_the_pages_shape(first: dict[str, Any]) -> None:
    page = first["page"]
    assert list(page)[:3] == ["data", "limit", "offset"]
    assert (len(page["data"]), page["limit"], page["offset"]) == (25, 25, 0)
    for call in page["data"]:
        assert list(call)[:7] == list(PAGE)
        assert all(isinstance(call[name], kind) for name, kind in PAGE.items())


def test_the_sample_has_calls_of_every_kind(first: dict[str, Any]) -> None:
    calls = first["all"]["data"]
    assert first["all"]["total"] == len(calls) == 60
    statuses = {call["status"] for call in calls}
    assert statuses >= {"completed", "busy", "no-answer", "failed", "canceled", "in-progress"}
    assert {call["direction"] for call in calls} == {"inbound", "outbound"}
    assert {call["route"] for call in calls} == {"support", "bookings"}
    assert any(call["escalated"] for call in calls)
    assert any(call["summary"] for call in calls)
    assert any(call["transfer"] for call in calls)


def test_the_sample_is_of_carriers_platforms_and_a_switch(first: dict[str, Any]) -> None:
    calls = first["all"]["data"]
    assert {call["provider"] for call in calls} == {"twilio", "telnyx", "vonage", "kamailio"}
    assert not any(call["conflicts"] for call in calls)
    assert first["sessions"]["total"] > 10
    by_id = {call["id"]: call for call in calls}
    for session in first["sessions"]["data"]:
        # One call, two tellers: the carrier's record leads to what was said on the platform.
        call = by_id[session["call_id"]]
        assert call["session_id"] == session["id"]
        assert (call["call_sid"], call["summary"]) == (session["call_sid"], session["summary"])
        assert session["transcript_turn_count"]


def test_the_key_is_kept_where_only_the_user_can_read_it(first: dict[str, Any], folder: Path) -> None:
    file = folder / "var" / "demo.key"
    assert file.read_text() == first["demo"].key + "\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_port_in_use_is_reported_with_the_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with start(tmp_path, port) as process:
            printed, _ = process.communicate(timeout=STARTS_WITHIN_S)
    assert process.returncode == 1
    assert printed.startswith(f"calltally: cannot listen on 127.0.0.1 port {port}")
    assert "CALLTALLY_PORT" in printed
    assert not (tmp_path / "var").exists()


def test_later_starts_play_nothing_and_keep_the_key_or_make_a_new_one(
    first: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    demo = first["demo"]
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    with running(tmp_path) as again:
        after = again.get("/api/v1/call-logs?limit=1000")
    assert ("Sending" in demo.printed, "Sending" in again.printed) == (True, False)
    assert again.key == demo.key
    assert after["data"] == first["all"]["data"]
    (tmp_path / "var" / "demo.key").unlink()
    with running(tmp_path) as last:
        assert last.key != demo.key
        assert last.get("/api/v1/call-logs")["total"] == 60
