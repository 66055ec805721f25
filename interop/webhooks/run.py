"""Deliveries, verified by npm's `standardwebhooks` and `svix`, and received by the page's own Node."""

import hmac
import json
import re
import shutil
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

from interop.checks import expect, run_checks
from interop.packages import installed, tool
from interop.programs import running_program, wait_for
from interop.service import HOST, Failed, Service, free_port, running_service

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parents[1] / "docs" / "how-to" / "receive-events.md"
TENANT: Final = "acme"
_NODE_BLOCK: Final = re.compile(r"^```js node\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_PACKAGES: Final = ("standardwebhooks", "svix")
_STALE_S: Final = 3600

Delivery = dict[str, Any]


@contextmanager
def caught() -> Iterator[tuple[str, list[Delivery]]]:
    """A receiver that keeps what it is sent; its URL."""
    observed: list[Delivery] = []

    class Catcher(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            observed.append(
                {"headers": {name.lower(): value for name, value in self.headers.items()}, "body": body}
            )
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_parts: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((HOST, 0), Catcher) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{HOST}:{server.server_port}/", observed
        server.shutdown()
        thread.join()


class Trial:
    """The checks, over one service and its packages."""

    def __init__(self, service: Service, key: str, packages: Path) -> None:
        self._service, self._key, self._packages = service, key, packages
        self._number = 0

    def endpoint(self, url: str) -> str:
        """A new endpoint; its secret."""
        body = {"url": url, "events": ["voice.call.completed"]}
        return str(self._service.call("POST", "/api/v1/webhook-endpoints", body, key=self._key)["secret"])

    def report(self) -> None:
        """One more call that ended."""
        self._number += 1
        event = {"id": f"e{self._number}", "call_sid": f"CA{self._number}", "status": "completed"}
        event["occurred_at"] = "2026-10-01T09:32:30Z"
        self._service.call("POST", "/api/v1/events", event, key=self._key)

    def verified(self) -> str:
        """Genuine ones pass, others do not, by both packages."""
        with caught() as (url, observed):
            secret = self.endpoint(url)
            self.report()
            genuine = wait_for(
                "a delivery", lambda: observed[0] if observed else None, self._service.folder / "server.log"
            )
        deliveries = list(_variations(genuine, secret))
        requested = {"secret": secret, "deliveries": deliveries}
        done = subprocess.run(
            [tool("node"), "verify.js"],
            cwd=self._packages,
            input=json.dumps(requested),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Failed(done.stderr[-2000:])
        wanted = {each["name"]: each["name"] == "genuine" for each in deliveries}
        expect("what the packages say", json.loads(done.stdout), dict.fromkeys(_PACKAGES, wanted))
        return f"{len(wanted)} deliveries, of which the genuine one passes, by {' and '.join(_PACKAGES)}"

    def received(self) -> str:
        """The receiver of the page runs as it stands there."""
        found = _NODE_BLOCK.search(PAGE.read_text(encoding="utf-8"))
        if found is None:
            raise Failed(f"{PAGE.name} has no receiver for Node")
        (self._packages / "receiver.js").write_text(found[1], encoding="utf-8")
        port, log = free_port(), self._packages / "receiver.log"
        secret = self.endpoint(f"http://{HOST}:{port}/")
        command = ["env", f"PORT={port}", f"WEBHOOK_SECRET={secret}", tool("node"), "receiver.js"]
        with running_program(command, log):
            self.report()
            wait_for("what it prints", lambda: log.read_text() or None, log)
        expect("what it prints", log.read_text().strip(), "voice.call.completed completed")
        return f"{len(found[1].splitlines())} lines of JavaScript take a delivery"


def _variations(genuine: Delivery, secret: str) -> Iterator[Delivery]:
    headers, body = genuine["headers"], genuine["body"]
    yield {"name": "genuine", **genuine}
    yield {"name": "tampered", "headers": headers, "body": body.replace("completed", "busy")}
    now_s = int(time.time())
    yield {"name": "stale", "headers": _signed(headers, body, secret, now_s - _STALE_S), "body": body}
    yield {"name": "future", "headers": _signed(headers, body, secret, now_s + _STALE_S), "body": body}
    other = "whsec_" + b64encode(b"another secret of the same form").decode()
    yield {"name": "other secret", "headers": _signed(headers, body, other, now_s), "body": body}


def _signed(headers: Mapping[str, str], body: str, secret: str, at_s: int) -> dict[str, str]:
    content = f"{headers['webhook-id']}.{at_s}.{body}".encode()
    digest = hmac.digest(b64decode(secret.removeprefix("whsec_")), content, "sha256")
    signed = {"webhook-timestamp": str(at_s), "webhook-signature": f"v1,{b64encode(digest).decode()}"}
    return {**headers, **signed}


def main() -> int:
    """Returns the exit status."""
    allowed = {"outgoing_allow_http": "true", "outgoing_allow_networks": "127.0.0.0/8"}
    with running_service(**allowed) as service:
        packages = service.folder / "node"
        packages.mkdir()
        shutil.copy(HERE / "verify.js", installed(HERE, packages))
        service.new_tenant(TENANT)
        _, key = service.new_key(TENANT, "events:write", "calls:read", "webhooks:write")
        trial = Trial(service, key, packages)
        return run_checks({"verified by npm's packages": trial.verified, "received in Node": trial.received})


if __name__ == "__main__":
    sys.exit(main())
