"""Sender that redelivers events with new ids until they are handled, to processes that are killed often."""

import asyncio
import sys
from collections import Counter, deque
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec

from tests.acceptance.pages import ROOT
from tests.integration.client.once.sample_events import SampleState
from tests.integration.client.once.storm_worker import WorkerPlan
from tests.unmeasured import unmeasured

# Outcomes that complete a delivery; after any other it is sent again.
SETTLED = {"run", "repeat", "uncertain"}
IN_FLIGHT = 4
REDELIVER_AFTER_S = 0.2
REPEATED = 0.4


class StormSize(NamedTuple):
    """Size of a storm. A process kills itself at one in `kill_odds` of its kill points."""

    effects: int
    processes: int
    outcomes_between_kills: int
    kill_odds: int


class Storm:
    """All deliveries of one storm and their outcomes."""

    def __init__(self, address: str, outside: Path, size: StormSize) -> None:
        self._plan = WorkerPlan(address, str(outside), size.kill_odds, 0)
        self._size = size
        self._luck = Random(7)
        self._waiting = deque(self._deliveries())
        self._open = len(self._waiting)
        self.deliveries = 0
        self.deaths = 0
        self.outcomes: Counter[str] = Counter()

    def _deliveries(self) -> list[str]:
        calls = [
            f"{promise}-{number}"
            for promise in ("same", "least", "most")
            for number in range(self._size.effects)
        ]
        repeated = [call for call in calls if self._luck.random() < REPEATED]
        shuffled = [*calls, *repeated]
        self._luck.shuffle(shuffled)
        # Some repeats follow at once, so that two processes have the same call at the same time.
        return [each for call in shuffled for each in [call] * (1 + (self._luck.random() < REPEATED / 4))]

    async def run(self) -> None:
        """Run until every delivery is complete."""
        await asyncio.gather(*(self._keep_running() for _ in range(self._size.processes)))

    async def _keep_running(self) -> None:
        while self._open:
            await self._run_process()

    async def _run_process(self) -> None:
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
            await self._exchange_events(process, in_flight)
        finally:
            self._waiting.extend(in_flight)
            if process.returncode is None:
                process.kill()
            await process.communicate()
            self.deaths += 1

    async def _exchange_events(self, process: asyncio.subprocess.Process, in_flight: deque[str]) -> None:
        assert process.stdin
        assert process.stdout
        left = self._luck.randrange(1, 2 * self._size.outcomes_between_kills)
        while left and self._open:
            self._fill(process.stdin, in_flight)
            if not in_flight:
                await asyncio.wait([asyncio.create_task(process.wait())], timeout=REDELIVER_AFTER_S)
                continue
            outcome = await process.stdout.readline()
            if not outcome.endswith(b"\n"):
                return
            self._settle(in_flight.popleft(), outcome.decode().strip())
            left -= 1

    def _fill(self, stdin: asyncio.StreamWriter, in_flight: deque[str]) -> None:
        while self._waiting and len(in_flight) < IN_FLIGHT:
            call = self._waiting.popleft()
            in_flight.append(call)
            self.deliveries += 1
            stdin.write(msgspec.json.encode(SampleState(call=call).event()) + b"\n")

    def _settle(self, call: str, outcome: str) -> None:
        self.outcomes[outcome] += 1
        if outcome in SETTLED:
            self._open -= 1
        else:
            asyncio.get_running_loop().call_later(REDELIVER_AFTER_S, self._waiting.append, call)
