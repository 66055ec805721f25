"""`calltally serve` as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from calltally.net import HttpClient
from tests.acceptance.live import ANSWERS_WITHIN_S, HOST, Live, request_head

ENDS_WITHIN_S = 20
ADMIN_KEY = "let-me-in-" + "0" * 32


def start(folder: Path, **settings: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CALLTALLY_")}
    return subprocess.Popen(
        [sys.executable, "-m", "calltally", "serve"],
        cwd=folder,
        env={**environment, **{f"CALLTALLY_{name}": value for name, value in settings.items()}},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def server(folder: Path) -> Iterator[subprocess.Popen[str]]:
    with start(folder, PORT="0") as process:
        yield process
        process.kill()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_stopped(server: subprocess.Popen[str], stop: signal.Signals) -> None:
    assert server.stderr
    reported = json.loads(server.stderr.readline())
    assert (reported["event"], reported["host"], reported["database"]) == ("listening", "127.0.0.1", "sqlite")
    with HttpClient() as client:
        ready = client.get(f"http://127.0.0.1:{reported['port']}/readyz")
    assert ready.status == 200
    assert ready.headers["x-ratelimit-limit"] == "1000"
    assert "server" not in ready.headers
    server.send_signal(stop)
    _, rest = server.communicate(timeout=ENDS_WITHIN_S)
    assert server.returncode == 0
    assert [json.loads(line)["event"] for line in rest.splitlines()] == ["stopped"]


def test_who_waits_for_changes_does_not_keep_it_from_stopping(folder: Path) -> None:
    with start(folder, PORT="0", ADMIN_KEY=ADMIN_KEY) as process:
        assert process.stderr
        live = Live(json.loads(process.stderr.readline())["port"], ADMIN_KEY, folder)
        key = live.new_key(live.new_tenant(), "calls:read")
        with socket.create_connection((HOST, live.port), timeout=ANSWERS_WITHIN_S) as waiting:
            head = {"host": HOST, "authorization": f"Bearer {key}"}
            waiting.sendall(request_head("GET /api/v1/changes?wait=30", head))
            assert live.request("GET", "/readyz").status == 200
            process.send_signal(signal.SIGTERM)
            answer = b"".join(iter(lambda: waiting.recv(65_536), b""))
        # Sooner than answers are given up that do not come.
        _, rest = process.communicate(timeout=5)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"data":[]' in answer
    *requests, last = [json.loads(line) for line in rest.splitlines()]
    assert [line["route"] for line in requests][-1] == "/api/v1/changes"
    assert {line["event"] for line in requests} == {"request"}
    assert last["event"] == "stopped"


def test_idle_clients_keep_no_other_out_and_are_left_after_the_keep_alive_time(folder: Path) -> None:
    # The client's recv ends when the service has closed the connection.
    with (
        start(folder, PORT="0", MAX_CONNECTIONS="16", KEEP_ALIVE_SECONDS="1") as process,
        ExitStack() as held,
    ):
        assert process.stderr
        address = HOST, json.loads(process.stderr.readline())["port"]
        for number in range(60):
            waiting = held.enter_context(socket.create_connection(address, timeout=ANSWERS_WITHIN_S))
            waiting.sendall(b"GET /healthz HTTP/1.1\r\n" if number % 4 == 0 else b"")
        with socket.create_connection(address, timeout=ANSWERS_WITHIN_S) as client:
            client.sendall(request_head("GET /healthz", {"host": HOST}))
            answer = b"".join(iter(lambda: client.recv(65_536), b""))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=ENDS_WITHIN_S)
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_port_that_is_taken_is_one_line(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start(folder, PORT=str(port)) as process:
            _, output = process.communicate(timeout=ENDS_WITHIN_S)
    assert process.returncode == 1
    words = f"calltally: cannot listen on 127.0.0.1 port {port} (Address already in use): set CALLTALLY_HOST"
    assert output == f"{words} or CALLTALLY_PORT\n"


def test_a_host_that_is_not_there_is_one_line(folder: Path) -> None:
    with start(folder, HOST="no such host", PORT="0") as process:
        _, output = process.communicate(timeout=ENDS_WITHIN_S)
    assert process.returncode == 1
    assert output.startswith("calltally: cannot listen on no such host port 0 (")
    assert output.count("\n") == 1
