"""Image of deploy/Containerfile: built, composed, called, stopped and upgraded as the guide describes."""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from shutil import copytree, ignore_patterns
from time import monotonic
from typing import Any, Final

from interop.checks import Check, expect, run_checks
from interop.recipes import recipe
from interop.service import HOST, Failed, Service, free_port
from ops.containers.engine import BASE, REPOSITORY, Engine, build_options, engine, make_base

PAGE: Final = "run-in-containers.md"
IMAGE_CHECK: Final = "the image is built"
SKIPPED: Final = 77
_SERVE: Final = "calltally_serve_1"
_IMAGE: Final = "localhost/calltally"
_POSTGRESQL: Final = "localhost/ops-postgresql"
# Of the repository, what a clone has not, but the built libraries and pages.
_NOT_CLONED: Final = (".git", ".venv*", ".*_cache", ".hypothesis", "build", "dist", "var", "__pycache__")
_NEXT_VERSION: Final = "0.1.999"
_SEVEN: Final = ["id", "call_sid", "direction", "status", "duration_seconds", "escalated", "summary"]
_EVENT: Final = {
    "id": "evt-1",
    "call_sid": "CA1234567890abcdef1234567890abcdef",
    "occurred_at": "2026-10-01T09:30:00Z",
    "status": "completed",
    "direction": "outbound",
    "summary": "Customer confirmed appointment time.",
}
# What the built image must be able to do without any right.
_RIGHTS: Final = (
    "id -u; touch /x 2>/dev/null || echo read-only; touch /tmp/x && echo tmp;"
    " grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status"
)


@dataclass
class Main:
    """Run of the whole path: where its files are, and what one check leaves for the next."""

    podman: Engine
    port: int = field(default_factory=free_port)
    key: str = ""

    @property
    def clone(self) -> Path:
        """Return the folder that stands for the clone of the guide."""
        return self.podman.folder / "clone"

    def block(self, info: str) -> str:
        """Run a block of the guide in the clone, and return what it prints. Raises Failed."""
        text = recipe(f"sh {info}", PAGE)
        for printed, here in {
            f"{HOST}:8080": f"{HOST}:{self.port}",
            "make dist": f"{Path(os.environ['CALLTALLY']).parent}/python -m tools.package_build dist",
            "podman build": f"podman build {' '.join(build_options(self.podman))}",
        }.items():
            text = text.replace(printed, here)
        published = {"PUBLISHED": f"{HOST}:{self.port}", "POSTGRES_IMAGE": _POSTGRESQL}
        script = f"set -eu\ncd {self.clone}\n{text}"
        if info == "tenant":
            script += "\necho\necho $KEY"
        return self.podman.command("sh", "-c", script, env=published)


def _builds(main: Main) -> str:
    copytree(REPOSITORY, main.clone, ignore=ignore_patterns(*_NOT_CLONED))
    started = monotonic()
    main.block("image")
    base, image = main.podman.image_megabytes(BASE), main.podman.image_megabytes(_IMAGE)
    return f"{image} MB, of which the base has {base}, in {monotonic() - started:.0f} s"


def _composes(main: Main) -> str:
    started = monotonic()
    main.block("compose")
    _wait_until_healthy(main)
    return f"migrated and ready after {monotonic() - started:.1f} s"


def _wait_until_healthy(main: Main) -> None:
    """Wait for the health check of the image to succeed. Raises Failed with the log."""
    for _ in range(60):
        try:
            main.podman.run("healthcheck", "run", _SERVE)
        except Failed:
            main.podman.command("sleep", "0.5")
        else:
            return
    raise Failed(f"it is not healthy: {main.podman.run('logs', '--tail', '20', _SERVE)}")


def _has_no_rights(main: Main) -> str:
    found = main.podman.run("exec", _SERVE, "sh", "-c", _RIGHTS).split("\n")
    expect("user, file system and /tmp", found[:3], ["10001", "read-only", "tmp"])
    rights = dict(line.split(":\t") for line in found[3:] if line)
    none = "0" * 16
    expect("its rights", rights, {"CapEff": none, "CapBnd": none, "NoNewPrivs": "1"})
    return "user 10001, read-only, no capabilities, no new privileges"


def _answers(main: Main) -> str:
    printed, main.key = main.block("tenant").strip().rsplit("\n", 1)
    expect("an empty list", json.loads(printed.strip().splitlines()[-1])["data"], [])
    service = Service(main.port, main.podman.folder, "")
    service.call("POST", "/api/v1/events", [_EVENT], key=main.key)
    return _listed(main)


