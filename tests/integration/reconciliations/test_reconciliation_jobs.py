"""Reconciliation jobs: planted faults are found and healed; workers are killed, stopped and canceled."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from calltally.calls.identity import parse_uuid
from calltally.calls.times import SECOND_US
from calltally.net import RetryingClient
from calltally.reconcile.events import UnreadableLine
from calltally.reconcile.jobs import cancelable
from calltally.reconcile.jobs.spec import EVENTS_FILE
from calltally.store.db.leases import Lease, claim
from calltally.store.jobs.jobs import find_job, start_job
from calltally.store.jobs.running_job import JobLost, RunningJob
from calltally.store.maintenance.erasure import erase_call
from calltally.worker.job_loop import LEASE_US
from tests.conftest import TENANT
from tests.integration.reconciliations.reconciling import PATH, Desk, callback_fact, event, lines
from tests.integration.store.probing import direct
from tests.provider_month import MONTH_US, month

CALLS = 400
DAY = MONTH_US + 86_400 * SECOND_US
Json = dict[str, Any]


@pytest.fixture
def labels(desk: Desk) -> dict[str, str]:
    """Return a month with planted faults, by SID."""
    made = month(CALLS)
    desk.record(made.facts)
    desk.api.calls = {call["sid"]: call for call in made.listed}
    return {sid: kind.value for sid, kind in made.labels.items()}


def test_planted_faults_are_found_then_healed_then_gone(desk: Desk, labels: dict[str, str]) -> None:
    job = desk.done(desk.request())
    found = desk.findings(job)
    assert {each["call_sid"]: each["kind"] for each in found} == labels
    assert len(found) == len(labels)
    result = desk.result(job)
    assert result["counts"] == Counter(labels.values())
    assert (result["looked_at"]["listed"], result["clean"], result["healed"]) == (CALLS, False, None)

    healed = desk.result(desk.done(desk.request(heal=True)))
    assert (healed["heal"], healed["deliver"]) == (True, False)
    assert healed["counts"] == result["counts"]
    assert healed["healed"]["recorded"] == len(labels)

    again = desk.done(desk.request(heal=True))
    assert desk.findings(again) == []
    clean = desk.result(again)
    assert (clean["clean"], clean["counts"], clean["healed"]["recorded"]) == (True, {}, 0)


def test_event_job_finds_planted_faults(desk: Desk) -> None:
    calls = {f"CA{number:032x}": "completed" for number in range(6)}
    desk.record([callback_fact(sid, DAY, status=status, ended_us=DAY) for sid, status in calls.items()])
    # Their events are no longer in flight.
    desk.bench.now_us += 3_600 * SECOND_US
    first, second, third, late, silent, fine = calls
    received = [
        event(1, first, DAY, "failed"),
        *[event(2, second, DAY)] * 2,
        event(3, third, DAY, tenant_id="other"),
        event(4, late, DAY, received_at="2026-10-31T00:00:00Z"),
        event(5, fine, DAY),
        event(6, "CA" + "9" * 32, DAY),
    ]
    job = desk.done(desk.upload(lines(received) + b"no event\n", grace_seconds=60, late_seconds=60))
    assert {(each["call_sid"], each["kind"]) for each in desk.findings(job)} == {
        (first, "other-final-state"),
        (second, "repeated-event"),
        (third, "other-tenant"),
        (third, "missing-event"),
        (late, "late-event"),
        (silent, "missing-event"),
        ("CA" + "9" * 32, "unknown-call"),
        (None, "unreadable"),
    }
    result = desk.result(job)
    assert result["terms"] == {"tolerance_seconds": None, "late_seconds": 60, "grace_seconds": 60}
    assert result["looked_at"] == {"calls": 6, "events": 8, "made_later": 0, "asked": 1}
    assert desk.file_kinds() == [".ids", ".ndjson", ".starts"]


def test_erased_call_is_no_unknown_call(desk: Desk) -> None:
    desk.record([callback_fact("CA1", DAY, status="completed", ended_us=DAY)])
    desk.bench.run(desk.bench.store.write(erase_call(TENANT, "CA1", desk.bench.now_us)))
    job = desk.done(desk.upload(lines([event(1, "CA1", DAY)])))
    assert desk.findings(job) == []


# ----------------------------------------------------------------------------------------- killed and stopped


class Gate:
    """Delays the provider's responses from the second on until the test releases them."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached = asyncio.Event()
        self.released = asyncio.Event()
        whole = RetryingClient.request

        async def fetch(client: RetryingClient, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (as it is)
            self.reached.set()
            await self.released.wait()
            return await whole(client, *args, **kwargs)

        monkeypatch.setattr(RetryingClient, "request", fetch)
        monkeypatch.setattr(cancelable, "CHECK_INTERVAL_S", 0.01)
        self.desk = desk

    def run(self, meanwhile: Any) -> None:  # noqa: ANN401 (a coroutine function)
        """Run a job; `meanwhile` is awaited while the job waits for the provider."""

        async def running_job() -> None:
            working = asyncio.ensure_future(self.desk.worker().run_slices())
            await self.reached.wait()
            await meanwhile(working)
            self.released.set()
            await asyncio.wait([working])

        self.desk.bench.run(running_job())


def test_killed_run_restarts_from_its_start(
    desk: Desk, labels: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = desk.request(heal=True).json()["id"]

    async def kill(working: "asyncio.Future[bool]") -> None:
        working.cancel()

    with monkeypatch.context() as patched:
        Gate(desk, patched).run(kill)
    assert desk.result(job)["state"] == "running"
    # The state that a killed process leaves.
    (folder,) = [path for path in desk.folder.rglob("*") if path.is_dir() and len(path.name) == 32]
    (folder / "findings-0.ndjson").write_bytes(b"half a li")
    desk.work("two")
    assert desk.result(job)["state"] == "running"
    desk.bench.now_us += LEASE_US
    desk.work("two")
    assert desk.result(job)["counts"] == Counter(labels.values())
    assert desk.file_kinds() == [".ids", ".ndjson", ".starts"]


def test_delayed_worker_does_not_disturb_its_successor(desk: Desk, labels: dict[str, str]) -> None:
    job = parse_uuid(desk.request().json()["id"]) or b""
    store = desk.bench.store
    late = desk.bench.run(store.write(start_job(TENANT, job, desk.bench.now_us)))
    assert late is not None
    desk.bench.now_us += LEASE_US
    desk.work("another")

    async def lasts() -> bool:
        return True

    running_job = RunningJob(
        store=store,
        tenant=TENANT,
        job=late,
        folder=desk.folders.of(TENANT, job),
        clock=lambda: desk.bench.now_us,
        has_time_left=lasts,
    )
    (only,) = desk.means().runners.values()
    with pytest.raises(JobLost):
        desk.bench.run(only.run(running_job))
    assert len(desk.findings(str(UUID(bytes=job)))) == len(labels)


def test_finished_work_is_not_repeated_if_only_the_end_is_missing(desk: Desk, labels: dict[str, str]) -> None:
    job = parse_uuid(desk.request().json()["id"]) or b""
    store = desk.bench.store
    desk.bench.run(store.write(start_job(TENANT, job, desk.bench.now_us)))

    def running_job() -> RunningJob:
        found = desk.bench.run(store.read(find_job(TENANT, job)))
        assert found is not None

        async def lasts() -> bool:
            return True

        return RunningJob(
            store=store,
            tenant=TENANT,
            job=found,
            folder=desk.folders.of(TENANT, job),
            clock=lambda: desk.bench.now_us,
            has_time_left=lasts,
        )

    runner = desk.means().runners
    (only,) = runner.values()
    first = desk.bench.run(only.run(running_job()))
    requested = len(desk.api.requested)
    assert desk.bench.run(only.run(running_job())) == first
    assert len(desk.api.requested) == requested
    assert first.counts == Counter(labels.values())


def test_cancel_ends_a_running_job(
    desk: Desk, labels: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = desk.request(heal=True).json()["id"]

    async def cancel(working: "asyncio.Future[bool]") -> None:
        await desk.service._request("DELETE", f"/api/v1/reconciliations/{job}", desk.writing)
        await asyncio.wait([working])

    Gate(desk, monkeypatch).run(cancel)
    assert desk.result(job)["state"] == "canceled"
    desk.round()
    assert desk.file_kinds() == []
    assert labels


def test_stopping_worker_leaves_the_job_to_the_next(
    desk: Desk, labels: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = desk.request().json()["id"]

    async def stop(working: "asyncio.Future[bool]") -> None:
        desk.stop.set()
        await asyncio.wait([working])

    with monkeypatch.context() as patched:
        Gate(desk, patched).run(stop)
    assert desk.result(job)["state"] == "running"
    with direct(desk.bench.url) as db:
        # The job is not at fault.
        assert db("SELECT turns, tries FROM jobs") == [(1, 0)]
    desk.stop.clear()
    desk.work()
    assert desk.result(job)["counts"] == Counter(labels.values())


def test_lease_is_renewed_during_the_run(
    desk: Desk, labels: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = desk.request().json()["id"]

    async def take(working: "asyncio.Future[bool]") -> None:
        for _ in range(4):
            desk.bench.now_us += LEASE_US // 3
            await asyncio.wait([working], timeout=0.1)
        now_us = desk.bench.now_us
        lease = Lease(TENANT, "reconciliations", "another")
        assert not await desk.bench.store.write(claim(lease, now_us=now_us, until_us=now_us + 1))

    Gate(desk, monkeypatch).run(take)
    assert desk.result(job)["state"] == "complete"
    assert desk.result(job)["counts"] == Counter(labels.values())


def test_comparison_thread_ends_with_its_job(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """For input of any length."""
    monkeypatch.setattr(cancelable, "CHECK_INTERVAL_S", 0.01)
    job = desk.upload(lines([event(1, "CA1", DAY)])).json()["id"]
    read = 0
    loop: Any = None

    def endless(*_: object) -> Any:  # noqa: ANN401 (events)
        nonlocal read
        while True:
            read += 1
            if read == 1_000:
                asyncio.run_coroutine_threadsafe(cancel(), loop).result()
            yield UnreadableLine("events:1", "no event")

    async def cancel() -> None:
        await desk.service._request("DELETE", f"/api/v1/reconciliations/{job}", desk.writing)

    async def running_job() -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        await desk.worker().run_slices()

    monkeypatch.setattr("calltally.reconcile.jobs.events_side.read_events", endless)
    desk.bench.run(running_job())
    assert read >= 1_000
    assert desk.result(job)["state"] == "canceled"


def test_missing_events_fail_the_job_with_reason(desk: Desk) -> None:
    job = desk.upload(lines([event(1, "CA1", DAY)])).json()["id"]
    (path,) = desk.folder.rglob(EVENTS_FILE)
    path.unlink()
    desk.work()
    result = desk.result(job)
    assert (result["state"], result["error"]["slug"], result["clean"]) == ("failed", "misconfigured", None)
    assert "CALLTALLY_FILES_FOLDER" in result["error"]["detail"]


def test_provider_refusal_fails_the_job_with_reason(desk: Desk) -> None:
    desk.sign_in(auth_token="wrong")
    job = desk.request().json()["id"]
    desk.work()
    result = desk.result(job)
    assert (result["state"], result["error"]["slug"]) == ("failed", "misconfigured")
    assert "twilio" in result["error"]["detail"].lower()
    assert result["findings"] is None
    assert desk.service.get(f"{PATH}/{job}/findings").status_code == 404


def test_unreachable_provider_is_retried(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    job = desk.request().json()["id"]

    async def away(*_: object) -> None:
        raise ConnectionError("nobody answers")

    with monkeypatch.context() as patched:
        patched.setattr(RetryingClient, "request", away)
        desk.work()
    assert desk.result(job)["state"] == "running"
    desk.bench.now_us += LEASE_US
    desk.work()
    assert desk.result(job)["state"] == "complete"


def test_full_disk_fails_the_job_with_reason(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.record([callback_fact(f"CA{number}", DAY, status="completed") for number in range(3)])
    job = desk.request().json()["id"]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("calltally.reconcile.provider_sides.ExternalSorter.add", full)
    desk.work()
    assert "No space left on device" in desk.result(job)["error"]["detail"]
