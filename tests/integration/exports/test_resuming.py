"""Workers that die or are delayed at any moment do not change the exported files."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs

from calltally.calls.errors import Misconfigured, Unavailable
from calltally.calls.times import DAY_US, SECOND_US
from calltally.exports.job import ExportRunner
from calltally.exports.spec import ExportOutcome
from calltally.store.db.leases import Lease, claim
from calltally.store.db.operation import StoreOperation
from calltally.store.jobs.folders import JobFolder
from calltally.store.jobs.jobs import Job, JobKind, next_job, start_job
from calltally.store.jobs.running_job import JobLost, RunningJob
from calltally.worker.job_loop import JOBS_LEASE, LEASE_US, MAX_TRIES, RETRY_POLICY, SLICE_US, JobWorker
from tests.conftest import TENANT
from tests.integration.exports.exporting import Desk
from tests.integration.store.probing import direct
from tests.integration.web.service import Broken

CALLS = 300


class Death(BaseException):
    """Ends a worker like a kill: nothing catches it, and no lease is released."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set small chunks and parts, so that there are many points to stop at."""
    for module in ("job", "window"):
        monkeypatch.setattr(f"calltally.exports.{module}.FIRST_ROWS", 20)
    monkeypatch.setattr("calltally.exports.window.MOST_ROWS", 30)
    monkeypatch.setattr("calltally.exports.job.PART_ROWS", 120)


