"""Presence of workers: their reports, and the work that waits without them."""

from typing import Any

from calltally.calls.times import SECOND_US
from calltally.store.db.operation import StoreOperation
from calltally.store.maintenance.worker_presence import (
    MissingWorker,
    WaitingWork,
    admin_last_worker_report,
    admin_missing_worker,
    missing_worker_text,
    report_worker,
)
from tests.conftest import NOW_US, Bench
from tests.integration.store.probing import direct

MINUTE_US = 60 * SECOND_US
LATER_US = NOW_US + 11 * MINUTE_US


def read(bench: Bench, operation: StoreOperation[Any]) -> Any:  # noqa: ANN401 (any result)
    return bench.run(bench.store.read(operation))


def missing(bench: Bench, now_us: int) -> MissingWorker | None:
    found: MissingWorker | None = read(bench, admin_missing_worker(now_us))
    return found


def report(bench: Bench, holder: str, now_us: int) -> bool:
    return bool(bench.run(bench.store.write(report_worker(holder, now_us))))


def test_without_due_work_no_worker_is_missing(bench: Bench) -> None:
    assert missing(bench, NOW_US) is None


def test_a_worker_is_missing_while_work_waits_and_none_reports(bench: Bench) -> None:
    found = missing(bench, LATER_US)
    assert found is not None
    assert (found.last_report_us, found.waiting.evaluations > 0) == (None, True)
    assert report(bench, "one", LATER_US)
    assert missing(bench, LATER_US) is None
    assert missing(bench, LATER_US + 2 * MINUTE_US - 1) is None
    found = missing(bench, LATER_US + 2 * MINUTE_US)
    assert found is not None
    assert found.last_report_us == LATER_US


def test_a_second_worker_takes_over_the_reports_of_one_that_ended(bench: Bench) -> None:
    assert report(bench, "one", NOW_US)
    assert not report(bench, "two", NOW_US + 59 * SECOND_US)
    assert report(bench, "two", NOW_US + MINUTE_US)
    assert read(bench, admin_last_worker_report(LATER_US)) == NOW_US + MINUTE_US


def test_a_report_is_never_later_than_now(bench: Bench) -> None:
    """The clocks of two machines differ."""
    assert report(bench, "one", NOW_US + MINUTE_US)
    assert read(bench, admin_last_worker_report(NOW_US)) == NOW_US


def test_due_deliveries_and_jobs_wait(bench: Bench) -> None:
    with direct(bench.url) as db:
        db("DELETE FROM tenants WHERE tenant NOT IN (SELECT min(tenant) FROM tenants)")
        [(tenant,)] = db("SELECT tenant FROM tenants")
        db("INSERT INTO delivery_heads (tenant, seen, due_us) VALUES (?, 0, ?)", tenant, NOW_US)
        db("UPDATE tenants SET created_us = ?", LATER_US)
    assert missing(bench, NOW_US + 2 * MINUTE_US - 1) is None
    found = missing(bench, NOW_US + 2 * MINUTE_US)
    assert found == MissingWorker(None, WaitingWork(deliveries=1, jobs=0, evaluations=0))


def test_the_sentence_counts_what_waits() -> None:
    one = MissingWorker(None, WaitingWork(deliveries=1, jobs=2, evaluations=0))
    assert missing_worker_text(one) == (
        "No background worker has reported yet, and work waits: webhook deliveries of 1 tenant, 2 jobs. "
        "Start `calltally worker`, or run `calltally serve` without --no-worker."
    )
    two = MissingWorker(NOW_US, WaitingWork(deliveries=0, jobs=0, evaluations=3))
    assert "reported since 20" in missing_worker_text(two)
    assert "work waits: alerts of 3 tenants." in missing_worker_text(two)
