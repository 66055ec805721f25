"""Export jobs over one store: requested over HTTP, run by a worker whose clocks the test sets."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from calltally.calls.times import DAY_US
from calltally.exports.job import ExportRunner
from calltally.store.db.interface import Submission
from calltally.store.jobs.folders import JobFolders
from calltally.store.jobs.jobs import JobKind
from calltally.worker.dependencies import WorkerDependencies
from calltally.worker.job_batches import WorkerRound
from calltally.worker.job_loop import JobWorker
from calltally.worker.maintenance import MaintenanceWorker
from tests.conftest import TENANT, Bench
from tests.integration.web.service import Answer, Service
from tests.sample_facts import fact

EXPORTS: Final = "/api/v1/exports"
KEPT_US: Final = 7 * DAY_US

Json = dict[str, Any]


class Desk:
    """Requests, runs and fetches exports; the clock advances by `tick_us` at each reading."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench = bench
        self.folder = folder
        self.folders = JobFolders(folder)
        self.service = Service(bench, folders=self.folders, per_minute=0)
        self.writing = self.service.new_key("exports:write")
        self.reading = self.service.key
        self.tick_us = 0
        self.stop = asyncio.Event()

    def record(self, calls: int, tenant: str = TENANT, *, every_s: float = 1.0, **fields: Any) -> None:  # noqa: ANN401 (any field)
        """Record calls, one each `every_s` seconds."""
        known = {"status": "completed", **fields}
        reported = [
            Submission(tenant, fact(number * every_s, f"CA{number:032x}", **known)) for number in range(calls)
        ]
        self.bench.run(self.bench.store.submit(reported))

    def request(self, headers: Mapping[str, str] | None = None, **body: Any) -> Answer:  # noqa: ANN401 (any body)
        """Request an export. `from_` stands for `from`, a keyword of Python."""
        named = {name.rstrip("_"): value for name, value in body.items()}
        return self.service.send(EXPORTS, named, {**self.writing, **(headers or {})})

    def start(self, **body: Any) -> str:  # noqa: ANN401 (any body)
        """Start an export and return its id."""
        answer = self.request(**body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def export(self, job: str) -> Json:
        answer = self.service.get(f"{EXPORTS}/{job}")
        assert answer.status_code == 200, answer.text
        export: Json = answer.json()
        return export

    def fetch(self, job: str, name: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.service.get(f"{EXPORTS}/{job}/files/{name}", {**self.reading, **(headers or {})})

    def contents(self, job: str) -> dict[str, bytes]:
        """Return the content of each file of an export by its name."""
        return {each["name"]: self.fetch(job, each["name"]).content for each in self.export(job)["files"]}

    def streamed(self, query: str) -> bytes:
        """Return the list's own stream."""
        answer = self.service.get(f"/api/v1/call-logs?{query}")
        assert answer.status_code == 200, answer.text
        return answer.content

    def means(self, holder: str = "one") -> WorkerDependencies:
        def clock() -> int:
            self.bench.now_us += self.tick_us
            return self.bench.now_us

        return WorkerDependencies(
            store=self.bench.store,
            keep_us=2 * DAY_US,
            interval_s=0.0,
            holder=holder,
            clock=clock,
            steady=lambda: 0,
            chance=lambda: 0.5,
            folders=self.folders,
            files_us=KEPT_US,
            runners={JobKind.EXPORT: ExportRunner()},
        )

    def run_jobs(self, holder: str = "one") -> bool:
        """Run one job of each tenant."""
        return self.bench.run(JobWorker(self.means(holder), self.folders, self.stop).run_slices())

    def work(self) -> None:
        """Run jobs until none is left."""
        while self.run_jobs():
            pass

    def round(self) -> WorkerRound:
        """Run a round of upkeep."""
        return self.bench.run(MaintenanceWorker(self.means(), self.stop).run_round(self.bench.now_us))

    def done(self, **body: Any) -> str:  # noqa: ANN401 (any body)
        """Complete an export and return its id."""
        job = self.start(**body)
        self.work()
        assert self.export(job)["state"] == "complete", self.export(job)
        return job


def names(files: Sequence[Json]) -> list[str]:
    return [each["name"] for each in files]
