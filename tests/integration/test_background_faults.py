"""BackgroundWork work lives on after any fault, and says what it was."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from structlog.testing import capture_logs

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.workers import make_worker
from calltally.settings.fields import Settings
from calltally.store.db.operation import StoreOperation
from calltally.store.db.usage import StoreUsage
from calltally.worker import alerting, background
from calltally.worker.background import BackgroundWork
from tests.integration.web.service import Broken

T = TypeVar("T")

HAPPENS_WITHIN_S = 30
# What each loop says of a turn that failed.
ROUNDS = {
    "a worker cannot report",
    "worker failed",
    "alerts wait for the database",
    "due deliveries cannot be read",
    "jobs wait",
}


class Watched(Broken):
    """One whose commits can be waited for, as deliveries do. Calls `on_read` before it fails to read."""

    def __init__(self, on_read: Callable[[], None]) -> None:
        super().__init__(RuntimeError("unforeseen"))
        self._on_read = on_read

    async def read(self, operation: StoreOperation[T], *, long: bool = False) -> T:
        self._on_read()
        return await super().read(operation, long=long)

    def subscribe_to_commits(self, _reported: Callable[[], None]) -> Callable[[], None]:
        return lambda: None

    def usage(self) -> StoreUsage:
        raise RuntimeError("unforeseen")


def worker(folder: Path, stop: asyncio.Event, on_read: Callable[[], None] = lambda: None) -> BackgroundWork:
    """A worker of a store that fails in a way that nobody foresaw."""
    settings = Settings.model_validate({"database_url": f"sqlite:///{folder}/calltally.db"})
    often = settings.model_copy(update={"worker_interval_seconds": 0.001})
    return make_worker(often, Watched(on_read), wall_clock, stop)


def test_no_fault_of_a_round_ends_a_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerting, "_INTERVAL_S", 0.001)

    async def work() -> None:
        stop, all_failed = asyncio.Event(), asyncio.Event()

        def look() -> None:
            if {line["event"] for line in logs} >= ROUNDS:
                all_failed.set()

        working = asyncio.create_task(worker(tmp_path, stop, look).run())
        async with asyncio.timeout(HAPPENS_WITHIN_S):
            await all_failed.wait()
        assert not working.done()
        stop.set()
        await working

    with capture_logs() as logs:
        asyncio.run(work())
    assert {line["event"] for line in logs if line["log_level"] in {"warning", "error"}} == ROUNDS


def test_work_that_a_fault_ended_is_restarted_while_the_others_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_AGAIN_S", 0)
    started: list[str] = []

    async def work() -> None:
        stop = asyncio.Event()
        done = worker(tmp_path, stop)

        async def fail_once() -> None:
            started.append("deliveries")
            if len(started) == 1:
                raise RuntimeError("unforeseen")
            stop.set()

        assert done.deliverer is not None
        monkeypatch.setattr(done.deliverer, "run", fail_once)
        async with asyncio.timeout(HAPPENS_WITHIN_S):
            await done.run()

    with capture_logs() as logs:
        asyncio.run(work())
    assert started == ["deliveries", "deliveries"]
    failed = [line for line in logs if line["event"] == "background work failed; it starts again"]
    assert [(line["work"], line["log_level"]) for line in failed] == [("deliveries", "error")]
