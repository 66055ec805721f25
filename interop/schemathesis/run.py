"""Schemathesis tries every operation of our OpenAPI document, with all its checks, in all its phases.

Its settings are in schemathesis.toml, and hooks.py tells it what no document can. It must find no
fault, and must have got somewhere: an operation that only ever refused was not tried.
"""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from interop.checks import expect, run_checks
from interop.schemathesis.kept import NOWHERE, kept_for_run
from interop.service import Failed, Service, running_service

# Not the one of the examples: to make that is an operation too.
TENANT: Final = "interop"
OTHER_TENANT: Final = "interop-too"
SPARE_TENANT: Final = "interop-spare"
LIST: Final = "/api/v1/call-logs"
EXPORTS: Final = "/api/v1/exports"
ENDPOINTS: Final = "/api/v1/webhook-endpoints"
SINKS: Final = "/api/v1/alert-sinks"
ALERTS: Final = "/api/v1/alerts"
WRONG_SIGNATURES: Final = 10
RECONCILIATIONS: Final = "/api/v1/reconciliations"
WINDOW: Final = "from=2026-01-01&to=2026-02-01"
SCOPES: Final = (
    *("calls:read", "transcripts:read", "events:write", "exports:write"),
    *("alerts:write", "webhooks:write"),
)
PHASES: Final = ("examples", "coverage", "fuzzing", "stateful")
# A number, not a time: a seed then makes the same requests on every machine, however loaded it is.
EXAMPLES: Final = 12
JOBS_S: Final = 30
LOOK_AGAIN_S: Final = 0.1
# Longer than any run that works.
GIVE_UP_S: Final = 900


