"""A worker may die at any moment, and be held up at any: the files come out as if nothing had been."""

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
from calltally.exports.spec import Outcome
from calltally.store.db.leases import Lease, claim
from calltally.store.db.operation import Step
from calltally.store.jobs.folders import JobFolder
from calltally.store.jobs.jobs import Job, Kind, begin_job, next_job
from calltally.store.jobs.running_job import JobTaken, JobTurn
from calltally.worker.job_loop import JOBS_LEASE, LEASE_US, MAX_TRIES, SLICE_US, JobWorker
from tests.conftest import TENANT
from tests.integration.exports.exporting import Desk
from tests.integration.store.probing import direct
from tests.integration.web.service import Broken

CALLS = 300


class Death(BaseException):
    """Ends a worker as a kill does: nobody catches it, nothing is let go of."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks and parts of few calls, so that there is much to be stopped in."""
    for module in ("job", "window"):
        monkeypatch.setattr(f"calltally.exports.{module}.FIRST_ROWS", 20)
    monkeypatch.setattr("calltally.exports.window.MOST_ROWS", 30)
    monkeypatch.setattr("calltally.exports.job.PART_ROWS", 120)


@contextmanager
def dying(after: int, *, half: bool = False) -> Iterator[None]:
    """Death at the write behind so many; some of its bytes may be on the disk."""
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
    """Workers that each die after so many writes, until one comes to the end; returns how many died."""
    deaths = 0
    while True:
        try:
            with dying(after, half=deaths % 2 == 0):
                # The lease of the one that died has run out.
                desk.bench.now_us += LEASE_US
                while desk.take_turn(f"worker-{deaths}"):
                    pass
        except Death:
            deaths += 1
        else:
            return deaths


@pytest.mark.parametrize(
    "asked", [{"format": "ndjson"}, {"format": "csv", "partition": "day"}, {"format": "parquet"}]
)
@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_whoever_dies_wherever_the_bytes_are_the_same(desk: Desk, asked: dict[str, Any]) -> None:
    desk.tell(CALLS, every_s=3_600.0)
    desk.tick_us = 300_000
    unstopped = desk.done(**asked)
    expected, sums = desk.contents(unstopped), desk.shown(unstopped)["files"]
    # Parts have to be come through in one go, anything else to the next checkpoint.
    for after in (8, 9, 11, 14, 17):
        job = desk.start(**asked, snapshot=desk.shown(unstopped)["snapshot"])
        assert die_again_and_again(desk, after) > 0
        assert desk.contents(job) == expected
        assert [each["sha256"] for each in desk.shown(job)["files"]] == [each["sha256"] for each in sums]
        assert desk.shown(job)["rows_done"] == CALLS


def test_a_turn_ends_and_the_next_goes_on(desk: Desk) -> None:
    desk.tell(CALLS)
    desk.tick_us = SLICE_US // 4
    job = desk.start()
    turns = 0
    while desk.shown(job)["state"] in {"queued", "running"}:
        assert desk.take_turn(f"worker-{turns}")
        turns += 1
    assert turns > 2
    assert list(desk.contents(job).values()) == [
        desk.streamed(f"format=ndjson&snapshot={desk.shown(job)['snapshot']}")
    ]


def test_jobs_and_tenants_take_turns(desk: Desk) -> None:
    other = desk.bench.add_tenant("a-other")
    desk.tell(CALLS)
    desk.tell(CALLS, other)
    desk.tick_us = SLICE_US // 4
    first = desk.start()
    desk.bench.now_us += 1
    second = desk.start()
    theirs = desk.service.send("/api/v1/exports", {}, desk.service.new_key("exports:write", tenant=other))
    assert theirs.status_code == 202
    states = []
    for _ in range(2):
        desk.take_turn()
        states.append([desk.shown(job)["state"] for job in (first, second)])
    assert states == [["running", "queued"], ["running", "running"]]
    desk.work()
    assert [desk.shown(job)["state"] for job in (first, second)] == ["complete", "complete"]


class Stalling:
    """An export that is held up for too long before its first look at the disk: another takes over."""

    def __init__(self, desk: Desk, until: str) -> None:
        self._desk = desk
        self._until = until
        self.fault: JobTaken | None = None

    async def run(self, turn: JobTurn) -> Outcome | None:
        desk = self._desk
        desk.bench.now_us += LEASE_US
        desk.tick_us = 0 if self._until == "complete" else SLICE_US // 4
        await JobWorker(desk.means("another"), desk.folders, desk.stop).run_slices()
        try:
            await ExportRunner().run(turn)
        except JobTaken as fault:
            self.fault = fault
        # As one that is late does with what it could not do.
        raise Misconfigured("it is late")


