"""Real Prometheus scrapes; real Alertmanager receives, groups and resolves what Calltally tells it."""

import hmac
import json
import sqlite3
import sys
import threading
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from interop.checks import expect, run_checks
from interop.programs import fetch, running_program, wait_for
from interop.service import HOST, Service, free_port, running_service

TENANT: Final = "acme"
_FAILURES: Final = 6
_LETTERS: Final = "CalltallyDeadLetters"
_SIGNATURES: Final = "CalltallySignatureFailures"
_RULED: Final = "CalltallyUnresolved"

_ALERTMANAGER: Final = """\
route:
  receiver: here
  group_by: [tenant]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: here
    webhook_configs:
      - url: http://{host}:{port}/
        send_resolved: true
"""
_PROMETHEUS: Final = """\
global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: [rules.yml]
alerting:
  alertmanagers:
    - static_configs:
        - targets: ["{host}:{alertmanager}"]
scrape_configs:
  - job_name: calltally
    static_configs:
      - targets: ["{host}:{service}"]
"""
_RULES: Final = f"""\
groups:
  - name: calltally
    rules:
      - alert: {_RULED}
        expr: sum by (tenant, kind) (calltally_alert{{state="open"}}) > 0
"""


@dataclass
class Receivers:
    """Addresses of the servers, and the requests of Alertmanager so far."""

    service: Service
    alertmanager: int
    prometheus: int
    took: list[dict[str, Any]]

    @property
    def key(self) -> str:
        """A key that may look after alerts."""
        return self.service.new_key(TENANT, "calls:read", "alerts:write")[1]

    def log(self, name: str) -> Path:
        """Return the output of a program."""
        return self.service.folder / f"{name}.log"

    def known(self, name: str) -> dict[str, Any] | None:
        """An alert as Alertmanager has it active, by its alertname."""
        alerts = fetch(f"http://{HOST}:{self.alertmanager}/api/v2/alerts?active=true")
        return next((each for each in alerts if each["labels"]["alertname"] == name), None)


@contextmanager
def _receiving(took: list[dict[str, Any]]) -> Iterator[int]:
    """Receiver of Alertmanager's groups on a port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            took.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
            """Nothing: who is asked is not what is shown here."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def _alertmanager(service: Service, receiver: int) -> Iterator[int]:
    port, folder = free_port(), service.folder
    config = folder / "alertmanager.yml"
    config.write_text(_ALERTMANAGER.format(host=HOST, port=receiver), encoding="utf-8")
    command = [
        *("prometheus-alertmanager", f"--config.file={config}", f"--storage.path={folder}/alertmanager"),
        *(f"--web.listen-address={HOST}:{port}", "--cluster.listen-address="),
    ]
    log = folder / "alertmanager.log"
    with running_program(command, log):
        wait_for("Alertmanager answers", lambda: fetch(f"http://{HOST}:{port}/api/v2/status"), log)
        yield port


@contextmanager
def _prometheus(service: Service, alertmanager: int) -> Iterator[int]:
    port, folder = free_port(), service.folder
    config = folder / "prometheus.yml"
    text = _PROMETHEUS.format(host=HOST, alertmanager=alertmanager, service=service.port)
    config.write_text(text, encoding="utf-8")
    (folder / "rules.yml").write_text(_RULES, encoding="utf-8")
    command = [
        *("prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/prometheus"),
        f"--web.listen-address={HOST}:{port}",
    ]
    log = folder / "prometheus.log"
    with running_program(command, log):
        wait_for("Prometheus answers", lambda: fetch(f"http://{HOST}:{port}/api/v1/status/buildinfo"), log)
        yield port


def _something_goes_wrong(service: Service) -> None:
    """Callbacks whose signature is wrong, and one that is signed and that nobody can read."""
    token = "a token of nobody's"  # noqa: S105 (made up here)
    service.call("PUT", f"/api/v1/admin/tenants/{TENANT}/providers/twilio", {"auth_token": token})
    url = f"{service.url}/api/v1/ingest/twilio/{TENANT}"
    for _ in range(_FAILURES):
        _post(url, b"CallSid=CA1", "bm90aGluZw==")
    body = b"CallStatus=ringing"
    signed = b64encode(hmac.digest(token.encode(), url.encode() + b"CallStatusringing", "sha1")).decode()
    status = _post(url, body, signed)
    expect("a signed callback without a call", status, 202)


