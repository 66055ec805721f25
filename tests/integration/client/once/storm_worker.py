"""Consumer process of the storm test: it handles events from its input and kills itself at random points.

Each input line is an event, each output line its outcome, in the same order. The effects are rows in the
ledger's database, or lines of a file in place of an external system.
"""

import os
import signal
import sqlite3
import sys
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import psycopg

from calltally.calls.errors import Unavailable
from calltally.client import once

LEASE_S = 1.0
BLOCKS = {"least": once.at_least_once, "most": once.at_most_once}


class WorkerPlan(msgspec.Struct):
    """Parameters of a process. It kills itself at one in `kill_odds` of its kill points."""

    address: str
    outside: str
    kill_odds: int
    seed: int


class Worker:
    def __init__(self, plan: WorkerPlan) -> None:
        self._luck = Random(plan.seed)
        self._kill_odds = plan.kill_odds
        self._outside = os.open(plan.outside, os.O_WRONLY | os.O_APPEND)
        self._here: Any = connect(plan.address)
        self._insert = f"INSERT INTO invoices VALUES ({'%s' if is_postgres(plan.address) else '?'})"

    def take(self, event: dict[str, Any]) -> str:
        promise, _, _ = event["data"]["id"].partition("-")
        try:
            return self._invoice(event) if promise == "same" else self._mail(event, promise)
        except (Unavailable, once.Overtaken) as fault:
            return fault.slug

    def _invoice(self, event: dict[str, Any]) -> str:
        with once.same_transaction(self._here, event, effect="invoice") as claim:
            self._maybe_kill()
            if claim:
                self._here.execute(self._insert, (claim.final_state.call_id,))
            self._maybe_kill()
        self._maybe_kill()
        return claim.outcome

    def _mail(self, event: dict[str, Any], promise: str) -> str:
        with BLOCKS[promise](self._here, event, effect="mail", lease_s=LEASE_S) as claim:
            self._maybe_kill()
            if claim:
                # One system call: all of the line is written or nothing, also after a kill.
                os.write(self._outside, f"{claim.final_state.call_id} {claim.attempt}\n".encode())
            self._maybe_kill()
        self._maybe_kill()
        return claim.outcome

    def _maybe_kill(self) -> None:
        if self._luck.randrange(self._kill_odds) == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def is_postgres(address: str) -> bool:
    return not Path(address).is_absolute()


def connect(address: str) -> Any:  # noqa: ANN401 (of either driver)
    if is_postgres(address):
        return psycopg.connect(address)
    connection = sqlite3.connect(address, timeout=30)
    # A killed process loses no written data; syncing only protects against power cuts.
    connection.execute("PRAGMA synchronous = off")
    return connection


def main() -> None:
    worker = Worker(msgspec.json.decode(sys.argv[1], type=WorkerPlan))
    for line in sys.stdin.buffer:
        sys.stdout.write(worker.take(msgspec.json.decode(line)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