class Trial:
    """One run of schemathesis against a service, and what it reported."""

    def __init__(self, service: Service) -> None:
        self._service = service
        service.new_tenant(TENANT)
        service.new_tenant(OTHER_TENANT)
        service.new_tenant(SPARE_TENANT)
        self._key_id, self._key = service.new_key(TENANT, *SCOPES)
        self._call, self._spare_call = self._make_call("kept"), self._make_call("spare")
        # Before the run, so that no answer names it, and the run makes no events of it.
        service.call("DELETE", f"{LIST}/{self._spare_call}?tenant={TENANT}")
        self._snapshot: str = service.call("GET", LIST, key=self._key)["snapshot"]
        self._export, self._spare_export = self._make_export(), self._make_export()
        self._reconciliation, self._spare_reconciliation = self._reconcile(), self._reconcile()
        self._kept = {**self._make_endpoints(), **self._make_sinks(), "alert": self._raise_alert()}
        self._kept["spare_tenant"] = SPARE_TENANT
        self._kept["spare_key"] = service.new_key(OTHER_TENANT, "calls:read")[0]
        self._report: dict[str, Any] = {}

    def finds_no_fault(self) -> str:
        """The run itself; its own words are shown as they come."""
        report = self._service.folder / "report.json"
        done = subprocess.run(
            self._command(report),
            cwd=self._service.folder,
            env=self._environment(),
            timeout=GIVE_UP_S,
            check=False,
        )
        if not report.is_file():
            raise Failed(f"schemathesis ended with status {done.returncode} and no report")
        self._report = json.loads(report.read_text(encoding="utf-8"))
        expect("status", done.returncode, 0)
        expect("failures and errors", [*self._report["failures"], *self._report["errors"]], [])
        return f"{self._report['test_cases']['generated']} requests in {self._report['running_time']:.0f} s"

    def _command(self, report: Path) -> list[str]:
        return [
            str(Path(sys.executable).with_name("schemathesis")),
            f"--config-file={Path(__file__).with_name('schemathesis.toml')}",
            "run",
            "--checks=all",
            f"--phases={','.join(PHASES)}",
            f"--max-examples={EXAMPLES}",
            f"--report-json-path={report}",
            f"{self._service.url}/openapi.json",
        ]

    def _secret_shapes(self) -> list[dict[str, Any]]:
        """Which secrets each provider takes: one body, whose shape goes with a part of the path."""
        document = self._service.call("GET", "/openapi.json")
        put = document["paths"]["/api/v1/admin/tenants/{tenant}/providers/{provider}"]["put"]
        shapes = put["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
        schemas = document["components"]["schemas"]
        return [schemas[shape["$ref"].rpartition("/")[2]] for shape in shapes]

    def _environment(self) -> dict[str, str]:
        """The keys go by the environment: a command line can be seen by everybody on the machine."""
        return os.environ | {
            "INTEROP_KEPT": kept_for_run(**self._kept),
            "INTEROP_SECRETS": json.dumps(self._secret_shapes()),
            "INTEROP_ADMIN_KEY": self._service.admin_key,
            "INTEROP_KEY": self._key,
            "INTEROP_KEY_ID": self._key_id,
            "INTEROP_TENANT": TENANT,
            "INTEROP_OTHER_TENANT": OTHER_TENANT,
            "INTEROP_CALL": self._call,
            "INTEROP_SPARE_CALL": self._spare_call,
            "INTEROP_SNAPSHOT": self._snapshot,
            "INTEROP_EXPORT": self._export,
            "INTEROP_SPARE_EXPORT": self._spare_export,
            "INTEROP_RECONCILIATION": self._reconciliation,
            "INTEROP_SPARE_RECONCILIATION": self._spare_reconciliation,
        }

    def _make_call(self, name: str) -> str:
        event = {"id": name, "call_sid": f"interop-{name}", "occurred_at": "2026-03-01T12:00:00Z"}
        answer = self._service.call("POST", "/api/v1/events", event, key=self._key)
        call_id: str = answer["outcomes"][0]["call_id"]
        return call_id

    def _make_export(self) -> str:
        """One that is complete, so that its file can be asked for."""
        made: dict[str, Any] = self._service.call("POST", EXPORTS, {}, key=self._key)
        return self._complete(EXPORTS, made["id"])

    def _reconcile(self) -> str:
        """One that is complete and found something: a line that is no event."""
        path = f"{RECONCILIATIONS}?{WINDOW}"
        made: dict[str, Any] = self._service.call("POST", path, {}, key=self._key, is_lines=True)
        return self._complete(RECONCILIATIONS, made["id"])

    def _make_endpoints(self) -> dict[str, str]:
        """Two, one to be deleted; and a delivery to the first, which never gets there."""
        bodies = [{"url": NOWHERE, "description": name} for name in ("kept", "spare")]
        kept, spare = (self._service.call("POST", ENDPOINTS, body, key=self._key)["id"] for body in bodies)
        self._service.call("POST", f"{ENDPOINTS}/{kept}/test", {}, key=self._key)
        listed = self._service.call("GET", f"{ENDPOINTS}/{kept}/deliveries", key=self._key)["data"]
        return {"endpoint": kept, "spare_endpoint": spare, "delivery": listed[0]["id"]}

    def _make_sinks(self) -> dict[str, str]:
        bodies = [
            {"kind": "webhook", "name": name, "settings": {"url": NOWHERE}} for name in ("kept", "spare")
        ]
        kept, spare = (self._service.call("POST", SINKS, body, key=self._key)["id"] for body in bodies)
        return {"sink": kept, "spare_sink": spare}

    def _raise_alert(self) -> str:
        """Callbacks whose signatures are wrong are one, as soon as the worker has looked."""
        path = f"/api/v1/admin/tenants/{TENANT}/providers/twilio"
        self._service.call("PUT", path, {"auth_token": "interop"})
        for _ in range(WRONG_SIGNATURES):
            with suppress(Failed):
                self._service.call("POST", f"/api/v1/ingest/twilio/{TENANT}", {})
        until = monotonic() + JOBS_S
        while not (listed := self._service.call("GET", ALERTS, key=self._key)["data"]):
            if monotonic() > until:
                raise Failed("wrong signatures raised no alert in time")
            sleep(LOOK_AGAIN_S)
        alert: str = listed[0]["id"]
        return alert

    def _complete(self, jobs: str, job: str) -> str:
        until = monotonic() + JOBS_S
        while self._service.call("GET", f"{jobs}/{job}", key=self._key)["state"] != "complete":
            if monotonic() > until:
                raise Failed(f"a job of {jobs} was not done in time")
            sleep(LOOK_AGAIN_S)
        return job

    def ran_every_phase(self) -> str:
        """A phase that could not run is reported as skipped, not as failed."""
        phases = {name: self._report["phases"][name]["status"] for name in PHASES}
        expect("phases", phases, dict.fromkeys(PHASES, "success"))
        return ", ".join(PHASES)

    def got_through_everywhere(self) -> str:
        """Each operation said yes to something; the run's own key was good to the end."""
        accepted = {
            operation: sum(rates["accepted"] for rates in phases.values())
            for operation, phases in self._report["valid_rates"].items()
        }
        never = sorted(self._operations() - {name for name, times in accepted.items() if times})
        expect("operations that accepted nothing", never, [])
        self._service.call("GET", LIST, key=self._key)
        return f"{len(accepted)} operations"

    def _operations(self) -> set[str]:
        document = self._service.call("GET", "/openapi.json")
        return {
            f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods
        }


def main() -> int:
    """Returns the exit status."""
    with running_service(worker_interval_seconds="1") as service:
        trial = Trial(service)
        return run_checks(
            {
                "no fault": trial.finds_no_fault,
                "every phase": trial.ran_every_phase,
                "every operation": trial.got_through_everywhere,
            }
        )


if __name__ == "__main__":
    sys.exit(main())
