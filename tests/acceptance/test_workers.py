"""`calltally serve --workers` on PostgreSQL: several processes behind one port, like one from outside."""

import asyncio
import json
import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import monotonic
from urllib.parse import urlencode

import pytest

from tests.acceptance.live import COMMAND, HOST, Live, calltally, own_environment, port_of, request_head
from tests.unit.providers.twilio.signing import FORM, TOKEN, repeated, sdk_signature

WORKERS = 2
ENDS_WITHIN_S = 30
ADMIN_KEY = "let-me-in-" + "0" * 32
SECRET_KEY = "A" * 43 + "="
on_postgres = pytest.mark.parametrize("new_database", ["postgres"], indirect=True)


class Server:
    """One `serve` with several processes."""

    def __init__(self, folder: Path, *words: str, **settings: str) -> None:
        self.environment = own_environment(PORT="0", ADMIN_KEY=ADMIN_KEY, LOG_LEVEL="debug", **settings)
        self._log = folder / "serve.log"
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [*COMMAND, "serve", *words], cwd=folder, env=self.environment, stderr=output
            )
        self.live = Live(port_of(self.process, self._log), ADMIN_KEY, self._log)

    def reported(self, event: str) -> list[dict[str, int]]:
        # Each request writes a line, and the last one may not be whole yet.
        lines = [line for line in self._log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return [reported for reported in map(json.loads, lines) if reported["event"] == event]

    def wait_for(self, what: Callable[[], bool]) -> None:
        """Looking is all that is done meanwhile; the process that has to do it is another."""
        until = monotonic() + ENDS_WITHIN_S
        while not what():
            assert monotonic() < until, self._log.read_text()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)

    def wait_for_all(self) -> None:
        """Until each place is taken by a process that works."""
        self.wait_for(lambda: len(self.pids()) == WORKERS)
        for worker in self.pids():
            self.wait_for(partial(self._is_replaced, worker))

    def _is_replaced(self, worker: int) -> bool:
        return self.metric(f'process_open_fds{{worker="{worker}"}}') > 0

    def pids(self) -> dict[int, int]:
        """The latest process at each place."""
        return {reported["worker"]: reported["pid"] for reported in self.reported("process started")}

    def metric(self, name: str) -> float:
        """Return the sum over the labels, as any process reports it for all."""
        text = self.live.request("GET", "/metrics").body.decode()
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(ENDS_WITHIN_S)


@pytest.fixture
def new_server(tmp_path: Path, new_database: Callable[[], str]) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def make(*words: str, **settings: str) -> Server:
        worker = {"DATABASE_URL": new_database(), "SECRET_KEY": SECRET_KEY}
        servers.append(Server(tmp_path, *words, **worker | settings))
        return servers[-1]

    yield make
    for server in servers:
        server.process.kill()
        server.process.wait(ENDS_WITHIN_S)
        server.wait_for(lambda server=server: not any(map(is_running, server.pids().values())))  # type: ignore[misc]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


HEALTH = request_head("GET /healthz", {"host": HOST})


async def request_at_once(port: int, connections: int) -> None:
    """That many connections that are all open before the first asks."""
    opened = await asyncio.gather(*(asyncio.open_connection(HOST, port) for _ in range(connections)))
    for reader, writer in opened:
        writer.write(HEALTH)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    for _, writer in opened:
        writer.close()
        await writer.wait_closed()


@on_postgres
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_they_begin_and_end_together(new_server: Callable[..., Server], stop: signal.Signals) -> None:
    server = new_server("--workers", str(WORKERS))
    assert server.reported("listening")[0]["workers"] == WORKERS
    server.wait_for_all()
    assert server.live.request("GET", "/readyz").status == 200
    assert server.end(stop) == 0
    assert not any(map(is_running, server.pids().values()))
    assert len(server.reported("stopped")) == 1
    assert server.reported("process died") == []


@on_postgres
def test_connections_that_come_together_are_shared_out(new_server: Callable[..., Server]) -> None:
    server = new_server("--workers", str(WORKERS))
    server.wait_for_all()
    asyncio.run(request_at_once(server.live.port, 60))
    server.wait_for(lambda: sum(server_counts(server).values()) == 60)
    served = server_counts(server)
    # The system goes by the client's port: to have fewer than ten would be a chance of one in ten million.
    assert min(served.values()) >= 10


def server_counts(server: Server) -> Counter[int]:
    """How many probes each process answered: each counts in a file of its own, which it has in its memory."""
    counts: Counter[int] = Counter()
    for worker, pid in server.pids().items():
        maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
        counts[worker] = 0
        for file in {line.split()[-1] for line in maps if re.search(r"/counter_\d+\.db$", line)}:
            content = Path(file).read_bytes()
            if found := re.search(rb'calltally_http_requests_total", \{[^}]*"/healthz"[^]]*\] *', content):
                counts[worker] += int(memoryview(content[found.end() : found.end() + 8]).cast("d")[0])
    return counts


