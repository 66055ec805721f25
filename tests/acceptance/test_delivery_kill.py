"""The worker killed again and again while it delivers to a receiver that fails one time in five.

`DELIVERY_EVENTS` and `DELIVERY_KILLS` make it longer: 100000 and 50 take some minutes.
"""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from base64 import b64encode
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Final

from calltally.client import once
from calltally.client.webhooks import verify
from calltally.store.backends.open import open_store
from calltally.store.db.interface import Submission
from calltally.store.tenants.tenants import add_tenant, new_epoch
from calltally.store.tenants.vault import Vault
from calltally.store.webhooks.endpoints import EndpointSettings, add_endpoint, seal_secret
from tests.acceptance.delivery_worker import now_us
from tests.acceptance.pages import ROOT
from tests.sample_facts import fact
from tests.unmeasured import unmeasured

EVENTS: Final = int(os.environ.get("DELIVERY_EVENTS", "600"))
KILLS: Final = int(os.environ.get("DELIVERY_KILLS", "4"))
FAILS: Final = 0.2
TENANT: Final = "acme"
ENDPOINT: Final = b"e" * 16
SECRET: Final = "whsec_" + b64encode(b"k" * 32).decode()
ENDS_WITHIN_S: Final = 120 + EVENTS / 50
_AT_ONCE: Final = 50
FAILED: Final = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"
TAKEN: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Receiver:
    """Takes four of five deliveries, has each effect once, and writes down what it saw."""

    def __init__(self, effects: sqlite3.Connection) -> None:
        self._luck = Random(3)
        self._effects = effects
        self.generation = 0
        self.received = 0
        # By event id: the generations of the worker in which it was taken.
        self.taken: dict[str, list[int]] = defaultdict(list)
        self.ids: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.order: dict[str, list[str]] = defaultdict(list)
        self.outcomes: dict[str, int] = defaultdict(int)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:-2]
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
                body = await reader.readexactly(int(headers["content-length"]))
                writer.write(self._answer(headers, body))
                await writer.drain()
        writer.close()

    def _answer(self, headers: dict[str, str], body: bytes) -> bytes:
        event = verify(body, headers, secrets=SECRET, now_s=float(headers["webhook-timestamp"]))
        sid = event.data["call_sid"]
        self.received += 1
        self.ids[sid, event.event].add(headers["webhook-id"])
        self.order[sid].append(event.event)
        if self._luck.random() < FAILS:
            return FAILED
        self.taken[event.id].append(self.generation)
        if event.event == "voice.call.completed":
            with once.same_transaction(self._effects, event, effect="count") as claim:
                if claim:
                    self._effects.execute("INSERT INTO effects VALUES (?)", (sid,))
            self.outcomes[claim.outcome] += 1
        return TAKEN


async def report(url: str) -> None:
    """All calls, from a process beside the worker's."""
    store = open_store(url, now_us)
    for number in range(0, EVENTS // 2, _AT_ONCE):
        calls = range(number, min(number + _AT_ONCE, EVENTS // 2))
        for at, status in ((1, "ringing"), (9, "completed")):
            reported = [fact(at, f"call-{each}", status=status) for each in calls]
            await store.submit([Submission(TENANT, each) for each in reported])
        await asyncio.sleep(0)
    await store.close()


async def set_up(url: str, port: int) -> None:
    store = open_store(url, now_us)
    await store.write(add_tenant(TENANT, "Acme", now_us(), new_epoch()))
    wanted = EndpointSettings(
        f"http://127.0.0.1:{port}/hook", events=("voice.call.started", "voice.call.completed")
    )
    sealed = seal_secret(Vault(bytes(32)), TENANT, ENDPOINT, SECRET)
    await store.write(add_endpoint(TENANT, ENDPOINT, wanted, sealed, now_us()))
    await store.close()


async def settle(receiver: Receiver, url: str) -> None:
    """Kill the worker after so many deliveries each time; leave the last one until all is delivered."""
    for generation in range(KILLS + 1):
        receiver.generation = generation
        command = [sys.executable, "-m", "tests.acceptance.delivery_worker", url, f"worker-{generation}"]
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, env=unmeasured(), stdout=subprocess.DEVNULL
        )
        goal = EVENTS if generation == KILLS else (generation + 1) * EVENTS // (KILLS + 2)
        try:
            await _until(receiver, goal)
        finally:
            process.send_signal(signal.SIGTERM if generation == KILLS else signal.SIGKILL)
            await process.wait()


async def _until(receiver: Receiver, goal: int) -> None:
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + ENDS_WITHIN_S
    reached: asyncio.Future[None] = loop.create_future()

    def look() -> None:
        if len(receiver.taken) >= goal:
            reached.set_result(None)
        elif loop.time() > ends_s:
            reached.set_exception(TimeoutError(f"{len(receiver.taken)} of {goal} came"))
        else:
            loop.call_later(0.002, look)

    look()
    await reached


def test_every_event_arrives_in_order_and_has_its_effect_once(tmp_path: Path, sqlite_template: Path) -> None:
    database = shutil.copy(sqlite_template, tmp_path / "calltally.db")
    url = f"sqlite:///{database}"
    effects = sqlite3.connect(tmp_path / "effects.db")
    effects.execute("PRAGMA synchronous = off")
    once.install(effects)
    effects.execute("CREATE TABLE effects (call_sid TEXT)")
    effects.commit()
    receiver = Receiver(effects)

    async def story() -> None:
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
        await set_up(url, server.sockets[0].getsockname()[1])
        await asyncio.gather(settle(receiver, url), report(url))
        server.close()

    asyncio.run(story())
    _check(receiver)
    reported: list[Any] = effects.execute("SELECT call_sid FROM effects").fetchall()
    effects.close()
    assert len(reported) == len(set(reported)) == EVENTS // 2


def _check(receiver: Receiver) -> None:
    assert len(receiver.taken) == EVENTS
    # A second time only where a worker died behind the first: its answer was lost.
    again = {event: observed for event, observed in receiver.taken.items() if len(observed) > 1}
    assert all(len(set(observed)) == len(observed) for observed in again.values()), again
    print(json.dumps({"events": EVENTS, "kills": KILLS, "received": receiver.received, "twice": len(again)}))  # noqa: T201
    assert all(len(ids) == 1 for ids in receiver.ids.values())
    for sid, names in receiver.order.items():
        first = names.index("voice.call.completed")
        assert "voice.call.started" not in names[first:], sid
        assert "voice.call.started" in names[:first], sid
