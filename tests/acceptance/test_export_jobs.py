"""A worker that is killed in mid export, time and again: the files are those of one that was never stopped.

EXPORT_KILLS=50 makes it a longer run.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from time import monotonic

import pytest

from calltally.calls.export_query import parse_export_query
from calltally.exports.request import queue_export
from calltally.exports.spec import ExportProgress, read_progress
from calltally.store.db.interface import Submission
from calltally.store.jobs.jobs import JobState, files_of, need_job
from tests.acceptance.live import own_environment
from tests.conftest import TENANT, Bench
from tests.integration.store.probing import direct
from tests.sample_facts import fact
from tests.unmeasured import unmeasured

KILLS = int(os.environ.get("EXPORT_KILLS", "3"))
CALLS = 1_000 * KILLS
WITHIN_S = 120
# The program itself, but with chunks so small and checkpoints so many that there is something to kill it in.
SLOWLY = """
import sys
from calltally.exports import job, window
job.CHECKPOINT_US, window.MOST_ROWS, job.FIRST_ROWS, job.PART_ROWS = 20_000, 5, 5, 250
from calltally.cli.main import main
sys.argv = ["calltally", *sys.argv[1:]]
main()
"""


class Jobs:
    """A ledger of some calls, and workers on it in processes of their own."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench = bench
        self.folder = folder
        files = str(folder / "files")
        self.settings = own_environment(DATABASE_URL=bench.url, FILES_FOLDER=files, LOG_LEVEL="warning")
        reported = [Submission(TENANT, fact(n, f"CA{n:032x}", status="completed")) for n in range(CALLS)]
        bench.run(bench.store.submit(reported))

    def request(self, **requested: str) -> bytes:
        query = parse_export_query(requested)
        step = queue_export(TENANT, query, None, self.bench.now_us)
        return self.bench.run(self.bench.store.write(step)).job

    @contextmanager
    def worker(
        self, *words: str, environment: Mapping[str, str] | None = None
    ) -> Iterator["subprocess.Popen[bytes]"]:
        command = [sys.executable, "-c", SLOWLY, "worker", *words]
        with subprocess.Popen(command, cwd=self.folder, env=environment or self.settings) as process:
            try:
                yield process
            finally:
                process.kill()

    def kill_past(self, job: bytes, rows: int) -> int:
        """Kill a worker once it is past so many rows; returns how far the job is known to be."""
        until = monotonic() + WITHIN_S
        with self.worker(environment=unmeasured(self.settings)) as process:
            while self.progress(job).rows <= rows:
                assert monotonic() < until
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.01)
                    raise AssertionError("the worker ended by itself")
            process.send_signal(signal.SIGKILL)
        # As if its time were up.
        with direct(self.bench.url) as db:
            db("DELETE FROM leases")
        return self.progress(job).rows

    def finish(self) -> None:
        with self.worker("--once") as process:
            assert process.wait(WITHIN_S) == 0

    def progress(self, job: bytes) -> ExportProgress:
        return read_progress(self.bench.run(self.bench.store.read(need_job(TENANT, job))).progress)

    def state(self, job: bytes) -> JobState:
        return self.bench.run(self.bench.store.read(need_job(TENANT, job))).state

    def contents(self, job: bytes) -> dict[str, bytes]:
        """The files, each of which has to be what the table says of it."""
        found = {}
        for file in self.bench.run(self.bench.store.read(files_of(TENANT, job))):
            content = (self.folder / "files" / TENANT / job.hex() / file.stored_name).read_bytes()
            assert (len(content), sha256(content).digest()) == (file.size, file.sha256)
            found[file.name] = content
        return found


@pytest.mark.parametrize(
    ("new_database", "form"),
    [("postgres", "csv"), ("sqlite", "parquet")],
    indirect=["new_database"],
)
def test_killed_in_mid_export_it_comes_out_the_same(bench: Bench, form: str, tmp_path: Path) -> None:
    jobs = Jobs(bench, tmp_path)
    job = jobs.request(format=form)
    rows = 0
    for number in range(KILLS):
        rows = jobs.kill_past(job, max(rows, number * CALLS // (2 * KILLS)))
    assert (jobs.state(job), rows < CALLS) == (JobState.RUNNING, True)
    unstopped = jobs.request(format=form)
    jobs.finish()
    assert [jobs.state(each) for each in (job, unstopped)] == [JobState.COMPLETE] * 2
    assert jobs.contents(job) == jobs.contents(unstopped) != {}
    assert jobs.progress(job).rows == CALLS
