"""Maintenance rounds: due tasks are done by one worker at a time, and errors do not spread."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from calltally.calls.errors import Unavailable
from calltally.calls.times import DAY_US, SECOND_US
from calltally.store.backends.open import open_store
from calltally.store.db.interface import Store, Submission
from calltally.store.db.leases import Lease, claim
from calltally.store.jobs.folders import JobFolders
from calltally.store.maintenance.tenant_removal import SETTLE_US, begin_removal
from calltally.store.snapshots.ledger_head import read_ledger_head
from calltally.store.tenants.dead_letters import DeadLetter, put_dead_letter
from calltally.store.tenants.kept_answers import OPERATOR, claim_answer
from calltally.store.tenants.tenants import set_retention
from calltally.worker.dependencies import WorkerDependencies
from calltally.worker.job_batches import LEASE_US, WorkerRound
from calltally.worker.maintenance import MaintenanceWorker, pause_after
from calltally.worker.maintenance_tasks import HISTORY
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import direct, listed, submit, verdict, verified
from tests.integration.web.service import Broken
from tests.sample_facts import at_us, fact

HOUR_US: Final = 3_600 * SECOND_US
KEEP_US: Final = 48 * HOUR_US
LATER_US: Final = NOW_US + KEEP_US


def make_dependencies(store: Store, **other: Any) -> WorkerDependencies:  # noqa: ANN401 (any of its fields)
    """Return dependencies with stopped clocks, so that nothing pauses."""
    usual: dict[str, Any] = {
        "store": store,
        "keep_us": KEEP_US,
        "interval_s": 0.0,
        "holder": "one",
        "clock": lambda: NOW_US,
        "steady": lambda: 0,
        "chance": lambda: 0.5,
    }
    return WorkerDependencies(**usual | other)


def run_round(bench: Bench, now_us: int = NOW_US, **other: Any) -> WorkerRound:  # noqa: ANN401 (any of its fields)
    return bench.run(_round(make_dependencies(bench.store, **other), now_us))


async def _round(of: WorkerDependencies, now_us: int, stop: asyncio.Event | None = None) -> WorkerRound:
    return await MaintenanceWorker(of, stop or asyncio.Event()).run_round(now_us)


def submit_changes(bench: Bench, changes: int, tenant: str = TENANT) -> None:
    """Submit one call with this many changes, each in a commit of its own."""
    for number in range(changes):
        submit(bench, fact(number, sequence=number, status="ringing", tags=[str(number)]), tenant=tenant)


def rows(bench: Bench, table: str, tenant: str = TENANT) -> int:
    with direct(bench.url) as db:
        [(count,)] = db(f"SELECT count(*) FROM {table} WHERE tenant = ?", tenant)
    return int(count)


def test_round_marks_and_a_later_one_prunes(bench: Bench) -> None:
    submit_changes(bench, 5)
    assert run_round(bench) == WorkerRound(tenants=1, marked=1, closed_days=32)
    assert run_round(bench) == WorkerRound(tenants=1)
    assert run_round(bench, LATER_US - 1) == WorkerRound(tenants=1)
    pruned = sum(rows(bench, table) for table in ("call_versions", "count_history", "outbox"))
    assert run_round(bench, LATER_US) == WorkerRound(tenants=1, advanced=1, pruned=pruned)
    assert run_round(bench, LATER_US) == WorkerRound(tenants=1)
    assert rows(bench, "leases") == 0
    assert verdict(bench).findings == []
    assert len(listed(bench)) == 1


def test_answers_of_idle_tenants_and_of_the_operator_are_dropped_after_a_day(bench: Bench) -> None:
    tenants = (TENANT, bench.new_tenant(), OPERATOR)
    for tenant in tenants:
        for name in (b"a" * 32, b"b" * 32):
            bench.run(bench.store.write(claim_answer(tenant, name, NOW_US)))
        bench.run(bench.store.write(claim_answer(tenant, b"c" * 32, NOW_US + 1)))
    assert run_round(bench, NOW_US + DAY_US).is_idle
    assert run_round(bench, NOW_US + DAY_US + 1) == WorkerRound(tenants=2, pruned=6)
    assert [rows(bench, "kept_answers", tenant) for tenant in tenants] == [1, 1, 1]
    assert rows(bench, "leases", OPERATOR) == 0


def test_round_visits_each_tenant(bench: Bench) -> None:
    other = bench.new_tenant()
    submit_changes(bench, 2)
    submit_changes(bench, 2, other)
    assert run_round(bench).marked == 2
    assert run_round(bench, LATER_US).advanced == 2
    assert (rows(bench, "call_versions"), rows(bench, "call_versions", other)) == (0, 0)


def test_removed_tenant_is_taken_to_its_end(bench: Bench, tmp_path: Path) -> None:
    removed = bench.new_tenant()
    submit_changes(bench, 3, removed)
    folders = JobFolders(tmp_path)
    folders.of(removed, b"j" * 16).make()
    folders.of(TENANT, b"j" * 16).make()
    bench.run(bench.store.write(begin_removal(removed, NOW_US - SETTLE_US + 1)))
    first = run_round(bench, folders=folders)
    assert (first.tenants, first.removed_tenants, first.failed) == (1, 0, 0)
    assert first.pruned > 10
    assert (rows(bench, "facts", removed), rows(bench, "tenants", removed)) == (0, 1)
    second = run_round(bench, folders=folders, clock=lambda: NOW_US + 1)
    assert (second.removed_tenants, second.failed) == (1, 0)
    assert [rows(bench, table, removed) for table in ("tenants", "leases")] == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == [TENANT]
    assert run_round(bench).is_idle


@pytest.fixture
def aged(bench: Bench) -> Bench:
    """Return 30 calls of two ages and two dead letters, of a tenant with a retention of 90 days."""
    for number in range(30):
        submit(bench, fact(number * DAY_US / SECOND_US, f"CA{number:032x}", status="completed"))
    for number, received_us in enumerate((at_us(0), NOW_US)):
        letter = DeadLetter(bytes([number]) * 16, "twilio", received_us, "unknown", b"CallSid=x")
        bench.run(bench.store.write(put_dead_letter(TENANT, letter)))
    bench.run(bench.store.write(set_retention(TENANT, 90)))
    return bench


def test_expired_calls_and_letters_are_removed(aged: Bench) -> None:
    """The newest of the 20 expired calls was created 90 days before, less an hour."""
    now_us = at_us(19 * DAY_US / SECOND_US) + 90 * DAY_US + HOUR_US
    totals = run_round(aged, now_us)
    assert (totals.expired_calls, totals.expired_letters, totals.failed, totals.left) == (20, 1, 0, False)
    assert [call["call_sid"] for call in listed(aged)] == [f"CA{number:032x}" for number in range(29, 19, -1)]
    assert (rows(aged, "facts"), rows(aged, "dead_letters")) == (10, 1)
    assert verdict(aged).findings == []
    again = run_round(aged, now_us)
    assert (again.expired_calls, again.expired_letters) == (0, 0)


def test_no_retention_removes_nothing(aged: Bench) -> None:
    aged.run(aged.store.write(set_retention(TENANT, None)))
    totals = run_round(aged, NOW_US + 36_500 * DAY_US)
    assert (totals.expired_calls, totals.expired_letters) == (0, 0)
    assert len(listed(aged)) == 30


def test_finished_days_are_rolled_up_at_most_hourly(bench: Bench) -> None:
    submit(bench, fact(0, status="completed"))
    worker = MaintenanceWorker(make_dependencies(bench.store), asyncio.Event())
    first = bench.run(worker.run_round(LATER_US))
    assert first.closed_days == rows(bench, "quality_closed")
    assert first.closed_days > 1
    submit(bench, fact(10, "other", status="completed"))
    assert bench.run(worker.run_round(LATER_US + HOUR_US - 1)).closed_days == 0
    assert bench.run(worker.run_round(LATER_US + HOUR_US)).closed_days == 1
    assert verdict(bench).findings == []


def test_leased_task_of_another_worker_is_skipped(bench: Bench) -> None:
    submit_changes(bench, 2)
    theirs = Lease(TENANT, HISTORY, "another")
    assert bench.run(bench.store.write(claim(theirs, now_us=NOW_US, until_us=NOW_US + 5)))
    assert run_round(bench) == WorkerRound(tenants=1, busy=1, closed_days=32)
    assert run_round(bench, clock=lambda: NOW_US + 5) == WorkerRound(tenants=1, marked=1)


def test_concurrent_workers_prune_once(new_bench: Callable[[], Bench]) -> None:
    bench = new_bench()
    submit_changes(bench, 40)
    run_round(bench)
    expected = sum(rows(bench, table) for table in ("call_versions", "count_history", "outbox"))

    async def crowd() -> list[WorkerRound]:
        stores = [open_store(bench.url, lambda: NOW_US) for _ in range(4)]
        works = [make_dependencies(store, holder=f"worker-{number}") for number, store in enumerate(stores)]
        try:
            return await asyncio.gather(*(_round(run_worker, LATER_US) for run_worker in works))
        finally:
            for store in stores:
                await store.close()

    totals = bench.run(crowd())
    assert sum(each.pruned for each in totals) == expected
    assert sum(each.advanced for each in totals) == 1
    assert [each.failed for each in totals] == [0] * 4


def test_facts_are_recorded_during_pruning(bench: Bench) -> None:
    submit_changes(bench, 30)
    run_round(bench)

    async def both() -> WorkerRound:
        run_worker = asyncio.create_task(_round(make_dependencies(bench.store), LATER_US))
        for number in range(30, 60):
            line = fact(number, sequence=number, status="ringing", tags=[str(number)])
            await bench.store.submit([Submission(TENANT, line)])
        return await run_worker

    assert bench.run(both()).failed == 0
    ledger_head = bench.run(bench.store.read(read_ledger_head(TENANT)))
    assert (ledger_head.kept_from, ledger_head.revision) == (30, 60)
    assert rows(bench, "call_versions") == 30
    assert bench.run(verified(bench.store)).findings == []


def test_error_of_one_tenant_is_logged_and_others_proceed(bench: Bench) -> None:
    first = bench.add_tenant("a-first")
    submit_changes(bench, 2)
    with direct(bench.url) as db:
        db("DELETE FROM ledger_heads WHERE tenant = ?", first)
    with capture_logs() as logs:
        assert run_round(bench) == WorkerRound(tenants=2, marked=1, closed_days=32, failed=1)
    fault, line = logs
    assert (fault["event"], fault["tenant"], fault["task"]) == ("worker failed", first, HISTORY)
    assert fault["exc_info"] is False
    assert (line["event"], line["failed"], line["log_level"]) == ("worker round", 1, "info")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Unavailable("the database cannot answer now"), WorkerRound(failed=1, unanswered=1)),
        (ZeroDivisionError("unforeseen"), WorkerRound(failed=1)),
    ],
)
def test_errors_do_not_end_the_worker(error: Exception, expected: WorkerRound) -> None:
    with capture_logs() as logs:
        assert asyncio.run(_round(make_dependencies(Broken(error)), NOW_US)) == expected
    assert [each["event"] for each in logs] == ["worker failed", "worker round"]
    assert logs[0]["detail"] == str(error)
    assert logs[0]["exc_info"] is isinstance(error, ZeroDivisionError)


def test_idle_round_is_logged_at_debug_level(bench: Bench) -> None:
    with capture_logs() as logs:
        run_round(bench)
    assert [(each["event"], each["log_level"]) for each in logs] == [("worker round", "debug")]


def test_stop_ends_after_the_running_batch(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calltally.worker.maintenance_tasks._PRUNE_BATCH", 3)
    submit_changes(bench, 9)
    run_round(bench)

    async def stopped() -> WorkerRound:
        stop = asyncio.Event()

        def steady() -> int:
            stop.set()
            return 0

        return await _round(make_dependencies(bench.store, steady=steady), LATER_US, stop)

    totals = bench.run(stopped())
    assert (totals.pruned, totals.left) == (3, True)
    assert rows(bench, "leases") == 0


def test_backlog_is_left_to_the_next_round(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calltally.worker.maintenance_tasks._PRUNE_BATCH", 3)
    monkeypatch.setattr("calltally.worker.job_batches._MAX_BATCHES", 2)
    submit_changes(bench, 9)
    run_round(bench)
    first = run_round(bench, LATER_US)
    # Two batches of history, and one event by the pruning of events.
    assert (first.pruned, first.left) == (7, True)
    while run_round(bench, LATER_US).left:
        pass
    assert rows(bench, "call_versions") == 0


def test_long_task_renews_its_lease(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calltally.worker.maintenance_tasks._PRUNE_BATCH", 3)
    submit_changes(bench, 9)
    run_round(bench)
    expiries: list[int] = []
    times = iter(range(NOW_US, NOW_US + 99 * LEASE_US, LEASE_US // 2))

    def clock() -> int:
        with direct(bench.url) as db:
            expiries.extend(until_us for (until_us,) in db("SELECT until_us FROM leases"))
        return next(times)

    assert run_round(bench, LATER_US, clock=clock).left is False
    # The last expiry is that of the pruning of events, which has its own lease.
    *history, _ = expiries
    assert history == [NOW_US + LEASE_US + number * LEASE_US // 2 for number in range(3)]


def test_lost_lease_ends_the_task(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calltally.worker.maintenance_tasks._PRUNE_BATCH", 3)
    submit_changes(bench, 9)
    run_round(bench)
    times: Iterator[int] = iter(range(NOW_US, NOW_US + 99 * LEASE_US, LEASE_US))

    def steady() -> int:
        with direct(bench.url) as db:
            db("UPDATE leases SET holder = 'another'")
        return 0

    totals = run_round(bench, LATER_US, steady=steady, clock=lambda: next(times))
    # From the history, and from the events after it.
    assert (totals.pruned, totals.left, totals.busy) == (4, True, 2)
    assert rows(bench, "leases") == 2


def test_worker_repeats_rounds_until_stop(bench: Bench) -> None:
    submit_changes(bench, 2)
    rounds: list[int] = []

    async def run_worker() -> None:
        stop = asyncio.Event()

        def clock() -> int:
            rounds.append(len(rounds))
            if len(rounds) == 3:
                stop.set()
            return NOW_US

        await MaintenanceWorker(make_dependencies(bench.store, clock=clock), stop).run()

    bench.run(run_worker())
    # The first round also reads the clock for its lease.
    assert len(rounds) == 3
    assert rows(bench, "ledger_marks") == 1


def test_pause_is_short_with_work_left_and_long_without_a_database() -> None:
    of = make_dependencies(Broken(Unavailable("")), interval_s=60.0)
    assert pause_after(WorkerRound(), 0, of) == 60
    assert pause_after(WorkerRound(left=True), 0, of) == 0.2
    assert [pause_after(WorkerRound(left=True), times, of) for times in (1, 2, 4, 9)] == [120, 240, 960, 960]
    assert pause_after(WorkerRound(left=True), 0, make_dependencies(of.store, interval_s=0.1)) == 0.1
    assert (
        60
        < pause_after(WorkerRound(), 0, make_dependencies(of.store, interval_s=60.0, chance=lambda: 1.0))
        <= 66
    )
    assert (
        54
        <= pause_after(WorkerRound(), 0, make_dependencies(of.store, interval_s=60.0, chance=lambda: 0.0))
        < 60
    )
