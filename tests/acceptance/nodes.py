"""Several nodes on one PostgreSQL, and clients of them that move on from one that died."""

import asyncio
import json
import signal
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.acceptance.live import COMMAND, HOST, own_environment, request_head
from tests.ports import free_port
from tests.unmeasured import unmeasured

ADMIN_KEY = "let-me-in-" + "0" * 32
ENDS_WITHIN_S = 60
ANSWERS_WITHIN_S = 60
STATES = ("ringing", "in-progress", "completed", "busy")
FACTS_A_CALL = len(STATES)
# What a client waits before it tries the next node: all may be dead.
PAUSE_S = 0.02


def environment(url: str) -> dict[str, str]:
    """Return the environment of all nodes. Workers poll each second."""
    settings = {"DATABASE_URL": url, "ADMIN_KEY": ADMIN_KEY, "SECRET_KEY": "A" * 43 + "="}
    return unmeasured(own_environment(**settings, RATE_LIMIT_PER_MINUTE="0", WORKER_INTERVAL_SECONDS="1"))


class Node:
    """One process: `serve` on a port of its own, or `worker`. It can be killed and started again."""

    def __init__(self, word: str, number: int, folder: Path, settings: Mapping[str, str]) -> None:
        self.name = f"{word}-{number}"
        self.port = free_port(HOST)
        self.kills = 0
        self._command = [*COMMAND, word]
        self._folder = folder
        self._log = folder / f"{self.name}.log"
        self._environment = {**settings, "CALLTALLY_PORT": str(self.port)}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, env=self._environment, stderr=output
            )

    @property
    def is_ready(self) -> bool:
        received = self._log.read_text()
        return '"event": "listening"' in received or '"event": "working"' in received

    def kill(self) -> None:
        """Nothing but this may end it."""
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        self._process.send_signal(signal.SIGKILL)
        assert self._process.wait(ENDS_WITHIN_S) == -signal.SIGKILL
        self.kills += 1

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def freeze(self) -> None:
        """Stop it in the middle of whatever it does. Its connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> int:
        """As an operator does; returns the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(ENDS_WITHIN_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(ENDS_WITHIN_S)


class Received(NamedTuple):
    """An answer over the wire."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 (JSON may be anything)
        return json.loads(self.body)


class Lost(Exception):
    """The node died, or was not there."""


class Line:
    """One client's connection to whichever node it is with; after a loss the next is asked."""

    def __init__(self, nodes: Sequence[Node], first: int, key: str) -> None:
        self._ports = [node.port for node in nodes]
        self._at = first
        self._key = key
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(self, line: str, body: bytes = b"") -> Received:
        """Raises Lost: then nobody knows whether it was done."""
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        head = request_head(line, {"host": HOST, "content-length": str(len(body)), **headers})
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                if self._streams is None:
                    port = self._ports[self._at % len(self._ports)]
                    self._streams = await asyncio.open_connection(HOST, port)
                self._streams[1].write(head + body)
                return await _read(self._streams[0])
        except TimeoutError as fault:
            raise AssertionError("a node that lives must answer") from fault
        except (OSError, asyncio.IncompleteReadError) as fault:
            self._at += 1
            await self.close()
            raise Lost from fault

    async def close(self) -> None:
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    lengths = [line for line in head.split(b"\r\n") if line.startswith(b"content-length:")]
    body = await reader.readexactly(int(lengths[0].partition(b":")[2]) if lengths else 0)
    return Received(int(head[9:12]), body)


class Crowd:
    """Clients that tell of calls, each fact until it is acknowledged, and others that read them meanwhile."""

    def __init__(self, nodes: Sequence[Node], first: int = 0) -> None:
        self._nodes = nodes
        self._numbers = count(first)
        self._over = asyncio.Event()
        # Facts by their call.
        self.reported: Counter[str] = Counter()
        self.acknowledged: Counter[str] = Counter()
        self.losses = self.reads = self.faded = 0
        self.seconds: list[float] = []

    def stop(self) -> None:
        """Clients end when what they told is acknowledged."""
        self._over.set()

    async def pause(self, seconds: float) -> None:
        """No longer than until it is over."""
        await _rest(seconds, self._over)

    async def report(self, number: int, key: str) -> None:
        """One sender. The facts of a call come from several, by several nodes."""
        line = Line(self._nodes, number, key)
        while not self._over.is_set():
            fact = next(self._numbers)
            sid = f"own-{fact // FACTS_A_CALL}"
            self.reported[sid] += 1
            body = _event(f"e{fact}", sid, STATES[fact % FACTS_A_CALL])
            started = perf_counter()
            while (received := await self._try(line, "POST /api/v1/events", body)) is None:
                pass
            assert received.status == 200, received
            [outcome] = received.json["outcomes"]
            assert outcome["outcome"] in {"applied", "ignored", "duplicate"}, outcome
            self.seconds.append(perf_counter() - started)
            self.acknowledged[sid] += 1
        await line.close()

    async def read(self, number: int, key: str) -> None:
        """Check that every node returns what was acknowledged before."""
        line = Line(self._nodes, number, key)
        while not self._over.is_set():
            known = list(self.acknowledged)
            received = await self._try(line, "GET /api/v1/call-logs?limit=1")
            if received is not None:
                assert received.status == 200, received
                assert received.json["total"] >= len(known)
                self.reads += 1
            if (
                known
                and (received := await self._try(line, f"GET /api/v1/call-logs/{known[-1]}")) is not None
            ):
                assert received.status == 200, received
        await line.close()

    async def fade(self, number: int, key: str) -> None:
        """Tells of calls that are too old to be kept, so that the workers have to erase them."""
        line = Line(self._nodes, number, key)
        while not self._over.is_set():
            fact = next(self._numbers)
            body = _event(f"e{fact}", f"fading-{number}-{fact // 40}", STATES[fact % FACTS_A_CALL])
            received = await self._try(line, "POST /api/v1/events", body)
            if received is not None:
                # What was erased is refused.
                assert received.status in {200, 422}, received
                self.faded += received.status == 200
            await self.pause(PAUSE_S)
        await line.close()

    async def _try(self, line: Line, what: str, body: bytes = b"") -> Received | None:
        try:
            return await line.request(what, body)
        except Lost:
            self.losses += 1
            await _rest(PAUSE_S)
            return None


async def _rest(seconds: float, until: asyncio.Event | None = None) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await (until or asyncio.Event()).wait()


async def listed_sids(line: Line) -> list[str]:
    """Return the SIDs of all calls of the list, page by page."""
    sids: list[str] = []
    while (received := await line.request(f"GET /api/v1/call-logs?limit=1000&offset={len(sids)}")).json[
        "data"
    ]:
        sids += [call["call_sid"] for call in received.json["data"]]
    return sids


async def fed_sids(line: Line) -> list[str]:
    """Return the SIDs of all calls of the change feed, from its beginning."""
    sids: list[str] = []
    after, has_more = "0", True
    while has_more:
        page = (await line.request(f"GET /api/v1/changes?after={after}&limit=1000")).json
        sids += [change["call_sid"] for change in page["data"]]
        after, has_more = page["next"], page["has_more"]
    return sids


def _event(event_id: str, sid: str, status: str) -> bytes:
    event = {"id": event_id, "call_sid": sid, "occurred_at": "2026-10-01T00:00:00Z", "status": status}
    return json.dumps({**event, "direction": "inbound", "route": f"route-{len(sid) % 3}"}).encode()
