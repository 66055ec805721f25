"""`kill -9` in the middle of `calltally migrate`: the next run gives the database of an undisturbed one."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Final

import pytest

from tests.conftest import Bench
from tests.integration.ingest.test_reread import callbacks, calls_of, former, listed, own_events
from tests.integration.store.probing import downgrade, submit, verdict
from tests.unit.providers.sampling import NOW_US

# Runs the command and kills itself at a statement of one of its operations, inside a transaction.
KILLED: Final = """
import os, signal, sys
from calltally.cli import migrate as command

name, left = sys.argv[1], int(sys.argv[2])
operation_of = getattr(command, name)

def killed(*args, **options):
    global left
    operation = operation_of(*args, **options)
    statement = next(operation)
    while True:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        rows = yield statement
        try:
            statement = operation.send(rows)
        except StopIteration as end:
            return end.value

setattr(command, name, killed)
command.REFOLD_CHUNK = 8
command.migrate()
"""


def migrate(url: str, *words: str) -> int:
    program = ["-c", KILLED, *words] if words else ["-m", "calltally", "migrate"]
    environment = {**os.environ, "CALLTALLY_DATABASE_URL": url}
    return subprocess.run(
        [sys.executable, *program], env=environment, check=False, capture_output=True
    ).returncode


@pytest.mark.parametrize(
    "kills",
    [[("measure_calls", "4")], [("refold_calls", "1"), ("measure_calls", "3")], [("refold_calls", "23")] * 2],
)
def test_a_killed_migration_continues(new_bench: Callable[[], Bench], kills: list[tuple[str, str]]) -> None:
    facts = [*callbacks(), *listed(), *own_events()]
    present, bench = new_bench(), new_bench()
    for each in (present, bench):
        each.now_us = NOW_US
    submit(present, *facts)
    submit(bench, *(fact if fact.provider == "pbx" else former(fact) for fact in facts))
    downgrade(bench.url, "0013")
    assert [migrate(bench.url, *kill) for kill in kills] == [-9] * len(kills)
    assert migrate(bench.url) == 0
    assert calls_of(bench) == calls_of(present)
    assert verdict(bench).findings == []