@pytest.mark.parametrize("until", ["running", "complete"])
def test_who_is_late_changes_nothing(desk: Desk, until: str) -> None:
    desk.tell(CALLS)
    desk.tick_us = SLICE_US // 4
    job = desk.start()
    assert desk.take_turn("first")
    late = Stalling(desk, until)
    means = replace(desk.means("late"), runners={Kind.EXPORT: late})
    desk.bench.run(JobWorker(means, desk.folders, desk.stop).run_slices())
    assert late.fault is not None
    assert desk.shown(job)["state"] == until
    desk.tick_us = 0
    desk.bench.now_us += 2 * LEASE_US
    desk.work()
    whole = desk.streamed(f"format=ndjson&snapshot={desk.shown(job)['snapshot']}")
    assert list(desk.contents(job).values()) == [whole]


def test_progress_is_read_when_the_turn_begins(desk: Desk) -> None:
    """Whoever finds a job and is held up before it takes it up must not go back."""
    desk.tell(CALLS)
    job = desk.start()
    store = desk.bench.store
    found = desk.bench.run(store.read(next_job(TENANT, Kind.EXPORT, desk.bench.now_us)))
    assert found is not None
    desk.tick_us = SLICE_US // 4
    desk.take_turn()
    begun = desk.bench.run(store.write(begin_job(TENANT, found.job, desk.bench.now_us)))
    assert begun is not None
    assert begun.turns > found.turns + 1
    assert begun.progress != found.progress
    assert desk.shown(job)["state"] == "running"


