"""Ends of exports and of their files: by cancellation, age and erasure."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from calltally.calls.identity import Node
from calltally.exports.job import ExportRunner
from calltally.store.db.interface import Submission
from calltally.store.jobs.jobs import KEEP_ENDED_US, MAX_OPEN_JOBS, JobKind
from calltally.store.jobs.running_job import RunningJob
from calltally.store.maintenance.erasure import erase_call
from calltally.store.tenants.tenants import set_retention
from calltally.worker.background import BackgroundWork
from calltally.worker.job_loop import SLICE_US, JobWorker
from tests.conftest import TENANT
from tests.integration.exports.exporting import EXPORTS, KEPT_US, Desk
from tests.integration.web.service import slug
from tests.sample_facts import fact

CALLS = 50


def sid(number: int) -> str:
    return f"CA{number:032x}"


def erase(desk: Desk, call_sid: str) -> None:
    desk.bench.run(desk.bench.store.write(erase_call(TENANT, call_sid, desk.bench.now_us)))


def end(desk: Desk, job: str) -> int:
    return desk.service.get(f"/api/v1/exports/{job}", desk.writing, "DELETE").status_code


def state(desk: Desk, job: str) -> Any:  # noqa: ANN401 (a word)
    return desk.export(job)["state"]


def stored_files(desk: Desk) -> list[str]:
    return sorted(path.name for path in desk.folder.rglob("*") if path.is_file())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("job", "window"):
        monkeypatch.setattr(f"calltally.exports.{module}.FIRST_ROWS", 5)
    monkeypatch.setattr("calltally.exports.window.MOST_ROWS", 5)


class CancelingAt:
    """Runs an export whose job is canceled at the given check."""

    def __init__(self, desk: Desk, job: str, check: int) -> None:
        self._desk = desk
        self._path = f"{EXPORTS}/{job}"
        self._look = check
        self.checks = 0

    async def run(self, running_job: RunningJob) -> Any:  # noqa: ANN401 (the runner's own)
        async def lasts() -> bool:
            self.checks += 1
            if self.checks == self._look:
                await self._desk.service._request("DELETE", self._path, self._desk.writing)
            return await running_job.has_time_left()

        return await ExportRunner().run(replace(running_job, has_time_left=lasts))


# ------------------------------------------------------------------------------------------------- by request


def test_queued_job_stays_canceled(desk: Desk) -> None:
    desk.record(CALLS)
    job = desk.start()
    assert [end(desk, job), end(desk, job)] == [204, 204]
    desk.work()
    assert state(desk, job) == "canceled"
    assert desk.export(job)["files"] == []
    assert desk.fetch(job, "calls.ndjson").status_code == 404


@pytest.mark.usefixtures("small")
def test_running_job_stops_at_the_next_chunk(desk: Desk) -> None:
    desk.record(CALLS)
    desk.tick_us = SLICE_US // 8
    job = desk.start()
    canceling = CancelingAt(desk, job, 3)
    means = replace(desk.means(), runners={JobKind.EXPORT: canceling})
    desk.bench.run(JobWorker(means, desk.folders, asyncio.Event()).run_slices())
    assert canceling.checks == 3
    assert state(desk, job) == "canceled"
    assert stored_files(desk)
    desk.round()
    assert stored_files(desk) == []


def test_cancel_of_a_complete_job_deletes_its_files(desk: Desk) -> None:
    desk.record(CALLS)
    job = desk.done()
    assert stored_files(desk) == ["1-calls.ndjson", "1.ids"]
    assert end(desk, job) == 204
    assert state(desk, job) == "expired"
    answer = desk.fetch(job, "calls.ndjson")
    assert (answer.status_code, slug(answer)) == (410, "files-gone")
    desk.round()
    assert stored_files(desk) == []
    assert end(desk, job) == 204


# ----------------------------------------------------------------------------------------------------- by age


def test_files_expire_first_and_then_the_job(desk: Desk) -> None:
    desk.record(CALLS)
    job, canceled = desk.done(), desk.start()
    end(desk, canceled)
    desk.round()
    desk.bench.now_us += KEPT_US - 1
    assert desk.round().expired_jobs == 0
    assert desk.fetch(job, "calls.ndjson").status_code == 200
    desk.bench.now_us += 1
    done = desk.round()
    assert (done.expired_jobs, done.forgotten_jobs, done.failed) == (1, 1, 0)
    assert state(desk, job) == "expired"
    assert stored_files(desk) == []
    assert desk.round().is_idle
    desk.bench.now_us += KEPT_US
    assert desk.round().forgotten_jobs == 1
    assert desk.service.get(f"/api/v1/exports/{job}").status_code == 404
    assert KEEP_ENDED_US == KEPT_US


def test_number_of_open_jobs_is_limited(desk: Desk) -> None:
    for _ in range(MAX_OPEN_JOBS):
        desk.start()
    answer = desk.request()
    assert (answer.status_code, slug(answer)) == (429, "rate-limited")
    assert int(answer.headers["retry-after"]) > 0
    assert f"{MAX_OPEN_JOBS} jobs" in answer.json()["detail"]
    desk.work()
    assert desk.request().status_code == 202


# ------------------------------------------------------------------------------------------------- by erasure


def test_erasure_removes_files_with_the_call(desk: Desk) -> None:
    """Files of other calls stay."""
    desk.record(CALLS)
    desk.bench.run(desk.bench.store.submit([Submission(TENANT, fact(9, "other", status="failed"))]))
    holding, other = desk.done(status="completed"), desk.done(status="failed")
    erase(desk, sid(7))
    answer = desk.fetch(holding, "calls.ndjson")
    assert (answer.status_code, slug(answer)) == (410, "files-gone")
    assert desk.fetch(other, "calls.ndjson").status_code == 200
    assert desk.round().expired_jobs == 1
    assert (state(desk, holding), state(desk, other)) == ("expired", "complete")
    assert stored_files(desk) == ["1-calls.ndjson", "1.ids"]
    assert desk.round().is_idle
    assert desk.fetch(other, "calls.ndjson").status_code == 200


def test_erasure_of_the_merged_call_removes_files(desk: Desk) -> None:
    first, second = fact(1, "child", status="completed"), fact(2, sid(1), status="completed")
    desk.bench.run(desk.bench.store.submit([Submission(TENANT, each) for each in (first, second)]))
    job = desk.done()
    assert desk.export(job)["rows"] == 2
    linked = fact(3, sid(1), links=(Node("child", is_carrier=False),), status="completed")
    desk.bench.run(desk.bench.store.submit([Submission(TENANT, linked)]))
    assert desk.round().expired_jobs == 0
    erase(desk, "child")
    assert desk.round().expired_jobs == 1
    assert state(desk, job) == "expired"


def test_expired_call_removes_files(desk: Desk) -> None:
    desk.record(CALLS, every_s=86_400.0)
    young, old = desk.done(from_="2026-10-10"), desk.done()
    desk.bench.run(desk.bench.store.write(set_retention(TENANT, 50)))
    done = desk.round()
    assert done.expired_calls > 0
    assert done.expired_jobs == 1
    assert (state(desk, young), state(desk, old)) == ("complete", "expired")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_erasure_during_export_leaves_nothing_of_the_call(desk: Desk, form: str) -> None:
    """Written calls are written again, and later ones are already erased, as in the list at that time."""
    desk.record(CALLS, summary="dictated")
    desk.tick_us = SLICE_US // 4
    job = desk.start(format=form, order="asc")
    assert desk.run_jobs()
    assert desk.export(job)["state"] == "running"
    for number in (0, CALLS - 1):
        erase(desk, sid(number))
        assert desk.run_jobs()
    desk.tick_us = 0
    desk.work()
    (content,) = desk.contents(job).values()
    assert content == desk.streamed(f"format={form}&order=asc&snapshot={desk.export(job)['snapshot']}")
    assert sid(0).encode() not in content
    manifest = desk.service.get(f"/api/v1/exports/{job}/manifest.json").json()
    assert manifest["by_status"] == {"completed": CALLS - 2, "erased": 2}
    assert len({name.partition("-")[0] for name in stored_files(desk) if "-" in name}) == 1
    desk.round()
    assert state(desk, job) == "complete"


def test_upkeep_and_jobs_run_concurrently(desk: Desk) -> None:
    desk.record(CALLS)
    desk.bench.run(desk.bench.store.write(set_retention(TENANT, 36_500)))
    job = desk.start()

    class Ending:
        async def run(self, running_job: RunningJob) -> Any:  # noqa: ANN401 (the runner's own)
            outcome = await ExportRunner().run(running_job)
            desk.stop.set()
            return outcome

    means = replace(desk.means(), interval_s=0.01, runners={JobKind.EXPORT: Ending()})
    desk.bench.run(BackgroundWork(means, desk.stop).run())
    assert state(desk, job) == "complete"


def test_only_upkeep_runs_without_a_files_folder(desk: Desk) -> None:
    desk.stop.set()
    without = BackgroundWork(replace(desk.means(), folders=None), desk.stop)
    desk.bench.run(without.run())
    assert desk.bench.run(without.rounds.run_round(desk.bench.now_us)).failed == 0
