"""Promises of effects with many processes, `kill -9` at any moment, and redeliveries with new ids.

The default size is small. The full size writes its results to `figures` in the test's folder:

    ONCE_EFFECTS=100000 ONCE_PROCESSES=16 python -m pytest tests/integration/client/once/test_storm.py
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from calltally.client import once
from calltally.client.once import Entry, Progress
from tests.integration.client.once.conftest import new_address
from tests.integration.client.once.storm import Storm, StormSize
from tests.integration.client.once.storm_worker import LEASE_S, connect

EFFECTS = int(os.environ.get("ONCE_EFFECTS", "200"))
PROCESSES = int(os.environ.get("ONCE_PROCESSES", "4"))
SIZE = StormSize(
    EFFECTS, PROCESSES, outcomes_between_kills=max(150, EFFECTS // 60), kill_odds=max(200, EFFECTS // 25)
)


@pytest.fixture(params=["sqlite3", "psycopg"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    made = str(new_address(request.param, request))
    with closing(connect(made)) as here:
        if request.param == "sqlite3":
            here.execute("PRAGMA journal_mode = wal")
        once.install(here)
        here.execute("CREATE TABLE invoices (call_id TEXT)")
        here.commit()
        yield made


def calls(promise: str) -> set[str]:
    return {f"{promise}-{number}" for number in range(EFFECTS)}


def of_promise(promise: str, counted: Counter[str]) -> Counter[str]:
    return Counter({call: times for call, times in counted.items() if call.startswith(f"{promise}-")})


def test_effects_run_as_often_as_promised_under_kills(address: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.touch()
    storm, started_s = Storm(address, outside, SIZE), time.monotonic()
    asyncio.run(storm.run())
    duration_s = time.monotonic() - started_s
    with closing(connect(address)) as here:
        invoices = Counter(call for (call,) in here.execute("SELECT call_id FROM invoices").fetchall())
        entries = list(once.entries(here, clock=lambda: time.time_ns() // 1000 + round(2e6 * LEASE_S)))
    mails = Counter(line.partition(" ")[0] for line in outside.read_text().splitlines())
    check_same_transaction(invoices, entries)
    check_at_least_once(of_promise("least", mails), entries)
    check_at_most_once(of_promise("most", mails), entries)
    figures = f"""{EFFECTS} effects each, {PROCESSES} processes: {duration_s:.0f} s, {storm.deaths} deaths
{storm.deliveries} deliveries, outcomes {dict(storm.outcomes)}
at least once: {Counter(of_promise("least", mails).values())}, by number of runs
at most once: {Counter(of_promise("most", mails).values())}, by number of runs
"""
    (tmp_path / "figures").write_text(figures)


def entries_of(promise: str, entries: list[Entry]) -> dict[str, Entry]:
    found = {each.call_id: each for each in entries if each.call_id.startswith(f"{promise}-")}
    assert found.keys() == calls(promise)
    return found


def check_same_transaction(invoices: Counter[str], entries: list[Entry]) -> None:
    assert invoices == Counter(calls("same"))
    selected = entries_of("same", entries).values()
    assert {(each.progress, each.attempts) for each in selected} == {(Progress.DONE, 1)}


def check_at_least_once(mails: Counter[str], entries: list[Entry]) -> None:
    assert mails.keys() == calls("least")
    selected = entries_of("least", entries)
    assert {each.progress for each in selected.values()} == {Progress.DONE}
    # The ledger has each second run.
    assert not {call for call, times in mails.items() if times > selected[call].attempts}


def check_at_most_once(mails: Counter[str], entries: list[Entry]) -> None:
    assert set(mails.values()) == {1}
    selected = entries_of("most", entries)
    uncertain = {call for call, each in selected.items() if each.progress is Progress.UNCERTAIN}
    done: Any = {call for call, each in selected.items() if each.progress is Progress.DONE}
    assert uncertain | done == calls("most")
    assert done <= mails.keys()
