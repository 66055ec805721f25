"""Many processes, `kill -9` at any moment, redeliveries under fresh ids: each promise is kept for all.

Small here. The full size, whose figures are then in `figures` in the test's folder:

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
from tests.integration.client.once.storm import Size, Storm
from tests.integration.client.once.storm_worker import LEASE_S, connect

EFFECTS = int(os.environ.get("ONCE_EFFECTS", "200"))
PROCESSES = int(os.environ.get("ONCE_PROCESSES", "4"))
SIZE = Size(
    EFFECTS, PROCESSES, answers_between_kills=max(150, EFFECTS // 60), dies_in=max(200, EFFECTS // 25)
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


def calls(way: str) -> set[str]:
    return {f"{way}-{number}" for number in range(EFFECTS)}


def of(way: str, counted: Counter[str]) -> Counter[str]:
    return Counter({call: times for call, times in counted.items() if call.startswith(f"{way}-")})


def test_in_a_storm_each_effect_is_run_as_often_as_was_promised(address: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.touch()
    storm, begun_s = Storm(address, outside, SIZE), time.monotonic()
    asyncio.run(storm.rage())
    took_s = time.monotonic() - begun_s
    with closing(connect(address)) as here:
        invoices = Counter(call for (call,) in here.execute("SELECT call_id FROM invoices").fetchall())
        entries = list(once.entries(here, clock=lambda: time.time_ns() // 1000 + round(2e6 * LEASE_S)))
    mails = Counter(line.partition(" ")[0] for line in outside.read_text().splitlines())
    check_same_transaction(invoices, entries)
    check_at_least_once(of("least", mails), entries)
    check_at_most_once(of("most", mails), entries)
    figures = f"""{EFFECTS} effects of each way, {PROCESSES} processes: {took_s:.0f} s, {storm.deaths} deaths
{storm.deliveries} deliveries, answered {dict(storm.answers)}
at least once: {Counter(of("least", mails).values())}, by times run
at most once: {Counter(of("most", mails).values())}, by times run
"""
    (tmp_path / "figures").write_text(figures)


def entries_of(way: str, entries: list[Entry]) -> dict[str, Entry]:
    found = {each.call_id: each for each in entries if each.call_id.startswith(f"{way}-")}
    assert found.keys() == calls(way)
    return found


def check_same_transaction(invoices: Counter[str], entries: list[Entry]) -> None:
    assert invoices == Counter(calls("same"))
    kept = entries_of("same", entries).values()
    assert {(each.progress, each.attempts) for each in kept} == {(Progress.DONE, 1)}


def check_at_least_once(mails: Counter[str], entries: list[Entry]) -> None:
    assert mails.keys() == calls("least")
    kept = entries_of("least", entries)
    assert {each.progress for each in kept.values()} == {Progress.DONE}
    # Each second run is in the ledger.
    assert not {call for call, times in mails.items() if times > kept[call].attempts}


def check_at_most_once(mails: Counter[str], entries: list[Entry]) -> None:
    assert set(mails.values()) == {1}
    kept = entries_of("most", entries)
    unsure = {call for call, each in kept.items() if each.progress is Progress.UNCERTAIN}
    done: Any = {call for call, each in kept.items() if each.progress is Progress.DONE}
    assert unsure | done == calls("most")
    assert done <= mails.keys()
