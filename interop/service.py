"""A server of ours for other people's tools: on a free loopback port, with a database of its own."""

import http.client
import json
import os
import secrets
import socket
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import Any, Final

HOST: Final = "127.0.0.1"
START_S: Final = 30
STOP_S: Final = 15
ANSWER_S: Final = 60
TRY_AGAIN_S: Final = 0.05
LOG_TAIL_CHARS: Final = 4_000


class Failed(AssertionError):
    """Failure of an expectation."""


@dataclass(frozen=True)
class Service:
    """A server that answers. Its keys stay out of its repr, and so out of tracebacks."""

    port: int
    folder: Path
    admin_key: str = field(repr=False)
    environment: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def url(self) -> str:
        """Return the base URL, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    def call(
        self, method: str, path: str, body: object = None, *, key: str | None = None, is_lines: bool = False
    ) -> Any:  # noqa: ANN401 (JSON may be anything)
        """The decoded answer, None for an empty one. Asks with the bearer `key`, else as administrator.

        Raises Failed for any status but 2xx, with the problem.
        """
        own = {"x-admin-key": self.admin_key} if key is None else {"authorization": f"Bearer {key}"}
        sent = None if body is None else json.dumps(body).encode()
        # A line of JSON is NDJSON too: what is sent to a list of lines is one of them.
        kind = "application/x-ndjson" if is_lines else "application/json"
        status, answer = exchange(self.port, method, path, sent, own | {"content-type": kind})
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise Failed(f"{method} {path} answered {status}: {answer[:LOG_TAIL_CHARS].decode()}")
        return json.loads(answer) if answer else None

    def run(self, *arguments: str) -> None:
        """Run a command of ours beside the server. Raises Failed where it does not end well."""
        command = [os.environ["CALLTALLY"], *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Failed(
                f"calltally {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}"
            )

    def new_tenant(self, tenant: str) -> None:
        """Make a tenant through the admin API."""
        self.call("POST", "/api/v1/admin/tenants", {"id": tenant})

    def new_key(self, tenant: str, *scopes: str) -> tuple[str, str]:
        """Make a key through the admin API: its id, and the key, which is a secret."""
        path = f"/api/v1/admin/tenants/{tenant}/api-keys"
        made = self.call("POST", path, {"name": "interop", "scopes": scopes})
        return made["id"], made["key"]


@contextmanager
def running_service(**settings: str) -> Iterator[Service]:
    """A server on an empty, migrated database, without a rate limit, for as long as the block runs.

    `settings` are by their names in lower case, without CALLTALLY_.
    """
    with tempfile.TemporaryDirectory(prefix="calltally-interop-") as name:
        service = Service(free_port(), Path(name), secrets.token_urlsafe(32))
        command, environment = os.environ["CALLTALLY"], {**_environment(service), **_variables(settings)}
        service.environment.update(environment)
        subprocess.run([command, "migrate"], cwd=name, env=environment, check=True, stdout=subprocess.DEVNULL)
        log = service.folder / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [command, "serve"], cwd=name, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            _wait_until_ready(service, process, log)
            yield service
        finally:
            _stop(process)


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.create_server((HOST, 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _environment(service: Service) -> Mapping[str, str]:
    """This process's own, with nothing left of what it may have set for another Calltally."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("CALLTALLY")}
    return others | {
        "CALLTALLY_DATABASE_URL": f"sqlite:///{service.folder}/calltally.db",
        "CALLTALLY_HOST": HOST,
        "CALLTALLY_PORT": str(service.port),
        "CALLTALLY_ADMIN_KEY": service.admin_key,
        "CALLTALLY_SECRET_KEY": b64encode(secrets.token_bytes(32)).decode(),
        "CALLTALLY_RATE_LIMIT_PER_MINUTE": "0",
        "CALLTALLY_LOG_LEVEL": "warning",
        # Nobody's: what is asked of a provider here must not leave the machine.
        "CALLTALLY_TWILIO_API_URL": f"http://{HOST}:9",
    }


def _variables(settings: Mapping[str, str]) -> dict[str, str]:
    return {f"CALLTALLY_{name.upper()}": value for name, value in settings.items()}


def _wait_until_ready(service: Service, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = monotonic() + START_S
    while not _is_ready(service):
        try:
            # Waiting for it to end is the pause between two tries, and sees at once if it does.
            status = process.wait(timeout=TRY_AGAIN_S)
        except subprocess.TimeoutExpired:
            if monotonic() < deadline:
                continue
            raise Failed(f"the server is not ready after {START_S} s:\n{log_tail(log)}") from None
        raise Failed(f"the server ended with status {status}:\n{log_tail(log)}")


def _is_ready(service: Service) -> bool:
    try:
        status, _answer = exchange(service.port, "GET", "/readyz", None, {})
    except OSError:
        return False
    return status == HTTPStatus.OK


def exchange(
    port: int, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
) -> tuple[int, bytes]:
    """Send one request to a server of ours, and return the status and the body of its answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_S)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End our own process, whether or not it wants to."""
    process.terminate()
    try:
        process.wait(timeout=STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def log_tail(log: Path) -> str:
    """The end of a log; the server writes no secrets into it."""
    return log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL_CHARS:]
