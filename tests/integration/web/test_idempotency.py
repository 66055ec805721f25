"""Requests that create something and are repeated with their Idempotency-Key."""

import json
import signal
import subprocess
import sys
from typing import Any

import pytest

from calltally.calls.errors import Unavailable
from calltally.calls.times import DAY_US
from calltally.store.tenants.kept_answers import claim_answer
from calltally.store.tenants.vault import Vault
from calltally.web.api.webhooks import handlers
from calltally.web.app import HANDLERS
from calltally.web.openapi.document import operation_of
from tests.conftest import TENANT
from tests.integration.store.probing import direct
from tests.integration.web.service import ADMIN, Service, invalid_parameters, slug

KEY = {"idempotency-key": "first-1"}
ENDPOINTS = "/api/v1/webhook-endpoints"
SINKS = "/api/v1/alert-sinks"
KEYS = f"/api/v1/admin/tenants/{TENANT}/api-keys"
URL = "https://hooks.example.com/calltally"
CREATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "endpoint": (ENDPOINTS, {"url": URL}),
    "sink": (SINKS, {"kind": "webhook", "name": "ours", "settings": {"url": URL}}),
    "key": (KEYS, {"name": "reader", "scopes": ["calls:read"]}),
}

# Serves one request from the same database, and dies where the answer would be kept.
KILLED = f"""
import asyncio, json, os, signal, sys
from calltally.store.backends.open import open_store
from calltally.web.request import idempotency
from tests.conftest import NOW_US
from tests.integration.web.service import Service

class Opened:
    now_us = NOW_US

    def __init__(self, runner):
        self.run = runner.run
        self.store = self.run(self.open())

    async def open(self):
        return open_store(sys.argv[1], lambda: NOW_US)

def killed(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)

with asyncio.Runner() as runner:
    service = Service(Opened(runner))
    idempotency.keep_answer = killed
    service.send({ENDPOINTS!r}, {{"url": {URL!r}}}, json.loads(sys.argv[2]))
"""


@pytest.fixture
def writer(service: Service) -> dict[str, str]:
    return service.new_key("calls:read", "webhooks:write", "alerts:write")


def headers(path: str, writer: dict[str, str]) -> dict[str, str]:
    return {**(ADMIN if "/admin/" in path else writer), **KEY}


@pytest.mark.parametrize("name", CREATIONS)
def test_repeat_gets_the_first_answer_and_creates_nothing(
    service: Service, writer: dict[str, str], name: str
) -> None:
    path, body = CREATIONS[name]
    first = service.send(path, body, headers(path, writer))
    assert first.status_code == 201
    repeated = service.send(path, body, headers(path, writer))
    assert (repeated.status_code, repeated.json()) == (201, first.json())
    assert repeated.headers.get("location") == first.headers.get("location")
    listed = service.get(path, headers(path, writer)).json()["data"]
    assert [each["id"] for each in listed].count(first.json()["id"]) == 1
    other = service.send(path, body, {**headers(path, writer), "idempotency-key": "second-1"})
    assert other.json()["id"] != first.json()["id"]


def test_key_with_another_body_is_a_conflict(service: Service, writer: dict[str, str]) -> None:
    assert service.send(ENDPOINTS, {"url": URL}, {**writer, **KEY}).status_code == 201
    refused = service.send(ENDPOINTS, {"url": URL + "/other"}, {**writer, **KEY})
    assert (refused.status_code, slug(refused)) == (409, "conflict")
    assert "another request" in refused.json()["detail"]


def test_failed_request_can_be_repeated_with_its_key(service: Service, writer: dict[str, str]) -> None:
    assert service.send(ENDPOINTS, {"url": "nowhere"}, {**writer, **KEY}).status_code == 400
    assert service.send(ENDPOINTS, {"url": URL}, {**writer, **KEY}).status_code == 201


