"""What ends an export, or takes its files: a cancel, its age, a call in it that is erased."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from calltally.calls.identity import Node
from calltally.exports.job import ExportRunner
from calltally.store.db.interface import Submission
from calltally.store.jobs.jobs import FORGOTTEN_AFTER_US, MOST_OPEN, Kind
from calltally.store.jobs.running_job import JobTurn
from calltally.store.maintenance.erasure import erase_call
from calltally.store.tenants.tenants import set_retention
from calltally.worker.background import BackgroundWork
from calltally.worker.job_loop import SLICE_US, JobWorker
from tests.conftest import TENANT
from tests.integration.exports.exporting import EXPORTS, KEPT_US, Desk
from tests.integration.web.service import slug
from tests.telling import fact

CALLS = 50


def sid(number: int) -> str:
    return f"CA{number:032x}"


def erase(desk: Desk, call_sid: str) -> None:
    desk.bench.run(desk.bench.store.write(erase_call(TENANT, call_sid, desk.bench.now_us)))


def end(desk: Desk, job: str) -> int:
    return desk.service.get(f"/api/v1/exports/{job}", desk.writing, "DELETE").status_code


def state(desk: Desk, job: str) -> Any:  # noqa: ANN401 (a word)
    return desk.shown(job)["state"]


def kept(desk: Desk) -> list[str]:
    return sorted(path.name for path in desk.folder.rglob("*") if path.is_file())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("job", "window"):
        monkeypatch.setattr(f"calltally.exports.{module}.FIRST_ROWS", 5)
    monkeypatch.setattr("calltally.exports.window.MOST_ROWS", 5)


class CancelingAt:
    """Exports, but somebody cancels the job when it has looked so often whether to go on."""

    def __init__(self, desk: Desk, job: str, look: int) -> None:
        self._desk = desk
        self._path = f"{EXPORTS}/{job}"
        self._look = look
        self.looks = 0

    async def run(self, turn: JobTurn) -> Any:  # noqa: ANN401 (the runner's own)
        async def lasts() -> bool:
            self.looks += 1
            if self.looks == self._look:
                await self._desk.service._ask("DELETE", self._path, self._desk.writing)
            return await turn.lasts()

        return await ExportRunner().run(replace(turn, lasts=lasts))


# ------------------------------------------------------------------------------------------------- by request


def test_one_that_waits_is_canceled_and_stays_so(desk: Desk) -> None:
    desk.tell(CALLS)
    job = desk.start()
    assert [end(desk, job), end(desk, job)] == [204, 204]
    desk.work()
    assert state(desk, job) == "canceled"
    assert desk.shown(job)["files"] == []
    assert desk.fetch(job, "calls.ndjson").status_code == 404


@pytest.mark.usefixtures("small")
def test_one_that_runs_is_left_at_the_next_chunk(desk: Desk) -> None:
    desk.tell(CALLS)
    desk.tick_us = SLICE_US // 8
    job = desk.start()
    canceling = CancelingAt(desk, job, 3)
    means = replace(desk.means(), runners={Kind.EXPORT: canceling})
    desk.bench.run(JobWorker(means, desk.folders, asyncio.Event()).run_slices())
    assert canceling.looks == 3
    assert state(desk, job) == "canceled"
    assert kept(desk)
    desk.round()
    assert kept(desk) == []


def test_of_one_that_is_complete_the_files_are_let_go_of(desk: Desk) -> None:
    desk.tell(CALLS)
    job = desk.done()
    assert kept(desk) == ["1-calls.ndjson", "1.ids"]
    assert end(desk, job) == 204
    assert state(desk, job) == "expired"
    answer = desk.fetch(job, "calls.ndjson")
    assert (answer.status_code, slug(answer)) == (410, "files-gone")
    desk.round()
    assert kept(desk) == []
    assert end(desk, job) == 204


# ----------------------------------------------------------------------------------------------------- by age


def test_files_are_kept_so_long_and_then_what_they_were_of(desk: Desk) -> None:
    desk.tell(CALLS)
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
    assert kept(desk) == []
    assert desk.round().is_idle
    desk.bench.now_us += KEPT_US
    assert desk.round().forgotten_jobs == 1
    assert desk.service.get(f"/api/v1/exports/{job}").status_code == 404
    assert FORGOTTEN_AFTER_US == KEPT_US


def test_so_many_may_be_open_and_no_more(desk: Desk) -> None:
    for _ in range(MOST_OPEN):
        desk.start()
    answer = desk.ask()
    assert (answer.status_code, slug(answer)) == (429, "rate-limited")
    assert int(answer.headers["retry-after"]) > 0
    assert f"{MOST_OPEN} jobs" in answer.json()["detail"]
    desk.work()
    assert desk.ask().status_code == 202


# ------------------------------------------------------------------------------------------------- by erasure


def test_from_an_erasure_on_the_files_are_gone_which_hold_the_call(desk: Desk) -> None:
    """Those of other calls stay."""
    desk.tell(CALLS)
    desk.bench.run(desk.bench.store.submit([Submission(TENANT, fact(9, "other", status="failed"))]))
    holding, other = desk.done(status="completed"), desk.done(status="failed")
    erase(desk, sid(7))
    answer = desk.fetch(holding, "calls.ndjson")
    assert (answer.status_code, slug(answer)) == (410, "files-gone")
    assert desk.fetch(other, "calls.ndjson").status_code == 200
    assert desk.round().expired_jobs == 1
    assert (state(desk, holding), state(desk, other)) == ("expired", "complete")
    assert kept(desk) == ["1-calls.ndjson", "1.ids"]
    assert desk.round().is_idle
    assert desk.fetch(other, "calls.ndjson").status_code == 200


def test_so_does_an_erasure_of_what_the_call_became_part_of(desk: Desk) -> None:
    first, second = fact(1, "child", status="completed"), fact(2, sid(1), status="completed")
    desk.bench.run(desk.bench.store.submit([Submission(TENANT, each) for each in (first, second)]))
    job = desk.done()
    assert desk.shown(job)["rows"] == 2
    linked = fact(3, sid(1), links=(Node("child", is_carrier=False),), status="completed")
    desk.bench.run(desk.bench.store.submit([Submission(TENANT, linked)]))
    assert desk.round().expired_jobs == 0
    erase(desk, "child")
    assert desk.round().expired_jobs == 1
    assert state(desk, job) == "expired"


def test_so_does_what_is_too_old_to_be_kept(desk: Desk) -> None:
    desk.tell(CALLS, every_s=86_400.0)
    young, old = desk.done(from_="2026-10-10"), desk.done()
    desk.bench.run(desk.bench.store.write(set_retention(TENANT, 50)))
    done = desk.round()
    assert done.expired_calls > 0
    assert done.expired_jobs == 1
    assert (state(desk, young), state(desk, old)) == ("complete", "expired")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_an_erasure_in_mid_export_leaves_nothing_of_the_call(desk: Desk, form: str) -> None:
    """What was written of it is written anew; what was not yet, has it erased. As the list has it by then."""
    desk.tell(CALLS, summary="dictated")
    desk.tick_us = SLICE_US // 4
    job = desk.start(format=form, order="asc")
    assert desk.take_turn()
    assert desk.shown(job)["state"] == "running"
    for number in (0, CALLS - 1):
        erase(desk, sid(number))
        assert desk.take_turn()
    desk.tick_us = 0
    desk.work()
    (content,) = desk.contents(job).values()
    assert content == desk.streamed(f"format={form}&order=asc&snapshot={desk.shown(job)['snapshot']}")
    assert sid(0).encode() not in content
    manifest = desk.service.get(f"/api/v1/exports/{job}/manifest.json").json()
    assert manifest["by_status"] == {"completed": CALLS - 2, "erased": 2}
    assert len({name.partition("-")[0] for name in kept(desk) if "-" in name}) == 1
    desk.round()
    assert state(desk, job) == "complete"


def test_rounds_and_jobs_go_on_beside_each_other(desk: Desk) -> None:
    desk.tell(CALLS)
    desk.bench.run(desk.bench.store.write(set_retention(TENANT, 36_500)))
    job = desk.start()

    class Ending:
        async def run(self, turn: JobTurn) -> Any:  # noqa: ANN401 (the runner's own)
            outcome = await ExportRunner().run(turn)
            desk.stop.set()
            return outcome

    means = replace(desk.means(), interval_s=0.01, runners={Kind.EXPORT: Ending()})
    desk.bench.run(BackgroundWork(means, desk.stop).run())
    assert state(desk, job) == "complete"


def test_without_a_folder_there_are_rounds_alone(desk: Desk) -> None:
    desk.stop.set()
    without = BackgroundWork(replace(desk.means(), folders=None), desk.stop)
    desk.bench.run(without.run())
    assert desk.bench.run(without.rounds.run_round(desk.bench.now_us)).failed == 0