@on_postgres
def test_each_process_reports_for_all_and_no_counter_jumps_when_one_dies(
    new_server: Callable[..., Server],
) -> None:
    server = new_server("--workers", str(WORKERS))
    server.wait_for_all()
    asyncio.run(request_at_once(server.live.port, 30))
    name = 'calltally_http_requests_total{method="GET",route="/healthz"'
    # The last answer is counted when it is sent.
    server.wait_for(lambda: server.metric(name) == 30)
    assert {server.metric(name) for _ in range(5)} == {30}
    before = server.metric("calltally_http_request_seconds_count")
    for worker, pid in sorted(server.pids().items()):
        os.kill(pid, signal.SIGKILL)
        server.wait_for(lambda worker=worker, pid=pid: server.pids()[worker] != pid)  # type: ignore[misc]
        assert server.metric(name) == 30
    asyncio.run(request_at_once(server.live.port, 30))
    server.wait_for(lambda: server.metric(name) == 60)
    assert {server.metric(name) for _ in range(5)} == {60}
    assert server.metric("calltally_http_request_seconds_count") >= before + 30
    assert server.metric("calltally_writer_queue") == 0
    server.wait_for_all()
    assert server.end() == 0


@on_postgres
def test_a_key_has_one_budget_whichever_process_it_meets(new_server: Callable[..., Server]) -> None:
    server = new_server(WORKERS=str(WORKERS), RATE_LIMIT_PER_MINUTE="20")
    assert server.reported("listening")[0]["workers"] == WORKERS
    server.wait_for_all()
    key = server.live.new_key(server.live.new_tenant(), "calls:read")
    headers = {"authorization": f"Bearer {key}"}
    answers = [server.live.request("GET", "/api/v1/call-logs", headers=headers) for _ in range(40)]
    passed = [answer for answer in answers if answer.status == 200]
    assert {answer.status for answer in answers} == {200, 429}
    # What is given back while they ask may let a few more through.
    assert 20 <= len(passed) <= 25
    assert [int(answer.headers["x-ratelimit-remaining"]) for answer in passed[:5]] == [19, 18, 17, 16, 15]


def test_migrations_that_start_at_once_on_a_new_database(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as at_once:
        migrations = list(at_once.map(lambda _: calltally(tmp_path, "migrate"), range(3)))
    assert [done.returncode for done in migrations] == [0] * 3


@on_postgres
def test_what_one_node_seals_another_opens(new_database: Callable[[], str], tmp_path: Path) -> None:
    worker = {"DATABASE_URL": new_database(), "SECRET_KEY": SECRET_KEY, "WORKERS": "2"}
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
    nodes = [Server(folder, **worker) for folder in folders]
    try:
        one, other = (node.live for node in nodes)
        tenant = one.new_tenant()
        one.administer("PUT", f"/{tenant}/providers/twilio", {"auth_token": TOKEN})
        form = [("CallSid", "CA" + "1" * 32), ("AccountSid", "AC" + "2" * 32), ("CallStatus", "ringing")]
        path = f"/api/v1/ingest/twilio/{tenant}"
        signature = sdk_signature(other.base + path, repeated(form))
        headers = {"x-twilio-signature": signature, "content-type": FORM}
        assert other.request("POST", path, urlencode(form).encode(), headers).status == 200
    finally:
        assert [node.end() for node in nodes] == [0, 0]


@on_postgres
def test_a_service_that_cannot_start_reports_it_once(new_database: Callable[[], str], tmp_path: Path) -> None:
    url = f"{new_database()}-that-is-not-there"
    settings = own_environment(PORT="0", DATABASE_URL=url, SECRET_KEY=SECRET_KEY)
    done = calltally(tmp_path, "serve", "--workers", "3", environment=settings)
    assert done.returncode == 1
    assert done.stderr.startswith("calltally: ")
    assert done.stderr.count("\n") == 1


@on_postgres
def test_a_port_that_is_taken_is_refused(new_server: Callable[..., Server], tmp_path: Path) -> None:
    server = new_server("--workers", "2")
    settings = server.environment | {"CALLTALLY_PORT": str(server.live.port)}
    done = calltally(tmp_path, "serve", "--workers", "2", environment=settings)
    assert done.returncode == 1
    assert "Address already in use" in done.stderr


@pytest.mark.parametrize(("words", "settings"), [(("--workers", "2"), {}), ((), {"WORKERS": "2"})])
def test_on_sqlite_they_are_refused(folder: Path, words: tuple[str, ...], settings: dict[str, str]) -> None:
    done = calltally(folder, "serve", *words, environment=own_environment(PORT="0", **settings))
    assert done.returncode == 1
    assert done.stderr == (
        "calltally: SQLite allows one server process: leave out --workers and CALLTALLY_WORKERS,"
        " or use PostgreSQL\n"
    )


def test_a_second_service_on_the_same_sqlite_file_is_refused(folder: Path) -> None:
    server = Server(folder)
    try:
        done = calltally(folder, "serve", environment=own_environment(PORT="0"))
        assert done.returncode == 1
        assert done.stderr.startswith(
            "calltally: another `calltally serve` or `calltally demo` runs on var/calltally.db"
        )
        server.process.kill()
        server.process.wait(ENDS_WITHIN_S)
        server = Server(folder)
        assert server.live.request("GET", "/readyz").status == 200
    finally:
        assert server.end() == 0


@pytest.mark.parametrize("wrong", ["0", "many", "257"])
def test_a_number_that_is_none_is_refused(tmp_path: Path, wrong: str) -> None:
    assert calltally(tmp_path, "serve", "--workers", wrong).returncode == 2
    assert calltally(tmp_path, "serve", environment=own_environment(WORKERS=wrong)).returncode == 1


@on_postgres
def test_without_their_parent_they_end(new_server: Callable[..., Server]) -> None:
    server = new_server("--workers", str(WORKERS))
    server.wait_for_all()
    server.end(signal.SIGKILL)
    until = monotonic() + ENDS_WITHIN_S
    while any(map(is_running, server.pids().values())):
        assert monotonic() < until