def test_what_does_not_answer_counts_no_try_and_is_told_in_the_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = desk.start()
    began_us = desk.bench.now_us
    asked_us: list[int] = []

    def away(*_: object) -> None:
        asked_us.append(desk.bench.now_us)
        raise Unavailable("nobody answers at the provider")

    monkeypatch.setattr(JobFolder, "make", away)
    monkeypatch.setattr("calltally.worker.job_loop.MAX_WAITS", MAX_TRIES + 2)
    while len(asked_us) < MAX_TRIES + 3:
        assert desk.bench.now_us < began_us + DAY_US
        desk.take_turn()
        # As long as the first pause, of which all others but the longest are multiples.
        desk.bench.now_us += 2 * SECOND_US
    pauses = [later - sooner for sooner, later in pairwise(asked_us)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (2 * SECOND_US, 300 * SECOND_US)
    shown = desk.shown(job)
    assert (shown["state"], shown["error"]["slug"]) == ("failed", "unavailable")
    assert "nobody answers at the provider" in shown["error"]["detail"]


def test_it_stops_soon_and_leaves_the_rest_to_the_next(desk: Desk) -> None:
    desk.tell(CALLS)
    job = desk.start()
    desk.stop.set()
    worker = JobWorker(desk.means(), desk.folders, desk.stop)
    assert desk.bench.run(worker.run_slices()) is False
    assert desk.shown(job)["state"] == "queued"
    desk.bench.run(worker.run())
    desk.stop = asyncio.Event()
    desk.work()
    assert desk.shown(job)["state"] == "complete"


def test_a_job_that_another_has_is_left_to_it(desk: Desk) -> None:
    desk.tell(2)
    job = desk.start()
    lease = Lease(TENANT, JOBS_LEASE, "another")
    now_us = desk.bench.now_us
    assert desk.bench.run(desk.bench.store.write(claim(lease, now_us=now_us, until_us=now_us + LEASE_US)))
    assert desk.take_turn() is False
    assert desk.shown(job)["state"] == "queued"
    desk.bench.now_us += LEASE_US
    desk.work()
    assert desk.shown(job)["state"] == "complete"


def test_a_lease_that_is_lost_ends_the_turn(desk: Desk) -> None:
    desk.tell(CALLS)
    job = desk.start()
    desk.tick_us = LEASE_US
    # Each look at the clock is a lease later, and by the second one somebody else has taken it.
    steals = iter(range(99))
    means = desk.means()
    clock = means.clock

    def stealing() -> int:
        if next(steals) == 2:
            with direct(desk.bench.url) as db:
                db("UPDATE leases SET holder = 'another'")
        return clock()

    assert desk.bench.run(JobWorker(replace(means, clock=stealing), desk.folders, desk.stop).run_slices())
    assert desk.shown(job)["state"] == "running"
    desk.tick_us = 0
    desk.bench.now_us += 2 * LEASE_US
    desk.work()
    assert desk.shown(job)["state"] == "complete"


def test_what_ends_its_worker_time_and_again_is_given_up(desk: Desk) -> None:
    desk.tell(5)
    job = desk.start()
    for number in range(MAX_TRIES + 1):
        desk.bench.now_us += LEASE_US
        with pytest.raises(Death), dying(0):
            desk.take_turn(f"worker-{number}")
    desk.bench.now_us += LEASE_US
    desk.work()
    shown = desk.shown(job)
    assert (shown["state"], shown["error"]["slug"]) == ("failed", "internal")
    assert f"{MAX_TRIES} times" in shown["error"]["detail"]


def test_files_that_were_lost_are_written_anew(desk: Desk) -> None:
    desk.tell(CALLS)
    desk.tick_us = SLICE_US // 4
    job = desk.start()
    desk.take_turn()
    (kept,) = (path for path in desk.folder.rglob("*.ndjson"))
    kept.write_bytes(b"")
    desk.work()
    assert list(desk.contents(job).values()) == [
        desk.streamed(f"format=ndjson&snapshot={desk.shown(job)['snapshot']}")
    ]


def test_a_folder_that_cannot_be_used_fails_the_job_without_its_path(desk: Desk) -> None:
    desk.tell(5)
    job = desk.start()
    desk.folder.write_text("in the way")
    desk.work()
    shown = desk.shown(job)
    assert (shown["state"], shown["error"]["slug"]) == ("failed", "misconfigured")
    assert "CALLTALLY_FILES_FOLDER" in shown["error"]["detail"]
    assert str(desk.folder) not in str(shown)


def test_what_nobody_foresaw_says_nothing_of_itself(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        message = f"secret of {desk.folder}"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(JobFolder, "make", fail)
    job = desk.start()
    desk.work()
    error = desk.shown(job)["error"]
    assert error == {"slug": "internal", "detail": "internal error; see the service's log"}


def test_a_database_that_cannot_answer_is_asked_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is the job's fault."""
    desk.tell(5)
    job = desk.start()
    broken = JobWorker(replace(desk.means(), store=Broken(Unavailable("away"))), desk.folders, desk.stop)
    with capture_logs() as logs:
        assert desk.bench.run(broken.run_slices()) is False

        def away(*_: object) -> None:
            raise Unavailable("away")

        with monkeypatch.context() as patched:
            patched.setattr(JobFolder, "make", away)
            assert desk.take_turn() is False
            patched.undo()
            assert desk.take_turn() is False
            desk.bench.now_us += LEASE_US
            patched.setattr("calltally.worker.job_loop.next_job", away)
            assert desk.take_turn() is False
    assert [each["event"] for each in logs] == ["jobs wait", "job waits", "jobs wait"]
    assert desk.shown(job)["state"] == "running"
    desk.bench.now_us += LEASE_US
    desk.work()
    assert desk.shown(job)["state"] == "complete"


def test_it_looks_again_until_it_is_stopped(desk: Desk) -> None:
    desk.tell(CALLS)
    job = desk.start()
    runs: list[Outcome | None] = []

    class StoppingAtTheEnd:
        async def run(self, turn: JobTurn) -> Outcome | None:
            runs.append(await ExportRunner().run(turn))
            if runs[-1] is not None:
                desk.stop.set()
            return runs[-1]

    desk.tick_us = SLICE_US // 4
    means = replace(desk.means(), interval_s=0.001, runners={Kind.EXPORT: StoppingAtTheEnd()})
    desk.bench.run(JobWorker(means, desk.folders, desk.stop).run())
    assert len(runs) > 2
    assert runs[:-1] == [None] * len(runs[:-1])
    assert desk.shown(job)["rows_done"] == CALLS


def test_a_job_that_ended_meanwhile_is_left(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    job = desk.start()
    stored = desk.bench.run(desk.bench.store.read(next_job(TENANT, Kind.EXPORT, desk.bench.now_us)))
    desk.service.get(f"/api/v1/exports/{job}", desk.writing, "DELETE")
    desk.start()

    def then(*_: object) -> Step[Job | None]:
        return stored
        yield

    monkeypatch.setattr("calltally.worker.job_loop.next_job", then)
    assert desk.take_turn() is True
    assert desk.shown(job)["state"] == "canceled"


def test_ids_that_were_lost_have_it_written_anew(desk: Desk) -> None:
    desk.tell(CALLS)
    desk.tick_us = SLICE_US // 4
    job = desk.start(format="parquet")
    desk.take_turn()
    for path in desk.folder.rglob("*.ids"):
        path.unlink()
    desk.work()
    assert desk.shown(job)["rows_done"] == CALLS
    (ids,) = (path.name for path in desk.folder.rglob("*.ids"))
    assert ids != "1.ids"


def test_a_file_that_is_not_as_it_was_written_is_not_promised(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = JobFolder.sync

    def spoilt(self: JobFolder, *names: str) -> None:
        sync(self, *names)
        self.cut(names[0], 1)

    monkeypatch.setattr(JobFolder, "sync", spoilt)
    desk.tell(2)
    job = desk.start()
    desk.work()
    shown = desk.shown(job)
    assert (shown["state"], shown["error"]["slug"]) == ("failed", "misconfigured")


@pytest.mark.usefixtures("small")
def test_a_job_that_is_canceled_at_the_very_end_stays_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the last chunk and the note that the file is whole."""
    desk.tell(2)
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
    assert desk.shown(job)["state"] == "canceled"