def _listed(main: Main) -> str:
    """Call the endpoint as its page prints the command, and compare the record."""
    url = f"http://{HOST}:{main.port}/api/v1/call-logs?limit=25&offset=0"
    command = ("curl", "-sS", "-f", url, "-H", f"Authorization: Bearer {main.key}")
    answer: dict[str, Any] = json.loads(main.podman.command(*command))
    (call,) = answer["data"]
    expect("the outer fields", list(answer)[:3], ["data", "limit", "offset"])
    expect("the fields of a call", list(call)[:7], _SEVEN)
    expect(
        "the call",
        {name: call[name] for name in ("call_sid", "summary")},
        {name: _EVENT[name] for name in ("call_sid", "summary")},
    )
    return f"{call['call_sid']} {call['status']}"


def _works(main: Main) -> str:
    """Return the time of the worker's last report, which it makes at its start."""
    url = f"http://{HOST}:{main.port}/metrics"
    for _ in range(60):
        lines = main.podman.command("curl", "-sS", "-f", url).splitlines()
        reported = [line.split()[1] for line in lines if line.startswith("calltally_worker_report_timestamp")]
        if reported and float(reported[0]) > 0:
            return f"reported at {float(reported[0]):.0f}"
        main.podman.command("sleep", "0.5")
    raise Failed("no worker has reported in 30 s")


def _stops(main: Main) -> str:
    started = monotonic()
    main.podman.run("stop", "--time", "30", _SERVE)
    took_s = monotonic() - started
    code = main.podman.run("inspect", "--format", "{{.State.ExitCode}}", _SERVE).strip()
    expect("its exit status", code, "0")
    return f"status 0 after {took_s:.1f} s"


def _upgrades(main: Main) -> str:
    stated = main.clone / "src/calltally/__init__.py"
    lines = [line for line in stated.read_text(encoding="utf-8").splitlines() if "__version__" not in line]
    stated.write_text("\n".join([*lines, f'__version__ = "{_NEXT_VERSION}"', ""]), encoding="utf-8")
    started = monotonic()
    main.block("upgrade")
    took_s = monotonic() - started
    _wait_until_healthy(main)
    version = main.podman.run("exec", _SERVE, "calltally", "--version").strip()
    if _NEXT_VERSION not in version:
        raise Failed(f"the new image has the version {version}")
    return f"{version} in {took_s:.0f} s has {_listed(main)}; {_verified(main)}"


def _verified(main: Main) -> str:
    return main.podman.run("exec", _SERVE, "calltally", "verify").strip().splitlines()[-1]


def _monitors(main: Main) -> str:
    text = main.block("monitoring")
    expect("containers that are read-only", text.count("read_only: true"), text.count("localhost/calltally"))
    return f"{text.count('image:')} containers in a valid file; their images cannot be had here"


def _runs_on_postgresql(main: Main) -> str:
    """Run the database in an image of Debian's PostgreSQL, which takes the variables of the usual one."""
    main.podman.command("podman-compose", f"--file={main.clone}/deploy/compose/sqlite.yaml", "down")
    here = Path(__file__).parent / "postgresql"
    options = [*build_options(main.podman), "--tag", _POSTGRESQL]
    main.podman.run("build", *options, str(here))
    started = monotonic()
    with ThreadPoolExecutor() as pool:
        # Podman leaves health checks to timers of systemd, which a machine of CI may lack.
        composing = pool.submit(lambda: main.block("postgresql"))
        while not composing.done():
            with suppress(Failed):
                main.podman.run("healthcheck", "run", "calltally_db_1")
            main.podman.command("sleep", "0.5")
        composing.result()
    _wait_until_healthy(main)
    took_s = monotonic() - started
    main.block("tenant")
    return f"ready after {took_s:.1f} s; {_works(main)}"


def run_path(*names: str) -> int:
    """Run the checks of these names, or all. Returns the exit status."""
    with engine() as podman:
        path = Main(podman)
        try:
            make_base(podman)
            podman.run("run", "--rm", "--network", "host", BASE, "true")
        except Failed as fault:
            print(f"  containers cannot be run on this machine: {fault}")
            return SKIPPED
        checks: dict[str, Check] = {
            IMAGE_CHECK: partial(_builds, path),
            "compose starts it": partial(_composes, path),
            "it has no rights": partial(_has_no_rights, path),
            "the curl of the page": partial(_answers, path),
            "the worker": partial(_works, path),
            "it stops": partial(_stops, path),
            "an upgrade keeps the data": partial(_upgrades, path),
            "compose with PostgreSQL": partial(_runs_on_postgresql, path),
            "compose with monitoring": partial(_monitors, path),
        }
        return run_checks({name: checks[name] for name in names or checks})


if __name__ == "__main__":
    sys.exit(run_path())
