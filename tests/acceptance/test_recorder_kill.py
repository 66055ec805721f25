"""`kill -9` of a service whose facts are recorded by a process of their own, and of that process."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from calltally.calls.identity import call_uuid
from tests.acceptance.live import Live, calltally
from tests.acceptance.test_kill import ANSWERS_WITHIN_S, CONNECTIONS, Server, Traffic
from tests.integration.deliveries.delivering import until
from tests.integration.store.probing import direct


class Busy(NamedTuple):
    """A server in traffic, and its recorder."""

    process: "subprocess.Popen[bytes]"
    live: Live
    traffic: Traffic
    recorder: int

    async def go_on(self) -> None:
        """Until each connection was answered once more, or nearly."""
        before = self.traffic.acknowledged.total()
        await until(lambda: self.traffic.acknowledged.total() > before + CONNECTIONS, ANSWERS_WITHIN_S)


def lines_of(live: Live) -> list[dict[str, Any]]:
    whole, _, _ = live.log.read_text().rpartition("\n")
    return [json.loads(line) for line in whole.splitlines()]


def recorders(live: Live) -> list[int]:
    """The processes that were begun, of which the log tells."""
    return [line["pid"] for line in lines_of(live) if line.get("state") == "begun"]


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@asynccontextmanager
async def busy(server: Server) -> AsyncIterator[Busy]:
    """In the end the service is killed."""
    traffic = server.prepare()
    process, live = server.start()
    tasks = [asyncio.create_task(traffic.connect(live.port, lambda: None)) for _ in range(CONNECTIONS)]
    try:
        await until(lambda: recorders(live), ANSWERS_WITHIN_S)
        yield Busy(process, live, traffic, recorders(live)[0])
    finally:
        process.kill()
        assert process.wait(ANSWERS_WITHIN_S) == -signal.SIGKILL
        await asyncio.gather(*tasks)


async def the_service_alone(server: Server) -> set[str]:
    async with busy(server) as taken:
        await taken.go_on()
    # It finishes what it was given, and ends by itself.
    await until(lambda: is_gone(taken.recorder), ANSWERS_WITHIN_S)
    return set(taken.traffic.acknowledged)


async def first_the_recorder(server: Server) -> set[str]:
    async with busy(server) as taken:
        os.kill(taken.recorder, signal.SIGKILL)
        # No sender is told of it: the service records by itself.
        await taken.go_on()
        assert "warning" in {line["level"] for line in lines_of(taken.live)}
    return set(taken.traffic.acknowledged)


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kill", [the_service_alone, first_the_recorder])
def test_what_was_acknowledged_is_there_once(
    kill: Callable[[Server], Coroutine[Any, Any, set[str]]], new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = new_database()
    server = Server(tmp_path, url)
    server.environment["CALLTALLY_RECORDER_FACTS_PER_SECOND"] = "1"
    acknowledged = asyncio.run(kill(server))
    with direct(url) as db:
        kept = {bytes(node): facts for node, facts in db("SELECT node, count(*) FROM facts GROUP BY node")}
    assert {call_uuid("acme", sid) for sid in acknowledged} - kept.keys() == set()
    assert set(kept.values()) == {1}
    verified = calltally(tmp_path, "verify", "--json", environment=server.environment)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert json.loads(verified.stdout)["looked_at"]["facts"] == len(kept)
