"""Linters and generators of clients read our OpenAPI document, and a generated client reads a service.

Spectral and Redocly must find nothing. openapi-typescript with openapi-fetch, and Hey API, generate clients
that compile strictly; the first one then calls the read operations of the document.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from interop.checks import expect, run_checks
from interop.packages import installed, tool
from interop.service import Failed, Service, running_service

HERE: Final = Path(__file__).parent
TENANT: Final = "interop"
SCOPES: Final = (
    *("calls:read", "transcripts:read", "events:write", "exports:write"),
    *("alerts:write", "webhooks:write"),
)
URL: Final = "https://localhost:1/"
RUN_S: Final = 180
JOBS_S: Final = 30
POLL_S: Final = 0.1
MAX_CHARS: Final = 2_000
# An alert needs a fault first, and a launch a route.
UNREADABLE: Final = ("/api/v1/alerts/{id}", "/api/v1/analytics/launch")
FILES: Final = ("spectral.yaml", "tsconfig.json", "reads.ts")


class Trial:
    """One service with an object of each kind, and the packages beside its document."""

    def __init__(self, service: Service) -> None:
        self._service = service
        service.new_tenant(TENANT)
        _key_id, self._key = service.new_key(TENANT, *SCOPES)
        self._ids = self._objects()
        self._document: dict[str, Any] = service.call("GET", "/openapi.json")
        self._folder = service.folder / "packages"
        self._folder.mkdir()
        installed(HERE, self._folder)
        for name in FILES:
            shutil.copy(HERE / name, self._folder / name)
        (self._folder / "openapi.json").write_text(json.dumps(self._document), encoding="utf-8")

    def spectral_finds_nothing(self) -> str:
        found = self._run(
            "spectral", "lint", "openapi.json", "--ruleset=spectral.yaml", "--fail-severity=hint"
        )
        return found.strip().splitlines()[0]

    def redocly_finds_nothing(self) -> str:
        report = self._run("redocly", "lint", "openapi.json", "--extends=recommended", "--format=json")
        totals = json.JSONDecoder().raw_decode(report[report.index("{") :])[0]["totals"]
        expect("problems", (totals["errors"], totals["warnings"]), (0, 0))
        return "no errors, no warnings"

    def clients_compile(self) -> str:
        self._run("openapi-typescript", "openapi.json", "--output=schema.d.ts")
        self._run("openapi-ts", "--input=openapi.json", "--output=hey", "--client=@hey-api/client-fetch")
        self._run("tsc", "--project", "tsconfig.json")
        return "openapi-typescript, Hey API"

    def client_reads_everything(self) -> str:
        reads = [*self._reads()]
        environment = {
            "READS": json.dumps(reads),
            "BASE": self._service.url,
            "KEY": self._key,
            "ADMIN_KEY": self._service.admin_key,
        }
        return self._node("built/reads.js", environment).strip()

    def _reads(self) -> Any:  # noqa: ANN401 (a generator of JSON objects)
        for path, methods in self._document["paths"].items():
            operation = methods.get("get")
            if operation is None or "/ingest/" in path or path in UNREADABLE:
                continue
            names = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"]
            kind = path.split("/")[3] if path.startswith("/api/v1/") else ""
            known = {**self._ids, "id": self._ids.get(kind, "")}
            is_admin = operation["security"] == [{"adminKey": []}]
            yield {"path": path, "parameters": {name: known[name] for name in names}, "isAdmin": is_admin}

    def _objects(self) -> dict[str, str]:
        service, key = self._service, self._key
        event = {
            "id": "one",
            "call_sid": "interop-1",
            "occurred_at": "2026-03-01T12:00:00Z",
            "status": "busy",
        }
        call = service.call("POST", "/api/v1/events", event, key=key)["outcomes"][0]["call_id"]
        service.call("PUT", "/api/v1/voice-sessions/session-1", {"call_sid": "interop-1"}, key=key)
        endpoint = service.call("POST", "/api/v1/webhook-endpoints", {"url": URL}, key=key)["id"]
        service.call("POST", f"/api/v1/webhook-endpoints/{endpoint}/test", {}, key=key)
        deliveries = service.call("GET", f"/api/v1/webhook-endpoints/{endpoint}/deliveries", key=key)
        sink = {"kind": "webhook", "name": "ours", "settings": {"url": URL}}
        lines = "/api/v1/reconciliations?from=2026-01-01&to=2026-02-01"
        return {
            "call-logs": call,
            "voice-sessions": "session-1",
            "webhook-endpoints": endpoint,
            "delivery": deliveries["data"][0]["id"],
            "alert-sinks": service.call("POST", "/api/v1/alert-sinks", sink, key=key)["id"],
            "exports": self._complete("/api/v1/exports", "/api/v1/exports", {}, is_lines=False),
            "reconciliations": self._complete("/api/v1/reconciliations", lines, {}, is_lines=True),
            "name": "calls.ndjson",
            "tenant": TENANT,
        }

    def _complete(self, jobs: str, path: str, body: object, *, is_lines: bool) -> str:
        job: str = self._service.call("POST", path, body, key=self._key, is_lines=is_lines)["id"]
        until = monotonic() + JOBS_S
        while self._service.call("GET", f"{jobs}/{job}", key=self._key)["state"] != "complete":
            if monotonic() > until:
                raise Failed(f"a job of {jobs} is not complete after {JOBS_S} s")
            sleep(POLL_S)
        return job

    def _run(self, command: str, *arguments: str) -> str:
        return self._node(f"node_modules/.bin/{command}", {}, *arguments)

    def _node(self, script: str, environment: dict[str, str], *arguments: str) -> str:
        """Return the output of a script. Raises Failed, with its last words, where it does not end well."""
        done = subprocess.run(
            [tool("node"), script, *arguments],
            cwd=self._folder,
            env={**os.environ, **environment, "HOME": str(self._folder), "REDOCLY_TELEMETRY": "off"},
            capture_output=True,
            text=True,
            timeout=RUN_S,
            check=False,
        )
        if done.returncode:
            output = (done.stdout + done.stderr)[-MAX_CHARS:]
            raise Failed(f"{script} ended with {done.returncode}: {output}")
        return done.stdout


def main() -> int:
    """Return the exit status."""
    with running_service(worker_interval_seconds="1") as service:
        trial = Trial(service)
        return run_checks(
            {
                "Spectral": trial.spectral_finds_nothing,
                "Redocly": trial.redocly_finds_nothing,
                "clients compile": trial.clients_compile,
                "every read": trial.client_reads_everything,
            }
        )


if __name__ == "__main__":
    sys.exit(main())
