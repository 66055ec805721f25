"""What a worker makes of a reconciliation: planted faults named, healed, clean; killed, stopped, canceled."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from calltally.calls.identity import parse_uuid
from calltally.calls.times import SECOND_US
from calltally.net import RetryingClient
from calltally.reconcile.events import Unread
from calltally.reconcile.jobs import attending
from calltally.reconcile.jobs.spec import EVENTS_FILE
from calltally.store.db.leases import Lease, claim
from calltally.store.jobs.jobs import begin_job, find_job
from calltally.store.jobs.running_job import JobTaken, JobTurn
from calltally.store.maintenance.erasure import erase_call
from calltally.worker.job_loop import LEASE_US
from tests.conftest import TENANT
from tests.integration.reconciliations.reconciling import PATH, Desk, event, lines, told
from tests.integration.store.probing import direct
from tests.provider_month import MONTH_US, month

CALLS = 400
DAY = MONTH_US + 86_400 * SECOND_US
Json = dict[str, Any]


@pytest.fixture
def labels(desk: Desk) -> dict[str, str]:
    """A month with planted faults, by SID."""
    made = month(CALLS)
    desk.tell(made.facts)
    desk.api.calls = {call["sid"]: call for call in made.listed}
    return {sid: kind.value for sid, kind in made.labels.items()}


def test_planted_faults_are_named_then_healed_then_gone(desk: Desk, labels: dict[str, str]) -> None:
    job = desk.done(desk.ask())
    found = desk.findings(job)
    assert {each["call_sid"]: each["kind"] for each in found} == labels
    assert len(found) == len(labels)
    shown = desk.shown(job)
    assert shown["counts"] == Counter(labels.values())
    assert (shown["looked_at"]["listed"], shown["clean"], shown["healed"]) == (CALLS, False, None)

    healed = desk.shown(desk.done(desk.ask(heal=True)))
    assert (healed["heal"], healed["deliver"]) == (True, False)
    assert healed["counts"] == shown["counts"]
    assert healed["healed"]["recorded"] == len(labels)

    again = desk.done(desk.ask(heal=True))
    assert desk.findings(again) == []
    clean = desk.shown(again)
    assert (clean["clean"], clean["counts"], clean["healed"]["recorded"]) == (True, {}, 0)


def test_events_are_compared_in_the_same_way(desk: Desk) -> None:
    calls = {f"CA{number:032x}": "completed" for number in range(6)}
    desk.tell([told(sid, DAY, status=status, ended_us=DAY) for sid, status in calls.items()])
    # Their events are under way no longer.
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
    shown = desk.shown(job)
    assert shown["terms"] == {"tolerance_seconds": None, "late_seconds": 60, "grace_seconds": 60}
    assert shown["looked_at"] == {"calls": 6, "events": 8, "made_later": 0, "asked": 1}
    assert desk.kept() == [".ids", ".ndjson", ".starts"]


def test_an_erased_call_is_no_unknown_one(desk: Desk) -> None:
    desk.tell([told("CA1", DAY, status="completed", ended_us=DAY)])
    desk.bench.run(desk.bench.store.write(erase_call(TENANT, "CA1", desk.bench.now_us)))
    job = desk.done(desk.upload(lines([event(1, "CA1", DAY)])))
    assert desk.findings(job) == []


# ----------------------------------------------------------------------------------------- killed and stopped


class Gate:
    """Holds up the provider's answers from the second on, until the test lets go."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached = asyncio.Event()
        self.released = asyncio.Event()
        whole = RetryingClient.request

        async def ask(client: RetryingClient, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (as it is)
            self.reached.set()
            await self.released.wait()
            return await whole(client, *args, **kwargs)

        monkeypatch.setattr(RetryingClient, "request", ask)
        monkeypatch.setattr(attending, "LOOKS_EVERY_S", 0.01)
        self.desk = desk

    def run(self, meanwhile: Any) -> None:  # noqa: ANN401 (a coroutine function)
        """A turn; `meanwhile` is awaited while it waits for the provider."""

        async def turn() -> None:
            working = asyncio.ensure_future(self.desk.worker().run_slices())
            await self.reached.wait()
            await meanwhile(working)
            self.released.set()
            await asyncio.wait([working])

        self.desk.bench.run(turn())


def test_a_killed_run_is_done_again_from_its_start(
    desk: Desk, labels: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = desk.ask(heal=True).json()["id"]

    async def kill(working: "asyncio.Future[bool]") -> None:
        working.cancel()

    with monkeypatch.context() as patched:
        Gate(desk, patched).run(kill)
    assert desk.shown(job)["state"] == "running"
    # What a process leaves that ends without a word.
    (folder,) = [path for path in desk.folder.rglob("*") if path.is_dir() and len(path.name) == 32]
    (folder / "findings-0.ndjson").write_bytes(b"half a li")
    desk.work("two")
    assert desk.shown(job)["state"] == "running"
    desk.bench.now_us += LEASE_US
    desk.work("two")
    assert desk.shown(job)["counts"] == Counter(labels.values())
    assert desk.kept() == [".ids", ".ndjson", ".starts"]


def test_who_is_late_takes_nothing_from_the_one_that_took_over(desk: Desk, labels: dict[str, str]) -> None:
    job = parse_uuid(desk.ask().json()["id"]) or b""
    store = desk.bench.store
    late = desk.bench.run(store.write(begin_job(TENANT, job, desk.bench.now_us)))
    assert late is not None
    desk.bench.now_us += LEASE_US
    desk.work("another")

    async def lasts() -> bool:
        return True

    turn = JobTurn(
        store=store,
        tenant=TENANT,
        job=late,
        folder=desk.folders.of(TENANT, job),
        clock=lambda: desk.bench.now_us,
        lasts=lasts,
    )
    (only,) = desk.means().runners.values()
    with pytest.raises(JobTaken):
        desk.bench.run(only.run(turn))
    assert len(desk.findings(str(UUID(bytes=job)))) == len(labels)


def test_what_ended_but_for_the_last_word_is_not_done_again(desk: Desk, labels: dict[str, str]) -> None:
    job = parse_uuid(desk.ask().json()["id"]) or b""
    store = desk.bench.store
    desk.bench.run(store.write(begin_job(TENANT, job, desk.bench.now_us)))

    def turn() -> JobTurn:
        found = desk.bench.run(store.read(find_job(TENANT, job)))
        assert found is not None

        async def lasts() -> bool:
            return True

        return JobTurn(
            store=store,
            tenant=TENANT,
            job=found,
            folder=desk.folders.of(TENANT, job),
            clock=lambda: desk.bench.now_us,
            lasts=lasts,
        )

    runner = desk.means().runners
    (only,) = runner.values()
    first = desk.bench.run(only.run(turn()))
    asked = len(desk.api.asked)
    assert desk.bench.run(only.run(turn())) == first
    assert len(desk.api.asked) == asked
    assert first.counts == Counter(labels.values())


def test_a_cancel_is_seen_while_it_runs(
    desk: Desk, labels: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = desk.ask(heal=True).json()["id"]

    async def cancel(working: "asyncio.Future[bool]") -> None:
        await desk.service._ask("DELETE", f"/api/v1/reconciliations/{job}", desk.writing)
        await asyncio.wait([working])

    Gate(desk, monkeypatch).run(cancel)
    assert desk.shown(job)["state"] == "canceled"
    desk.round()
    assert desk.kept() == []
    assert labels


def test_a_worker_that_is_to_stop_leaves_it_to_the_next(
    desk: Desk, labels: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = desk.ask().json()["id"]

    async def stop(working: "asyncio.Future[bool]") -> None:
        desk.stop.set()
        await asyncio.wait([working])

    with monkeypatch.context() as patched:
        Gate(desk, patched).run(stop)
    assert desk.shown(job)["state"] == "running"
    with direct(desk.bench.url) as db:
        # No fault of the job's.
        assert db("SELECT turns, tries FROM jobs") == [(1, 0)]
    desk.stop.clear()
    desk.work()
    assert desk.shown(job)["counts"] == Counter(labels.values())


def test_the_lease_is_kept_while_it_runs(
    desk: Desk, labels: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = desk.ask().json()["id"]

    async def take(working: "asyncio.Future[bool]") -> None:
        for _ in range(4):
            desk.bench.now_us += LEASE_US // 3
            await asyncio.wait([working], timeout=0.1)
        now_us = desk.bench.now_us
        lease = Lease(TENANT, "reconciliations", "another")
        assert not await desk.bench.store.write(claim(lease, now_us=now_us, until_us=now_us + 1))

    Gate(desk, monkeypatch).run(take)
    assert desk.shown(job)["state"] == "complete"
    assert desk.shown(job)["counts"] == Counter(labels.values())


def test_a_thread_that_compares_ends_with_its_job(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long its input is."""
    monkeypatch.setattr(attending, "LOOKS_EVERY_S", 0.01)
    job = desk.upload(lines([event(1, "CA1", DAY)])).json()["id"]
    read = 0
    loop: Any = None

    def endless(*_: object) -> Any:  # noqa: ANN401 (events)
        nonlocal read
        while True:
            read += 1
            if read == 1_000:
                asyncio.run_coroutine_threadsafe(cancel(), loop).result()
            yield Unread("events:1", "no event")

    async def cancel() -> None:
        await desk.service._ask("DELETE", f"/api/v1/reconciliations/{job}", desk.writing)

    async def turn() -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        await desk.worker().run_slices()

    monkeypatch.setattr("calltally.reconcile.jobs.events_side.read_events", endless)
    desk.bench.run(turn())
    assert read >= 1_000
    assert desk.shown(job)["state"] == "canceled"


def test_events_that_are_not_there_fail_it_with_words(desk: Desk) -> None:
    job = desk.upload(lines([event(1, "CA1", DAY)])).json()["id"]
    (path,) = desk.folder.rglob(EVENTS_FILE)
    path.unlink()
    desk.work()
    shown = desk.shown(job)
    assert (shown["state"], shown["error"]["slug"], shown["clean"]) == ("failed", "misconfigured", None)
    assert "CALLTALLY_FILES_FOLDER" in shown["error"]["detail"]


def test_a_provider_that_refuses_fails_it_with_words(desk: Desk) -> None:
    desk.sign_in(auth_token="wrong")
    job = desk.ask().json()["id"]
    desk.work()
    shown = desk.shown(job)
    assert (shown["state"], shown["error"]["slug"]) == ("failed", "misconfigured")
    assert "twilio" in shown["error"]["detail"].lower()
    assert shown["findings"] is None
    assert desk.service.get(f"{PATH}/{job}/findings").status_code == 404


def test_one_that_cannot_be_reached_is_asked_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    job = desk.ask().json()["id"]

    async def away(*_: object) -> None:
        raise ConnectionError("nobody answers")

    with monkeypatch.context() as patched:
        patched.setattr(RetryingClient, "request", away)
        desk.work()
    assert desk.shown(job)["state"] == "running"
    desk.bench.now_us += LEASE_US
    desk.work()
    assert desk.shown(job)["state"] == "complete"


def test_a_full_disk_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.tell([told(f"CA{number}", DAY, status="completed") for number in range(3)])
    job = desk.ask().json()["id"]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("calltally.reconcile.provider_sides.Spill.add", full)
    desk.work()
    assert "No space left on device" in desk.shown(job)["error"]["detail"]
