"""Linters, a validating proxy and generators of clients on our OpenAPI document and a service.

Spectral and Redocly find nothing, and Prism's proxy finds nothing in any operation. Each generator's client
compiles strictly, and calls every read operation.
"""

import json
import sys
from collections.abc import Iterable
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from interop.checks import expect, run_checks
from interop.openapi.proxy import exchanges
from interop.openapi.stage import Stage
from interop.openapi.workshop import Workshop
from interop.packages import tool
from interop.programs import running_program, wait_for
from interop.service import HOST, Failed, free_port, running_service


class Trial:
    """One service, and the tools on its document."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._shop = Workshop(stage)

    def spectral_finds_nothing(self) -> str:
        found = self._shop.run(
            "spectral", "lint", "openapi.json", "--ruleset=spectral.yaml", "--fail-severity=hint"
        )
        return found.splitlines()[0]

    def redocly_finds_nothing(self) -> str:
        report = self._shop.run("redocly", "lint", "openapi.json", "--extends=recommended", "--format=json")
        totals = json.JSONDecoder().raw_decode(report[report.index("{") :])[0]["totals"]
        expect("problems", (totals["errors"], totals["warnings"]), (0, 0))
        return "no errors, no warnings"

    def typescript_compiles(self) -> str:
        shop = self._shop
        shop.generate("typescript")
        shop.run("tsc", "--project", "tsconfig.json")
        return "openapi-typescript, Hey API, orval, OpenAPI Generator"

    def typescript_reads(self) -> str:
        names = ("openapi_fetch", "hey_api", "orval", "typescript_fetch")
        sources = (f"{name}.ts" for name in names)
        self._shop.run(
            "esbuild",
            *sources,
            "--bundle",
            "--format=esm",
            "--platform=node",
            "--outdir=built",
            "--log-level=error",
        )
        return _same(self._shop.run("node", f"built/{name}.js") for name in names)

    def python_compiles(self) -> str:
        shop = self._shop
        shop.generate("python")
        shop.run("mypy", "attrs_client", "openapi_python_client_reads.py")
        # By the options that its own templates fulfil.
        shop.run("mypy", "--config-file=generated/pyproject.toml", "generated/pydantic_client")
        (shop.folder / "generated/pydantic_client").rename(shop.folder / "pydantic_client")
        shop.run("mypy", "--follow-imports=silent", "openapi_generator_reads.py")
        return "openapi-python-client, OpenAPI Generator"

    def python_reads(self) -> str:
        scripts = ("openapi_python_client_reads.py", "openapi_generator_reads.py")
        return _same(self._shop.run("python", script) for script in scripts)

    def go_compiles(self) -> str:
        self._shop.generate("go")
        self._shop.run("go", "vet", ".", "./openapi")
        self._shop.run("go", "build", "-o", "reads", ".")
        return "OpenAPI Generator"

    def go_reads(self) -> str:
        return self._shop.run("go", "run", ".")

    def prism_finds_nothing(self) -> str:
        """The last check, since it changes and deletes what the others read."""
        port = free_port()
        command = [tool("node"), "node_modules/.bin/prism", "proxy", "openapi.json", self._stage.service.url]
        log = self._shop.folder / "prism.log"
        with running_program([*command, "--errors", f"--port={port}"], log):
            url = f"http://{HOST}:{port}"
            wait_for("Prism", lambda: _status(f"{url}/healthz") == HTTPStatus.OK, log)
            # It does validate: the service itself would answer 400.
            status = _status(f"{url}/api/v1/call-logs?limit=0", self._stage.key)
            expect("status of a wrong limit", status, HTTPStatus.UNPROCESSABLE_ENTITY)
            done = [*exchanges(self._stage, port)]
        if faults := [each.fault for each in done if each.fault]:
            raise Failed("\n".join(faults))
        return f"{len(done)} operations"


def _status(url: str, key: str = "") -> int:
    try:
        request = Request(url, headers={"authorization": f"Bearer {key}"})  # noqa: S310 (always http and loopback)
        with urlopen(request) as answer:  # noqa: S310
            return int(answer.status)
    except HTTPError as fault:
        return fault.code


def _same(outputs: Iterable[str]) -> str:
    """Return the output that all have. Raises Failed."""
    found = {*outputs}
    expect("outputs", len(found), 1)
    return found.pop()


def main() -> int:
    """Return the exit status."""
    with running_service(worker_interval_seconds="1") as service:
        trial = Trial(Stage(service))
        return run_checks(
            {
                "Spectral": trial.spectral_finds_nothing,
                "Redocly": trial.redocly_finds_nothing,
                "TypeScript compiles": trial.typescript_compiles,
                "TypeScript reads": trial.typescript_reads,
                "Python compiles": trial.python_compiles,
                "Python reads": trial.python_reads,
                "Go compiles": trial.go_compiles,
                "Go reads": trial.go_reads,
                "Prism": trial.prism_finds_nothing,
            }
        )


if __name__ == "__main__":
    sys.exit(main())
