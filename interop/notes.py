"""The traffic as seen from the run: starts its process, reads what it noted, stops it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Final, NamedTuple

from interop.service import Failed, Service, log_tail
from interop.traffic import ERASURES_FILE, FACTS_FILE, Orders
from interop.window import ERASURES_PER_S, FACTS_PER_S

FLOW_S: Final = 60
FLOWS_AFTER_FACTS: Final = 2 * FACTS_PER_S
STOP_S: Final = 60
TRY_AGAIN_S: Final = 0.2
# A pace is kept if at least so much of it is reached: a copy may end just when some were late.
KEPT: Final = 0.8


class Facts(NamedTuple):
    """An answered batch: when (monotonic seconds), how many, and the ids and revisions of calls it made."""

    began: float
    ended: float
    facts: int
    made: list[tuple[str, int]]


class Erasure(NamedTuple):
    """An answered erasure: when (monotonic seconds), and the number of the seeded call."""

    began: float
    ended: float
    seed: int


class Traffic:
    """A running traffic process. All times are the monotonic clock's, which the machine's processes share."""

    def __init__(self, folder: Path, process: subprocess.Popen[str]) -> None:
        self._folder, self._process = folder, process

    def facts(self) -> list[Facts]:
        """All that were answered so far, in order."""
        return [Facts(**note) for note in self._notes(FACTS_FILE)]

    def erasures(self) -> list[Erasure]:
        """All that were answered so far, in order."""
        return [Erasure(**note) for note in self._notes(ERASURES_FILE)]

    def wait_until_it_flows(self) -> None:
        """Return once some seconds of it were answered. Raises Failed if it ends or takes too long."""
        deadline = monotonic() + FLOW_S
        while sum(each.facts for each in self.facts()) < FLOWS_AFTER_FACTS or not self.erasures():
            if monotonic() > deadline:
                raise Failed(f"the traffic does not flow after {FLOW_S} s")
            try:
                # Waiting for it to end is the pause between two looks, and sees at once if it does.
                self._process.wait(timeout=TRY_AGAIN_S)
            except subprocess.TimeoutExpired:
                continue
            self.expect_running()

    def expect_running(self) -> None:
        """Raises Failed, with its last words, if it has ended."""
        if self._process.poll() is not None:
            raise Failed(f"the traffic ended:\n{log_tail(self._folder / 'traffic.log')}")

    def expect_pace(self, began: float, ended: float) -> tuple[int, int]:
        """Facts and erasures answered meanwhile. Raises Failed if they were too few."""
        self.expect_running()
        facts = sum(each.facts for each in self.facts() if began <= each.ended <= ended)
        erasures = sum(began <= each.ended <= ended for each in self.erasures())
        seconds = ended - began
        for what, found, per_s in (("facts", facts, FACTS_PER_S), ("erasures", erasures, ERASURES_PER_S)):
            if found < KEPT * per_s * seconds:
                raise Failed(f"only {found} {what} in {seconds:.1f} s, of {per_s} a second")
        return facts, erasures

    def _notes(self, name: str) -> list[dict[str, Any]]:
        file = self._folder / name
        if not file.exists():
            return []
        text = file.read_text(encoding="utf-8")
        # A last line may be half written.
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


@contextmanager
def running_traffic(service: Service, key: str) -> Iterator[Traffic]:
    """Traffic on the service's tenant, for as long as the block runs; it flows when the block begins."""
    folder = service.folder
    with (folder / "traffic.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "interop.traffic"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        # By standard input: a command line can be seen by everybody on the machine.
        orders = Orders(service.port, key, service.admin_key, str(folder))
        _print_result(process, orders)
        traffic = Traffic(folder, process)
        traffic.wait_until_it_flows()
        yield traffic
    finally:
        _stop(process)


def _print_result(process: subprocess.Popen[str], orders: Orders) -> None:
    if process.stdin is None:
        raise Failed("the traffic has no standard input")
    with process.stdin as line:
        line.write(json.dumps(orders._asdict()) + "\n")


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(timeout=STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
