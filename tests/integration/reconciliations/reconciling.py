"""Reconciliations over one store: requested over HTTP, run by a worker whose clock the test sets."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from calltally.calls.events import Fact, StatedFields, content_digest
from calltally.calls.times import DAY_US, utc_text
from calltally.reconcile.jobs.runner import ReconciliationRunner
from calltally.reconcile.provider_reconciliation import ProviderContext
from calltally.store.db.interface import Submission
from calltally.store.jobs.folders import JobFolders
from calltally.store.jobs.jobs import JobKind
from calltally.store.tenants.vault import Vault, put_provider_secrets
from calltally.worker.dependencies import WorkerDependencies
from calltally.worker.job_batches import WorkerRound
from calltally.worker.job_loop import JobWorker
from calltally.worker.maintenance import MaintenanceWorker
from tests.conftest import TENANT, Bench
from tests.integration.web.service import Answer, Service
from tests.provider_month import END_US, MONTH_US, NOW_US
from tests.sample_facts import fact
from tests.twilio_api import ACCOUNT, TOKEN, TwilioApi

PATH: Final = "/api/v1/reconciliations"
KEPT_US: Final = 7 * DAY_US
WINDOW: Final = {"from": utc_text(MONTH_US), "to": utc_text(END_US)}

Json = dict[str, Any]


class Desk:
    """Requests, runs and reads reconciliations, one day after the month."""

    def __init__(self, bench: Bench, folder: Path, api: TwilioApi) -> None:
        bench.now_us = NOW_US
        self.bench = bench
        self.folder = folder
        self.api = api
        self.folders = JobFolders(folder)
        self.service = Service(bench, folders=self.folders, per_minute=0)
        self.writing = self.service.new_key("exports:write")
        self.healing = self.service.new_key("exports:write", "events:write")
        self.stop = asyncio.Event()
        self.provider_context = ProviderContext(bench.store, lambda: Vault(bytes(32)), {"twilio": api.url})

    def sign_in(self, tenant: str = TENANT, **changes: str) -> None:
        secrets = {"auth_token": TOKEN, "account_sid": ACCOUNT, **changes}
        sealed = Vault(bytes(32)).seal(tenant, "twilio", secrets)
        self.bench.run(self.bench.store.write(put_provider_secrets(tenant, "twilio", sealed, NOW_US)))

    def record(self, facts: Sequence[Fact]) -> None:
        self.bench.run(self.bench.store.submit([Submission(TENANT, fact) for fact in facts]))

    def request(self, headers: Mapping[str, str] | None = None, **body: Any) -> Answer:  # noqa: ANN401 (any body)
        request_body = {"against": "provider", "provider": "twilio", **WINDOW, **body}
        return self.service.send(PATH, request_body, headers or self.healing)

    def upload(self, content: bytes, headers: Mapping[str, str] | None = None, **terms: object) -> Answer:
        query = "&".join(f"{name}={value}" for name, value in {**WINDOW, **terms}.items())
        named = {"content-type": "application/x-ndjson", **(headers or self.writing)}
        return self.bench.run(self.service._request("POST", f"{PATH}?{query}", named, content))

    def result(self, job: str) -> Json:
        answer = self.service.get(f"{PATH}/{job}")
        assert answer.status_code == 200, answer.text
        result: Json = answer.json()
        return result

    def findings(self, job: str, query: str = "limit=1000") -> list[Json]:
        answer = self.service.get(f"{PATH}/{job}/findings?{query}")
        assert answer.status_code == 200, answer.text
        found: list[Json] = answer.json()["data"]
        return found

    def end(self, job: str) -> int:
        return self.service.get(f"{PATH}/{job}", self.writing, "DELETE").status_code

    def means(self, holder: str = "one") -> WorkerDependencies:
        return WorkerDependencies(
            store=self.bench.store,
            keep_us=2 * DAY_US,
            interval_s=0.0,
            holder=holder,
            clock=lambda: self.bench.now_us,
            steady=lambda: 0,
            chance=lambda: 0.5,
            folders=self.folders,
            files_us=KEPT_US,
            runners={JobKind.RECONCILIATION: ReconciliationRunner(self.provider_context, self.stop)},
        )

    def worker(self, holder: str = "one") -> JobWorker:
        return JobWorker(self.means(holder), self.folders, self.stop, JobKind.RECONCILIATION)

    def work(self, holder: str = "one") -> None:
        """Run jobs until none is left."""
        while self.bench.run(self.worker(holder).run_slices()):
            pass

    def round(self) -> WorkerRound:
        """Run a round of upkeep."""
        return self.bench.run(MaintenanceWorker(self.means(), self.stop).run_round(self.bench.now_us))

    def done(self, answer: Answer) -> str:
        """Complete the requested job and return its id."""
        assert answer.status_code == 202, answer.text
        job = str(answer.json()["id"])
        self.work()
        assert self.result(job)["state"] == "complete", self.result(job)
        return job

    def file_kinds(self) -> list[str]:
        """Return the kinds of files in the folder."""
        return sorted(path.suffix for path in self.folder.rglob("*") if path.is_file())


def callback_fact(call_sid: str, at_us: int, **fields: Any) -> Fact:  # noqa: ANN401 (values of every kind)
    """Return a callback of Twilio."""
    made = fact(0, call_sid, provider_account=ACCOUNT, **fields)
    whole = cast("StatedFields", {**made.stated, "provider": "twilio"})
    digest = content_digest([call_sid, at_us, whole])
    return msgspec.structs.replace(made, occurred_us=at_us, digest=digest, stated=whole)


def event(number: int, call_sid: str, at_us: int, status: str = "completed", **changes: object) -> Json:
    """Return a line of a consumer's event log."""
    data = {"call_sid": call_sid, "status": status}
    made = {"id": f"msg_{number}", "event": "voice.call.completed", "created_at": utc_text(at_us)}
    return {**made, "tenant_id": TENANT, "data": data, "received_at": utc_text(at_us + 1), **changes}


def lines(events: Sequence[Json]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in events)