@contextmanager
def dying(after: int, *, half: bool = False) -> Iterator[None]:
    """Raise Death at a later write; some of its bytes may be on the disk."""
    left = after
    write_at = JobFolder.write_at

    def write(self: JobFolder, name: str, at: int, data: bytes) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            write_at(self, name, at, data[: len(data) // 2] if half else data)
            raise Death
        write_at(self, name, at, data)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(JobFolder, "write_at", write)
        yield


def die_again_and_again(desk: Desk, after: int) -> int:
    """Run workers that each die after `after` writes until one completes; returns the number of deaths."""
    deaths = 0
    while True:
        try:
            with dying(after, half=deaths % 2 == 0):
                # The lease of the dead worker has expired.
                desk.bench.now_us += LEASE_US
                while desk.run_jobs(f"worker-{deaths}"):
                    pass
        except Death:
            deaths += 1
        else:
            return deaths


@pytest.mark.parametrize(
    "params", [{"format": "ndjson"}, {"format": "csv", "partition": "day"}, {"format": "parquet"}]
)
@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_bytes_are_equal_after_crashes_at_any_write(desk: Desk, params: dict[str, Any]) -> None:
    desk.record(CALLS, every_s=3_600.0)
    desk.tick_us = 300_000
    unstopped = desk.done(**params)
    expected, sums = desk.contents(unstopped), desk.export(unstopped)["files"]
    # A split part must complete in one run; other formats must reach the next checkpoint.
    for after in (8, 9, 11, 14, 17):
        job = desk.start(**params, snapshot=desk.export(unstopped)["snapshot"])
        assert die_again_and_again(desk, after) > 0
        assert desk.contents(job) == expected
        assert [each["sha256"] for each in desk.export(job)["files"]] == [each["sha256"] for each in sums]
        assert desk.export(job)["rows_done"] == CALLS


def test_next_run_continues_after_a_run_ends(desk: Desk) -> None:
    desk.record(CALLS)
    desk.tick_us = SLICE_US // 4
    job = desk.start()
    run_count = 0
    while desk.export(job)["state"] in {"queued", "running"}:
        assert desk.run_jobs(f"worker-{run_count}")
        run_count += 1
    assert run_count > 2
    assert list(desk.contents(job).values()) == [
        desk.streamed(f"format=ndjson&snapshot={desk.export(job)['snapshot']}")
    ]


def test_jobs_and_tenants_alternate(desk: Desk) -> None:
    other = desk.bench.add_tenant("a-other")
    desk.record(CALLS)
    desk.record(CALLS, other)
    desk.tick_us = SLICE_US // 4
    first = desk.start()
    desk.bench.now_us += 1
    second = desk.start()
    theirs = desk.service.send("/api/v1/exports", {}, desk.service.new_key("exports:write", tenant=other))
    assert theirs.status_code == 202
    states = []
    for _ in range(2):
        desk.run_jobs()
        states.append([desk.export(job)["state"] for job in (first, second)])
    assert states == [["running", "queued"], ["running", "running"]]
    desk.work()
    assert [desk.export(job)["state"] for job in (first, second)] == ["complete", "complete"]


class Stalling:
    """Runs an export that is delayed before its first disk access, while another worker takes over."""

    def __init__(self, desk: Desk, until: str) -> None:
        self._desk = desk
        self._until = until
        self.fault: JobLost | None = None

    async def run(self, running_job: RunningJob) -> ExportOutcome | None:
        desk = self._desk
        desk.bench.now_us += LEASE_US
        desk.tick_us = 0 if self._until == "complete" else SLICE_US // 4
        await JobWorker(desk.means("another"), desk.folders, desk.stop).run_slices()
        try:
            await ExportRunner().run(running_job)
        except JobLost as fault:
            self.fault = fault
        # The reaction of a delayed worker to a refused write.
        raise Misconfigured("it is late")


@pytest.mark.parametrize("until", ["running", "complete"])
def test_delayed_worker_changes_nothing(desk: Desk, until: str) -> None:
    desk.record(CALLS)
    desk.tick_us = SLICE_US // 4
    job = desk.start()
    assert desk.run_jobs("first")
    late = Stalling(desk, until)
    means = replace(desk.means("late"), runners={JobKind.EXPORT: late})
    desk.bench.run(JobWorker(means, desk.folders, desk.stop).run_slices())
    assert late.fault is not None
    assert desk.export(job)["state"] == until
    desk.tick_us = 0
    desk.bench.now_us += 2 * LEASE_US
    desk.work()
    whole = desk.streamed(f"format=ndjson&snapshot={desk.export(job)['snapshot']}")
    assert list(desk.contents(job).values()) == [whole]


def test_progress_is_read_at_the_start_of_a_run(desk: Desk) -> None:
    """A worker that is delayed between finding and starting a job must not go back."""
    desk.record(CALLS)
    job = desk.start()
    store = desk.bench.store
    found = desk.bench.run(store.read(next_job(TENANT, JobKind.EXPORT, desk.bench.now_us)))
    assert found is not None
    desk.tick_us = SLICE_US // 4
    desk.run_jobs()
    started_job = desk.bench.run(store.write(start_job(TENANT, found.job, desk.bench.now_us)))
    assert started_job is not None
    assert started_job.run_number > found.run_number + 1
    assert started_job.progress != found.progress
    assert desk.export(job)["state"] == "running"


def test_unavailable_dependency_counts_no_try_and_fails_at_last(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = desk.start()
    began_us = desk.bench.now_us
    start_times_us: list[int] = []

    def away(*_: object) -> None:
        start_times_us.append(desk.bench.now_us)
        raise Unavailable("nobody answers at the provider")

    monkeypatch.setattr(JobFolder, "make", away)
    policy = RETRY_POLICY._replace(tries=MAX_TRIES + 3)
    monkeypatch.setattr("calltally.worker.job_loop.RETRY_POLICY", policy)
    while len(start_times_us) < MAX_TRIES + 3:
        assert desk.bench.now_us < began_us + DAY_US
        desk.run_jobs()
        # The first pause; all others but the longest are its multiples.
        desk.bench.now_us += 2 * SECOND_US
    pauses = [later - sooner for sooner, later in pairwise(start_times_us)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (2 * SECOND_US, 300 * SECOND_US)
    export = desk.export(job)
    assert (export["state"], export["error"]["slug"]) == ("failed", "unavailable")
    assert "nobody answers at the provider" in export["error"]["detail"]


def test_worker_stops_soon_and_the_next_continues(desk: Desk) -> None:
    desk.record(CALLS)
    job = desk.start()
    desk.stop.set()
    worker = JobWorker(desk.means(), desk.folders, desk.stop)
    assert desk.bench.run(worker.run_slices()) is False
    assert desk.export(job)["state"] == "queued"
    desk.bench.run(worker.run())
    desk.stop = asyncio.Event()
    desk.work()
    assert desk.export(job)["state"] == "complete"


def test_job_of_another_worker_is_not_taken(desk: Desk) -> None:
    desk.record(2)
    job = desk.start()
    lease = Lease(TENANT, JOBS_LEASE, "another")
    now_us = desk.bench.now_us
    assert desk.bench.run(desk.bench.store.write(claim(lease, now_us=now_us, until_us=now_us + LEASE_US)))
    assert desk.run_jobs() is False
    assert desk.export(job)["state"] == "queued"
    desk.bench.now_us += LEASE_US
    desk.work()
    assert desk.export(job)["state"] == "complete"


def test_lost_lease_ends_the_run(desk: Desk) -> None:
    desk.record(CALLS)
    job = desk.start()
    desk.tick_us = LEASE_US
    # Each clock reading is a lease later, and at the second one another worker has the lease.
    steals = iter(range(99))
    means = desk.means()
    clock = means.clock

    def stealing() -> int:
        if next(steals) == 2:
            with direct(desk.bench.url) as db:
                db("UPDATE leases SET holder = 'another'")
        return clock()

    assert desk.bench.run(JobWorker(replace(means, clock=stealing), desk.folders, desk.stop).run_slices())
    assert desk.export(job)["state"] == "running"
    desk.tick_us = 0
    desk.bench.now_us += 2 * LEASE_US
    desk.work()
    assert desk.export(job)["state"] == "complete"


def test_job_that_repeatedly_kills_its_worker_fails(desk: Desk) -> None:
    desk.record(5)
    job = desk.start()
    for number in range(MAX_TRIES + 1):
        desk.bench.now_us += LEASE_US
        with pytest.raises(Death), dying(0):
            desk.run_jobs(f"worker-{number}")
    desk.bench.now_us += LEASE_US
    desk.work()
    export = desk.export(job)
    assert (export["state"], export["error"]["slug"]) == ("failed", "internal")
    assert f"{MAX_TRIES} times" in export["error"]["detail"]


def test_lost_files_are_written_again(desk: Desk) -> None:
    desk.record(CALLS)
    desk.tick_us = SLICE_US // 4
    job = desk.start()
    desk.run_jobs()
    (stored,) = (path for path in desk.folder.rglob("*.ndjson"))
    stored.write_bytes(b"")
    desk.work()
    assert list(desk.contents(job).values()) == [
        desk.streamed(f"format=ndjson&snapshot={desk.export(job)['snapshot']}")
    ]


def test_unusable_folder_fails_the_job_without_its_path(desk: Desk) -> None:
    desk.record(5)
    job = desk.start()
    desk.folder.write_text("in the way")
    desk.work()
    export = desk.export(job)
    assert (export["state"], export["error"]["slug"]) == ("failed", "misconfigured")
    assert "CALLTALLY_FILES_FOLDER" in export["error"]["detail"]
    assert str(desk.folder) not in str(export)


def test_unexpected_error_is_not_exposed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        message = f"secret of {desk.folder}"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(JobFolder, "make", fail)
    job = desk.start()
    desk.work()
    error = desk.export(job)["error"]
    assert error == {"slug": "internal", "detail": "internal error; see the service's log"}


def test_unavailable_database_is_retried(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The failure does not count against the job."""
    desk.record(5)
    job = desk.start()
    broken = JobWorker(replace(desk.means(), store=Broken(Unavailable("away"))), desk.folders, desk.stop)
    with capture_logs() as logs:
        assert desk.bench.run(broken.run_slices()) is False

        def away(*_: object) -> None:
            raise Unavailable("away")

        with monkeypatch.context() as patched:
            patched.setattr(JobFolder, "make", away)
            assert desk.run_jobs() is False
            patched.undo()
            assert desk.run_jobs() is False
            desk.bench.now_us += LEASE_US
            patched.setattr("calltally.worker.job_loop.next_job", away)
            assert desk.run_jobs() is False
    assert [each["event"] for each in logs] == ["jobs wait", "job waits", "jobs wait"]
    assert desk.export(job)["state"] == "running"
    desk.bench.now_us += LEASE_US
    desk.work()
    assert desk.export(job)["state"] == "complete"


def test_worker_polls_until_it_is_stopped(desk: Desk) -> None:
    desk.record(CALLS)
    job = desk.start()
    runs: list[ExportOutcome | None] = []

    class StoppingAtTheEnd:
        async def run(self, running_job: RunningJob) -> ExportOutcome | None:
            runs.append(await ExportRunner().run(running_job))
            if runs[-1] is not None:
                desk.stop.set()
            return runs[-1]

    desk.tick_us = SLICE_US // 4
    means = replace(desk.means(), interval_s=0.001, runners={JobKind.EXPORT: StoppingAtTheEnd()})
    desk.bench.run(JobWorker(means, desk.folders, desk.stop).run())
    assert len(runs) > 2
    assert runs[:-1] == [None] * len(runs[:-1])
    assert desk.export(job)["rows_done"] == CALLS


def test_job_that_ended_meanwhile_is_skipped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    job = desk.start()
    stored = desk.bench.run(desk.bench.store.read(next_job(TENANT, JobKind.EXPORT, desk.bench.now_us)))
    desk.service.get(f"/api/v1/exports/{job}", desk.writing, "DELETE")
    desk.start()

    def then(*_: object) -> StoreOperation[Job | None]:
        return stored
        yield

    monkeypatch.setattr("calltally.worker.job_loop.next_job", then)
    assert desk.run_jobs() is True
    assert desk.export(job)["state"] == "canceled"


def test_lost_file_of_ids_restarts_the_export(desk: Desk) -> None:
    desk.record(CALLS)
    desk.tick_us = SLICE_US // 4
    job = desk.start(format="parquet")
    desk.run_jobs()
    for path in desk.folder.rglob("*.ids"):
        path.unlink()
    desk.work()
    assert desk.export(job)["rows_done"] == CALLS
    (ids,) = (path.name for path in desk.folder.rglob("*.ids"))
    assert ids != "1.ids"


def test_changed_file_is_not_listed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = JobFolder.sync

    def spoilt(self: JobFolder, *names: str) -> None:
        sync(self, *names)
        self.cut(names[0], 1)

    monkeypatch.setattr(JobFolder, "sync", spoilt)
    desk.record(2)
    job = desk.start()
    desk.work()
    export = desk.export(job)
    assert (export["state"], export["error"]["slug"]) == ("failed", "misconfigured")


@pytest.mark.usefixtures("small")
def test_job_canceled_at_the_end_stays_canceled(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cancellation comes between the last chunk and the completion of the file."""
    desk.record(2)
    job = desk.start()
    feed = JobFolder.feed

    def cancelled(self: JobFolder, name: str, at: int, digest: Any) -> int:  # noqa: ANN401 (the library's own)
        if not feed(self, name, at, digest):
            with direct(desk.bench.url) as db:
                db("UPDATE jobs SET state = 'canceled'")
            return 0
        return feed(self, name, at, digest)

    monkeypatch.setattr(JobFolder, "feed", cancelled)
    desk.work()
    assert desk.export(job)["state"] == "canceled"
