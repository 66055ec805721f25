"""Rehearse the upgrade from a release: `python -m tools.rehearsal.upgrade [REF] [--database postgres]`.

The code of REF (the last tag) fills a database, which the present code migrates. Then both serve it: on
PostgreSQL at once, on SQLite alternately, since one process serves a file. Each records changes of calls that
the other began, both must list the same calls, and `calltally verify` must be clean at the end.

REF runs in this environment; --python names one with the packages of that release.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NamedTuple

from interop.programs import fetch, running_program, wait_for
from interop.service import HOST, exchange, free_port
from tools.rehearsal.databases import rehearsal_database

ROOT: Final = Path(__file__).parents[2]
CALLS: Final = 20
# The fields of a call in the list that never change within v1.
FIELDS: Final = ("id", "call_sid", "direction", "status", "duration_seconds", "escalated", "summary")
_SETTINGS: Final = {
    "CALLTALLY_SECRET_KEY": b64encode(bytes(32)).decode(),
    "CALLTALLY_RATE_LIMIT_PER_MINUTE": "0",
}


class Release(NamedTuple):
    """One version of the code, with the database that it works on."""

    name: str
    python: str
    source: Path
    folder: Path
    url: str

    def command(self, *words: str) -> list[str]:
        # Not the folder of the caller, which has the present code.
        return [self.python, "-P", "-W", "ignore", "-m", "calltally", *words]

    @property
    def environment(self) -> dict[str, str]:
        others = {name: value for name, value in os.environ.items() if not name.startswith("CALLTALLY_")}
        own = {"PYTHONPATH": str(self.source), "CALLTALLY_DATABASE_URL": self.url}
        return others | _SETTINGS | own

    def run(self, *words: str) -> str:
        """Run a command to its end and return its output. Exits with its error message."""
        done = subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"{self.name}: calltally {' '.join(words)} failed: {done.stderr}{done.stdout}")
        return done.stdout.strip()

    @contextmanager
    def serving(self, key: str) -> Iterator["Server"]:
        """Serve for as long as the block runs."""
        port, log = free_port(), self.folder / f"{self.name.replace('/', '-')}.log"
        settings = [f"{name}={value}" for name, value in self.environment.items()]
        settings.append(f"CALLTALLY_PORT={port}")
        command = ["env", *settings, *self.command("serve")]
        with running_program(command, log):
            wait_for(f"{self.name} serves", lambda: fetch(f"http://{HOST}:{port}/readyz"), log)
            yield Server(port, key)


class Server(NamedTuple):
    """A running service of one version."""

    port: int
    key: str

    def report(self, status: str, second: int) -> None:
        """Report the status of each call at a second of its life."""
        events = [
            {
                "id": f"{status}-{second}-{number}",
                "call_sid": f"call-{number}",
                "occurred_at": f"2026-10-01T09:{number:02}:{second:02}Z",
                "status": status,
                "direction": "inbound",
            }
            for number in range(CALLS)
        ]
        answer = self._exchange("POST", "/api/v1/events", events)
        outcomes = {each["outcome"] for each in answer["outcomes"]}
        if outcomes != {"applied"}:
            sys.exit(f"events were not applied: {outcomes}")

    def calls(self) -> list[tuple[Any, ...]]:
        """Return the fields of all calls that do not change within v1."""
        page = self._exchange("GET", "/api/v1/call-logs?limit=100")
        return [tuple(each[name] for name in FIELDS) for each in page["data"]]

    def _exchange(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 (JSON)
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        status, answer = exchange(self.port, method, path, sent, headers)
        if status != HTTPStatus.OK:
            sys.exit(f"{method} {path} answered {status}: {answer.decode()}")
        return json.loads(answer)


def rehearse(old: Release, new: Release) -> None:
    """Upgrade a database of `old` to `new`, and let both serve it. Exits with a message on failure."""
    old.run("migrate")
    old.run("tenant", "add", "acme")
    key = old.run("key", "add", "acme", "--scope", "events:write", "--scope", "calls:read")
    with old.serving(key) as server:
        server.report("ringing", 1)
        before = server.calls()
    print(new.run("migrate"))
    lists = (
        _serve_at_once(old, new, key) if new.url.startswith("postgres") else _serve_alternately(old, new, key)
    )
    # As the page about upgrades says: what the earlier code wrote meanwhile is folded again.
    new.run("migrate", "--refold")
    print(new.run("verify"))
    statuses = {call[FIELDS.index("status")] for call in lists[1]}
    if not (len(before) == len(lists[0]) == CALLS and lists[0] == lists[1] and statuses == {"completed"}):
        sys.exit(f"the lists differ: {before}, {lists}")
    print(f"{old.name} and the present code list the same {CALLS} calls")


def _serve_at_once(old: Release, new: Release, key: str) -> list[list[tuple[Any, ...]]]:
    with old.serving(key) as former, new.serving(key) as present:
        present.report("in-progress", 2)
        former.report("completed", 30)
        return [former.calls(), present.calls()]


def _serve_alternately(old: Release, new: Release, key: str) -> list[list[tuple[Any, ...]]]:
    with new.serving(key) as present:
        present.report("in-progress", 2)
    with old.serving(key) as former:
        former.report("completed", 30)
        listed = former.calls()
    with new.serving(key) as present:
        return [listed, present.calls()]


def last_tag() -> str | None:
    """Return the newest tag of a release before the present commit; None without one."""
    command = ["git", "describe", "--tags", "--abbrev=0", "--match", "v*"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def _unpack(ref: str, folder: Path) -> Path:
    """Unpack the source of a commit, and return the folder to import it from."""
    command = ["git", "archive", ref, "src"]
    packed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder / "src"


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.rehearsal.upgrade", description=__doc__)
    parser.add_argument("ref", nargs="?", help="tag or commit to upgrade from (the last tag)")
    parser.add_argument("--database", default="sqlite", choices=["sqlite", "postgres"])
    parser.add_argument("--python", default=sys.executable, help="Python that runs the code of REF")
    given = parser.parse_args()
    ref = given.ref or last_tag()
    if ref is None:
        print("no release is tagged yet, so there is no upgrade to rehearse")
        return 0
    with (
        tempfile.TemporaryDirectory(prefix="calltally-upgrade-") as name,
        rehearsal_database(given.database) as url,
    ):
        folder = Path(name)
        old = Release(ref, given.python, _unpack(ref, folder), folder, url)
        rehearse(old, Release("the present code", sys.executable, ROOT / "src", folder, url))
    return 0


if __name__ == "__main__":
    sys.exit(main())
