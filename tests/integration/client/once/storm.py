"""A sender that delivers until it is answered, under fresh ids, to processes that are killed all the time."""

import asyncio
import sys
from collections import Counter, deque
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec

from tests.acceptance.pages import ROOT
from tests.integration.client.once.storm_worker import Plan
from tests.integration.client.once.telling import Told
from tests.unmeasured import unmeasured

# Answers that settle a delivery; after any other it is sent again.
SETTLED = {"run", "repeat", "uncertain"}
IN_FLIGHT = 4
AGAIN_AFTER_S = 0.2
REPEATED = 0.4


class Size(NamedTuple):
    """Effects of each way, processes, answers between kills, and at one in how many places a process dies."""

    effects: int
    processes: int
    answers_between_kills: int
    dies_in: int


class Storm:
    """All deliveries of one storm, and what became of them."""

    def __init__(self, address: str, outside: Path, size: Size) -> None:
        self._plan = Plan(address, str(outside), size.dies_in, 0)
        self._size = size
        self._luck = Random(7)
        self._waiting = deque(self._deliveries())
        self._open = len(self._waiting)
        self.deliveries = 0
        self.deaths = 0
        self.answers: Counter[str] = Counter()

    def _deliveries(self) -> list[str]:
        calls = [
            f"{way}-{number}" for way in ("same", "least", "most") for number in range(self._size.effects)
        ]
        again = [call for call in calls if self._luck.random() < REPEATED]
        shuffled = [*calls, *again]
        self._luck.shuffle(shuffled)
        # Some repeats are close behind, so that two processes have the same call at the same time.
        return [each for call in shuffled for each in [call] * (1 + (self._luck.random() < REPEATED / 4))]

    async def rage(self) -> None:
        """Until every delivery is settled."""
        await asyncio.gather(*(self._keep_alive() for _ in range(self._size.processes)))

    async def _keep_alive(self) -> None:
        while self._open:
            await self._live_once()

    async def _live_once(self) -> None:
        self._plan.seed += 1
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.integration.client.once.storm_worker",
            msgspec.json.encode(self._plan).decode(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env=unmeasured(),
        )
        in_flight: deque[str] = deque()
        try:
            await self._talk(process, in_flight)
        finally:
            self._waiting.extend(in_flight)
            if process.returncode is None:
                process.kill()
            await process.communicate()
            self.deaths += 1

    async def _talk(self, process: asyncio.subprocess.Process, in_flight: deque[str]) -> None:
        assert process.stdin
        assert process.stdout
        left = self._luck.randrange(1, 2 * self._size.answers_between_kills)
        while left and self._open:
            self._fill(process.stdin, in_flight)
            if not in_flight:
                await asyncio.wait([asyncio.create_task(process.wait())], timeout=AGAIN_AFTER_S)
                continue
            answer = await process.stdout.readline()
            if not answer.endswith(b"\n"):
                return
            self._settle(in_flight.popleft(), answer.decode().strip())
            left -= 1

    def _fill(self, stdin: asyncio.StreamWriter, in_flight: deque[str]) -> None:
        while self._waiting and len(in_flight) < IN_FLIGHT:
            call = self._waiting.popleft()
            in_flight.append(call)
            self.deliveries += 1
            stdin.write(msgspec.json.encode(Told(call=call).event()) + b"\n")

    def _settle(self, call: str, answer: str) -> None:
        self.answers[answer] += 1
        if answer in SETTLED:
            self._open -= 1
        else:
            asyncio.get_running_loop().call_later(AGAIN_AFTER_S, self._waiting.append, call)
