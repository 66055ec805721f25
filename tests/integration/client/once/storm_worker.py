"""One process of a consumer in a storm: takes events from its input, and dies where it hurts.

Each line of its input is an event; each of its output says what came of one, in the same order. Its effects
are rows of the ledger's own database, or lines of a file that stands for the world outside.
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
WAYS = {"least": once.at_least_once, "most": once.at_most_once}


class Plan(msgspec.Struct):
    """What a process is told when it starts. It dies at one in `dies_in` of the places where it might."""

    address: str
    outside: str
    dies_in: int
    seed: int


class Worker:
    def __init__(self, plan: Plan) -> None:
        self._luck = Random(plan.seed)
        self._dies_in = plan.dies_in
        self._outside = os.open(plan.outside, os.O_WRONLY | os.O_APPEND)
        self._here: Any = connect(plan.address)
        self._insert = f"INSERT INTO invoices VALUES ({'%s' if is_postgres(plan.address) else '?'})"

    def take(self, event: dict[str, Any]) -> str:
        way, _, _ = event["data"]["id"].partition("-")
        try:
            return self._invoice(event) if way == "same" else self._mail(event, way)
        except (Unavailable, once.Overtaken) as fault:
            return fault.slug

    def _invoice(self, event: dict[str, Any]) -> str:
        with once.same_transaction(self._here, event, effect="invoice") as turn:
            self._may_die()
            if turn:
                self._here.execute(self._insert, (turn.told.call_id,))
            self._may_die()
        self._may_die()
        return turn.outcome

    def _mail(self, event: dict[str, Any], way: str) -> str:
        with WAYS[way](self._here, event, effect="mail", lease_s=LEASE_S) as turn:
            self._may_die()
            if turn:
                # One call of the kernel: there is all of it or none, whoever dies when.
                os.write(self._outside, f"{turn.told.call_id} {turn.attempt}\n".encode())
            self._may_die()
        self._may_die()
        return turn.outcome

    def _may_die(self) -> None:
        if self._luck.randrange(self._dies_in) == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def is_postgres(address: str) -> bool:
    return not Path(address).is_absolute()


def connect(address: str) -> Any:  # noqa: ANN401 (of either driver)
    if is_postgres(address):
        return psycopg.connect(address)
    connection = sqlite3.connect(address, timeout=30)
    # A process that is killed loses nothing that it wrote; syncing is for power cuts.
    connection.execute("PRAGMA synchronous = off")
    return connection


def main() -> None:
    worker = Worker(msgspec.json.decode(sys.argv[1], type=Plan))
    for line in sys.stdin.buffer:
        sys.stdout.write(worker.take(msgspec.json.decode(line)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
