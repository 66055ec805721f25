"""A node under load whose connections to PostgreSQL end: it writes again by itself, and loses nothing."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.acceptance.nodes import Line, Node, environment, fed_sids, listed_sids
from tests.acceptance.operator_commands import Operator
from tests.acceptance.own_postgres import (
    ANSWERS_WITHIN_S,
    FAULTS,
    OwnServer,
    PatientCrowd,
    facts_by_call,
    figures,
    own_postgres,
    seconds_until_written,
    until_ready,
)
from tests.conftest import TENANT
from tests.integration.store.probing import direct
from tests.integration.store.standby import Standby, standby_of

SENDERS, READERS = 8, 3
# Of each there is one server.
FAILOVERS = 1 if FAULTS < 10 else 10


@pytest.fixture
def server() -> Iterator[OwnServer]:
    with own_postgres() as started:
        yield started


async def suffer(crowd: PatientCrowd, faults: Mapping[str, Callable[[], None]]) -> dict[str, list[float]]:
    """Inflict one after the other; return the seconds from the end of each until the node writes."""
    seconds: dict[str, list[float]] = {kind: [] for kind in faults}
    luck = Random(7)
    for _ in range(FAULTS):
        for kind, inflict in faults.items():
            for _ in range(luck.randrange(1, 6)):
                await crowd.written()
            await asyncio.to_thread(inflict)
            seconds[kind].append(await seconds_until_written(crowd))
    return seconds


async def suffer_under_load(
    node: Node, key: str, faults: Mapping[str, Callable[[], None]]
) -> tuple[PatientCrowd, dict[str, list[float]]]:
    """Compare what was acknowledged with the list and the change feed, too."""
    crowd = PatientCrowd([node])
    await until_ready(crowd, node)
    async with asyncio.TaskGroup() as group:
        for number in range(SENDERS):
            group.create_task(crowd.report(number, key))
        for number in range(READERS):
            group.create_task(crowd.read(number, key))
        seconds = await suffer(crowd, faults)
        crowd.stop()
    line = Line([node], 0, key)
    assert (await line.request("GET /readyz")).status == 200
    for sids in (await listed_sids(line), await fed_sids(line)):
        assert sorted(sids) == sorted(crowd.acknowledged)
    await line.close()
    return crowd, seconds


def assert_nothing_lost(crowd: PatientCrowd, url: str) -> None:
    # The node lives: it answers each request, if only that the database does not.
    assert crowd.losses == 0
    assert crowd.acknowledged == crowd.reported
    assert facts_by_call(url) == dict(crowd.acknowledged)


def test_a_node_writes_again_however_its_connections_ended(
    server: OwnServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = environment(server.url)
    operator = Operator(tmp_path, settings)
    key = operator.add_tenant(TENANT)
    faults = {
        "pg_terminate_backend": server.terminate_backends,
        "kill -9 of a backend": server.kill_backend,
        "restart, fast": server.restart,
        "restart, immediate": server.restart_at_once,
    }
    with Node("serve", 0, tmp_path, settings) as node:
        crowd, seconds = asyncio.run(suffer_under_load(node, key, faults))
        assert node.end() == 0
    assert crowd.refusals
    assert_nothing_lost(crowd, server.url)
    operator.verify()
    with capsys.disabled():
        print(f"\n{crowd.acknowledged.total():,} facts acknowledged, {crowd.refusals:,} answers of 503")  # noqa: T201 (the figures are what the long run is for)
        print("\n".join(figures(seconds)))  # noqa: T201 (the same)


def fail_over(server: OwnServer, standby: Standby) -> None:
    server.stop()
    standby.promote()


@pytest.mark.parametrize("number", range(FAILOVERS))
def test_a_node_writes_to_the_standby_after_a_failover(
    server: OwnServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    """The URL names both servers, and a commit waits for the standby, so nothing acknowledged is lost."""
    with standby_of(server.url) as standby:
        folders = [
            parse_qs(urlsplit(url).query)["host"][0] for url in (server.url, standby.url_of(server.url))
        ]
        both = urlencode({"host": ",".join(folders), "target_session_attrs": "read-write"}, safe=",/")
        settings = environment(urlsplit(server.url)._replace(query=both).geturl())
        operator = Operator(tmp_path, settings)
        operator.run("migrate")
        key = operator.add_tenant(TENANT)
        with direct(server.url) as db:
            db("ALTER SYSTEM SET synchronous_standby_names = '*'")
            db("SELECT pg_reload_conf()")
        with Node("serve", number, tmp_path, settings) as node:

            async def work() -> tuple[PatientCrowd, list[float]]:
                crowd = PatientCrowd([node])
                await until_ready(crowd, node)
                async with asyncio.TaskGroup() as group:
                    for sender in range(SENDERS):
                        group.create_task(crowd.report(sender, key))
                    for _ in range(5):
                        await crowd.written()
                    await asyncio.to_thread(fail_over, server, standby)
                    seconds = [await seconds_until_written(crowd)]
                    crowd.stop()
                return crowd, seconds

            crowd, seconds = asyncio.run(work())
            assert node.end() == 0
        server.restart()
        assert_nothing_lost(crowd, standby.url_of(server.url))
        operator.verify()
    with capsys.disabled():
        print("\n".join(figures({"failover": seconds})))  # noqa: T201 (the figures are what the long run is for)


def test_a_frozen_node_stops_no_other(
    server: OwnServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its transaction may hold the locks of all tenants, which the server releases after five seconds."""
    settings = environment(server.url)
    operator = Operator(tmp_path, settings)
    keys = [operator.add_tenant(tenant) for tenant in (TENANT, "globex")]
    with Node("serve", 0, tmp_path, settings) as frozen, Node("serve", 1, tmp_path, settings) as other:

        async def work() -> tuple[list[PatientCrowd], list[float]]:
            crowds = [PatientCrowd([frozen]), PatientCrowd([other], first=1_000_000)]
            await until_ready(crowds[0], frozen, other)
            async with asyncio.TaskGroup() as group:
                for crowd in crowds:
                    for number in range(SENDERS):
                        group.create_task(crowd.report(number, keys[number % 2]))
                seconds = []
                for _ in range(FAULTS):
                    for crowd in crowds:
                        await crowd.written()
                    frozen.freeze()
                    async with asyncio.timeout(ANSWERS_WITHIN_S):
                        await crowds[1].written()
                    await crowds[1].written()
                    frozen.thaw()
                    seconds.append(await seconds_until_written(crowds[0]))
                for crowd in crowds:
                    crowd.stop()
            return crowds, seconds

        crowds, seconds = asyncio.run(work())
        assert [node.end() for node in (frozen, other)] == [0, 0]
    for crowd in crowds:
        assert crowd.losses == 0
        assert crowd.acknowledged == crowd.reported
    assert crowds[1].slowest_s < ANSWERS_WITHIN_S
    assert facts_by_call(server.url) == dict(crowds[0].acknowledged + crowds[1].acknowledged)
    operator.verify()
    with capsys.disabled():
        print(f"\nslowest answer of the other node: {crowds[1].slowest_s:.2f} s")  # noqa: T201 (the figures are what the long run is for)
        print("\n".join(figures({"frozen node": seconds})))  # noqa: T201 (the same)
