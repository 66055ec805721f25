"""A real `calltally serve` process on a database of its own, asked over sockets as the outside does."""

import json
import os
import secrets
import select
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from itertools import count
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp
from threading import Lock
from typing import Any, NamedTuple

from tests.acceptance.preloaded import Command, PreloadedCommands, run
from tests.unmeasured import unmeasured

HOST = "127.0.0.1"
STARTS_WITHIN_S = 30
ANSWERS_WITHIN_S = 30
COMMAND = (sys.executable, "-m", "calltally")

Headers = Mapping[str, str]
_numbers = count(1)
_preloaded: dict[bool, PreloadedCommands] = {}
_preloading = Lock()


class Answer(NamedTuple):
    """Response over the wire; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 (JSON may be anything)
        return json.loads(self.body)


class Live(NamedTuple):
    """A running server: its port, its administrator's key, and the file that its log goes to."""

    port: int
    admin_key: str
    log: Path

    @property
    def base(self) -> str:
        return f"http://{HOST}:{self.port}"

    def request(self, method: str, path: str, body: bytes = b"", headers: Headers | None = None) -> Answer:
        """One request with a connection of its own."""
        lines = {"host": f"{HOST}:{self.port}", "content-length": str(len(body)), **(headers or {})}
        return self.exchange([request_head(f"{method} {path}", lines), body])

    def exchange(self, pieces: Iterable[bytes]) -> Answer:
        """Send bytes as they are until the server has answered or all are sent; read its answer."""
        with socket.create_connection((HOST, self.port), timeout=ANSWERS_WITHIN_S) as connection:
            with suppress(ConnectionError):
                for piece in pieces:
                    if select.select([connection], [], [], 0)[0]:
                        break
                    connection.sendall(piece)
            response = HTTPResponse(connection)
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())

    def administer(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 (JSON may be anything)
        """Send a request to the admin API, which must succeed, and return its response."""
        sent = b"" if body is None else json.dumps(body).encode()
        answer = self.request(
            method, f"/api/v1/admin/tenants{path}", sent, self.admin | {"content-type": "application/json"}
        )
        assert answer.status in {200, 201, 204}, answer
        return answer.json if answer.body else None

    @property
    def admin(self) -> dict[str, str]:
        return {"x-admin-key": self.admin_key}

    def new_tenant(self) -> str:
        tenant = f"tenant-{next(_numbers)}"
        self.administer("POST", "", {"id": tenant})
        return tenant

    def new_key(self, tenant: str, *scopes: str) -> str:
        made = self.administer("POST", f"/{tenant}/api-keys", {"name": "test", "scopes": scopes})
        return str(made["key"])

    def send_events(self, key: str, events: Sequence[Mapping[str, Any]]) -> None:
        """Tell of calls; all must be taken."""
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        answer = self.request("POST", "/api/v1/events", json.dumps(events).encode(), headers)
        assert answer.status == 200, answer
        assert {each["outcome"] for each in answer.json["outcomes"]} <= {"applied", "ignored", "duplicate"}


def request_head(line: str, headers: Headers) -> bytes:
    """A request's head, byte for byte as latin-1 has it."""
    written = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{line} HTTP/1.1\r\n{written}\r\n".encode("latin-1")


def own_environment(**settings: str) -> dict[str, str]:
    """This process's environment with these settings, and none of another Calltally's.

    What tests tell of lies weeks back: to learn the rates of each of their tenants would take seconds.
    """
    settings = {"RATE_ALERTS": "false", **settings}
    of_hosts = {"DATABASE_URL", "PORT"}
    others = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("CALLTALLY_") and name not in of_hosts
    }
    return others | {f"CALLTALLY_{name}": value for name, value in settings.items()}


def calltally(
    folder: Path, *words: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command in a folder of its own, as a fork of a process that has loaded all commands."""
    variables = own_environment() if environment is None else environment
    command = Command(words, str(folder), variables)
    with Path(os.devnull).open() as source, TemporaryFile("w+") as output, TemporaryFile("w+") as errors:
        files = [file.fileno() for file in (source, output, errors)]
        code = run(preloaded(variables), command, files, timeout_s=ANSWERS_WITHIN_S * 2)
        for file in (output, errors):
            file.seek(0)
        return subprocess.CompletedProcess(["calltally", *words], code, output.read(), errors.read())


def preloaded(variables: Mapping[str, str]) -> str:
    """Return the socket of the preloaded commands, with coverage if the variables ask for it."""
    is_measured = any(name.startswith("COVERAGE_") for name in variables)
    # Some tests run commands in several threads at once.
    with _preloading:
        if is_measured not in _preloaded:
            environment = os.environ if is_measured else unmeasured()
            _preloaded[is_measured] = PreloadedCommands(Path(mkdtemp(prefix="calltally-")), environment)
        return _preloaded[is_measured].path


def close_preloaded() -> None:
    """End the processes that commands were forked from; the next command starts new ones."""
    while _preloaded:
        _preloaded.popitem()[1].close()


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Live]:
    """A server on a fresh SQLite database in `folder`, on a free port, for as long as the block runs."""
    admin_key = secrets.token_urlsafe(24)
    environment = own_environment(PORT="0", ADMIN_KEY=admin_key, **settings)
    assert calltally(folder, "migrate", environment=environment).returncode == 0
    log = folder / "serve.log"
    with (
        log.open("wb") as output,
        subprocess.Popen([*COMMAND, "serve"], cwd=folder, env=environment, stderr=output) as process,
    ):
        try:
            yield Live(port_of(process, log), admin_key, log)
        finally:
            process.terminate()


def port_of(process: subprocess.Popen[bytes], log: Path) -> int:
    """The port of the server's first line. Waiting for it to end is the pause between two looks."""
    for _ in range(STARTS_WITHIN_S * 20):
        for line in log.read_text().splitlines(keepends=True):
            if line.endswith("\n") and "listening" in line:
                return int(json.loads(line)["port"])
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            break
    message = f"the server did not start: {log.read_text()}"
    raise AssertionError(message)