def _post(url: str, body: bytes, signature: str) -> int:
    headers = {"x-twilio-signature": signature, "content-type": "application/x-www-form-urlencoded"}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 (always http and loopback)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def _receives(positions: Receivers) -> str:
    key, service = positions.key, positions.service
    url = f"http://{HOST}:{positions.alertmanager}"
    sink = {"kind": "alertmanager", "name": "ours", "settings": {"url": url}}
    made = service.call("POST", "/api/v1/alert-sinks", sink, key=key)
    tested = service.call("POST", f"/api/v1/alert-sinks/{made['id']}/test", key=key)
    expect("the test of the sink", tested, {"told": True, "fault": None})
    _something_goes_wrong(service)
    wait_for("the failures are counted", lambda: _counted(service), positions.log("alertmanager"))
    service.run("worker", "--once")
    log = positions.log("alertmanager")
    letters = wait_for("the unread callback", lambda: positions.known(_LETTERS), log)
    signatures = wait_for("the wrong signatures", lambda: positions.known(_SIGNATURES), log)
    expect("whose they are", {letters["labels"]["tenant"], signatures["labels"]["tenant"]}, {TENANT})
    return f"{letters['annotations']['summary']} | {signatures['annotations']['summary']}"


def _counted(service: Service) -> bool:
    """A process writes every few seconds what it turned away."""
    with closing(sqlite3.connect(f"file:{service.folder}/calltally.db?mode=ro", uri=True)) as database:
        [(failures,)] = database.execute("SELECT coalesce(sum(failures), 0) FROM signature_failures")
    return bool(failures == _FAILURES)


def _groups(positions: Receivers) -> str:
    def both() -> list[Any] | None:
        groups = fetch(f"http://{HOST}:{positions.alertmanager}/api/v2/alerts/groups")
        return [each for each in groups if {_LETTERS, _SIGNATURES} <= _names(each["alerts"])] or None

    log = positions.log("alertmanager")
    (group,) = wait_for("one group of both", both, log)
    expect("what they are grouped by", group["labels"], {"tenant": TENANT})
    wait_for("its receiver is sent both", lambda: _sent(positions, "firing", _LETTERS, _SIGNATURES), log)
    return f"{len(group['alerts'])} alerts, one notification"


def _names(alerts: list[dict[str, Any]]) -> set[str]:
    return {each["labels"]["alertname"] for each in alerts}


def _sent(positions: Receivers, status: str, *names: str) -> bool:
    return any(
        set(names) <= {each["labels"]["alertname"] for each in sent["alerts"] if each["status"] == status}
        for sent in list(positions.took)
    )


def _scrapes(positions: Receivers) -> str:
    query = f"http://{HOST}:{positions.prometheus}/api/v1/query?query=calltally_alert"

    def value() -> dict[str, str] | None:
        results = fetch(query)["data"]["result"]
        return {each["metric"]["kind"]: each["value"][1] for each in results} or None

    log = positions.log("prometheus")
    expect("the gauge", wait_for("a sample", value, log), {"dead-letters": "1", "signature-failures": "1"})
    wait_for("its own rule fires", lambda: positions.known(_RULED), log)
    return "calltally_alert by tenant and kind; a rule over it reaches Alertmanager"


def _resolves(positions: Receivers) -> str:
    key, service = positions.key, positions.service
    listed = service.call("GET", "/api/v1/alerts?kind=dead-letters&state=open", key=key)["data"]
    service.call("POST", f"/api/v1/alerts/{listed[0]['id']}/resolve", {}, key=key)
    service.run("worker", "--once")
    log = positions.log("alertmanager")
    wait_for("it is active no more", lambda: positions.known(_LETTERS) is None, log)
    wait_for("its receiver hears that", lambda: _sent(positions, "resolved", _LETTERS), log)
    expect("the other one", positions.known(_SIGNATURES) is not None, wanted=True)
    return "the one that ended, and not the other"


def main() -> int:
    """Returns the exit status."""
    settings = {
        "outgoing_allow_http": "true",
        "outgoing_allow_networks": "127.0.0.0/8",
        "embedded_worker": "false",
        "metrics_by_tenant": "true",
    }
    took: list[dict[str, Any]] = []
    with running_service(**settings) as service, _receiving(took) as receiver:
        service.new_tenant(TENANT)
        with _alertmanager(service, receiver) as alertmanager, _prometheus(service, alertmanager) as scraper:
            positions = Receivers(service, alertmanager, scraper, took)
            return run_checks(
                {
                    "Alertmanager receives": lambda: _receives(positions),
                    "Alertmanager groups": lambda: _groups(positions),
                    "Prometheus scrapes": lambda: _scrapes(positions),
                    "Alertmanager resolves": lambda: _resolves(positions),
                }
            )


if __name__ == "__main__":
    sys.exit(main())