def test_key_of_a_request_that_may_have_committed_creates_no_second_object(
    service: Service, writer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    created = handlers.new_endpoint

    async def commit_and_fail(*arguments: Any) -> Any:  # noqa: ANN401 (the handler's own)
        await created(*arguments)
        raise Unavailable("the connection was lost")

    monkeypatch.setattr(handlers, "new_endpoint", commit_and_fail)
    assert service.send(ENDPOINTS, {"url": URL}, {**writer, **KEY}).status_code == 503
    monkeypatch.undo()
    repeated = service.send(ENDPOINTS, {"url": URL}, {**writer, **KEY})
    assert (repeated.status_code, "list the objects" in repeated.json()["detail"]) == (409, True)
    assert len(service.get(ENDPOINTS, writer).json()["data"]) == 1


def test_kill_between_the_object_and_its_answer_creates_no_second_object(
    service: Service, writer: dict[str, str]
) -> None:
    """The child process commits the endpoint and kills itself before it keeps the answer."""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, service.bench.url, json.dumps({**writer, **KEY})],
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    [created] = service.get(ENDPOINTS, writer).json()["data"]
    assert created["url"] == URL
    repeated = service.send(ENDPOINTS, {"url": URL}, {**writer, **KEY})
    assert (repeated.status_code, "list the objects" in repeated.json()["detail"]) == (409, True)
    assert [each["id"] for each in service.get(ENDPOINTS, writer).json()["data"]] == [created["id"]]


def test_key_is_of_one_caller_and_one_operation(service: Service, writer: dict[str, str]) -> None:
    other = service.new_key("calls:read", "webhooks:write")
    answers = [service.send(ENDPOINTS, {"url": URL}, {**key, **KEY}) for key in (writer, other)]
    path, body = CREATIONS["sink"]
    assert service.send(path, body, {**writer, **KEY}).status_code == 201
    assert len({answer.json()["id"] for answer in answers}) == 2


def test_key_is_forgotten_after_a_day(service: Service, writer: dict[str, str]) -> None:
    first = service.send(ENDPOINTS, {"url": URL}, {**writer, **KEY}).json()
    service.bench.now_us += DAY_US + 1
    assert service.send(ENDPOINTS, {"url": URL}, {**writer, **KEY}).json()["id"] != first["id"]


def test_secret_of_a_kept_answer_is_encrypted(service: Service, writer: dict[str, str]) -> None:
    secret = service.send(ENDPOINTS, {"url": URL}, {**writer, **KEY}).json()["secret"]
    with direct(service.bench.url) as db:
        rows = db("SELECT answer FROM kept_answers")
    assert len(rows) == 1
    assert secret.encode() not in bytes(rows[0][0])
    object.__setattr__(service.deps, "vault", Vault(bytes([1]) * 32))
    lost = service.send(ENDPOINTS, {"url": URL}, {**writer, **KEY})
    assert (lost.status_code, "cannot be decrypted" in lost.json()["detail"]) == (409, True)


def test_unfinished_first_request_is_a_conflict(service: Service) -> None:
    name = b"n" * 32
    claim = claim_answer(TENANT, name, service.bench.now_us)
    assert service.bench.run(service.bench.store.write(claim)) is None
    found = service.bench.run(service.bench.store.write(claim_answer(TENANT, name, service.bench.now_us)))
    assert found == (None, None)


def test_invalid_key_is_refused(service: Service, writer: dict[str, str]) -> None:
    refused = service.send(ENDPOINTS, {"url": URL}, {**writer, "idempotency-key": "two words"})
    assert invalid_parameters(refused) == ["Idempotency-Key"]


def test_operations_that_create_take_a_key() -> None:
    taking = {operation_of(each).id for each in HANDLERS if operation_of(each).takes_idempotency_key}
    assert taking == {
        *("addWebhookEndpoint", "rotateWebhookSecret", "addAlertSink", "startReconciliation"),
        *("addTenant", "addKey"),
    }
