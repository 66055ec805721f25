"""Three API processes and two workers on one PostgreSQL, one of which is killed each second under load.

MANY_NODES_KILLS=60 makes it a minute.
"""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from statistics import median
from time import monotonic

import pytest

from calltally.calls.identity import call_uuid
from tests.acceptance.live import calltally
from tests.acceptance.nodes import Crowd, Node, environment
from tests.integration.store.probing import direct

KILLS = int(os.environ.get("MANY_NODES_KILLS", "8"))
EACH_S = 1.0
SENDERS, READERS, FADERS = 24, 3, 2
READY_WITHIN_S = 60
TENANT, FADING = "acme", "fading"


class Deployment:
    """The nodes, and what an operator does before they serve."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self.url = url
        self.settings = environment(url)
        for tenant in (TENANT, FADING):
            self.run("tenant", "add", tenant)
        self.run("tenant", "retention", FADING, "--days", "1")
        self.api = [Node("serve", number, folder, self.settings) for number in range(3)]
        self.workers = [Node("worker", number, folder, self.settings) for number in range(2)]

    def run(self, *words: str) -> str:
        done = self.attempt(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def attempt(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return calltally(self._folder, *words, environment=self.settings)

    def new_key(self, tenant: str) -> str:
        scopes = ("--scope", "calls:read", "--scope", "events:write", "--scope", "transcripts:read")
        return str(json.loads(self.run("key", "add", tenant, *scopes, "--json"))["key"])

    @property
    def nodes(self) -> list[Node]:
        """In the order in which they are killed."""
        return [self.api[0], self.workers[0], self.api[1], self.workers[1], self.api[2]]


@pytest.fixture
def deployment(new_database: Callable[[], str], tmp_path: Path) -> Iterator[Deployment]:
    with ExitStack() as running:
        made = Deployment(tmp_path, new_database())
        for node in made.nodes:
            running.enter_context(node)
        yield made


async def all_ready(crowd: Crowd, nodes: Sequence[Node]) -> None:
    until = monotonic() + READY_WITHIN_S
    while not all(node.is_ready for node in nodes):
        assert monotonic() < until
        await crowd.pause(0.05)


async def kill_one_by_one(crowd: Crowd, nodes: Sequence[Node]) -> None:
    """One each second, and start it again; only what was at work counts."""
    for _, node in zip(range(KILLS), cycle(nodes), strict=False):
        await asyncio.gather(crowd.pause(EACH_S), all_ready(crowd, [node]))
        node.kill()
        node.start()


async def kill_under_load(deployment: Deployment) -> Crowd:
    crowd = Crowd(deployment.api)
    key, fading = deployment.new_key(TENANT), deployment.new_key(FADING)
    await all_ready(crowd, deployment.nodes)
    clients = [
        *(crowd.report(number, key) for number in range(SENDERS)),
        *(crowd.read(number, key) for number in range(READERS)),
        *(crowd.fade(number, fading) for number in range(FADERS)),
    ]
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client)
        await kill_one_by_one(crowd, deployment.nodes)
        await all_ready(crowd, deployment.nodes)
        await crowd.pause(EACH_S)
        crowd.stop()
    return crowd


@pytest.mark.parametrize("new_database", ["postgres"], indirect=True)
def test_what_was_acknowledged_is_there_whichever_node_was_killed(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    started = monotonic()
    crowd = asyncio.run(kill_under_load(deployment))
    seconds = monotonic() - started
    assert [node.end() for node in deployment.nodes] == [0] * 5
    assert sum(node.kills for node in deployment.nodes) == KILLS
    # The load was one, and so were the kills.
    assert crowd.losses
    assert crowd.reads
    assert crowd.faded
    assert crowd.acknowledged == crowd.reported
    with direct(deployment.url) as db:
        rows = db("SELECT node, count(*) FROM facts WHERE tenant = ? GROUP BY node", TENANT)
        [(erased,)] = db("SELECT erasures FROM ledger_heads WHERE tenant = ?", FADING)
    assert {bytes(node): facts for node, facts in rows} == {
        call_uuid(TENANT, sid): facts for sid, facts in crowd.acknowledged.items()
    }
    assert erased, "the workers had nothing to do"
    verified = deployment.attempt("verify", "--json")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert json.loads(verified.stdout)["findings"] == []
    facts, lost = crowd.acknowledged.total(), crowd.losses
    with capsys.disabled():
        print(  # noqa: T201 (the figures are what the long run is for)
            f"\n{KILLS} kills in {seconds:.0f} s: {facts:,} facts acknowledged, {lost:,} requests lost and"
            f" sent again, {crowd.reads:,} lists read, {erased:,} calls erased; an answer took"
            f" {median(crowd.seconds) * 1e3:.0f} ms, at most {max(crowd.seconds):.1f} s"
        )
