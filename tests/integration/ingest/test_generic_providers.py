"""Tenant's own providers through the application: stored by the admin API, parsed, replayed."""

import json

from calltally.calls.times import SECOND_US
from calltally.ingest.callbacks import SecretCache
from calltally.ingest.replay import DeadLetterReplay
from calltally.providers.registry import PROVIDERS
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.ingest.service import Service

MAPPING = """
provider = "acme"
[verify]
scheme = "bearer"
[fields]
call_sid = "ref"
status = "state"
[words.status]
up = "in-progress"
"""
PATH = "/api/v1/ingest/generic-acme/acme"


def put(service: Service, mapping: str, name: str = "generic-acme", key: str = "s3") -> int:
    # The service allows one request per key and minute.
    service.bench.now_us += 61 * SECOND_US
    path = f"/api/v1/admin/tenants/{TENANT}/providers/{name}"
    body = json.dumps({"mapping": mapping, "secret": key}).encode()
    headers = {"x-admin-key": "let-me-in", "content-type": "application/json"}
    return service.request("PUT", path, body, headers).status_code


def test_tenant_can_have_two_mappings(bench: Bench) -> None:
    service = Service(bench)
    assert put(service, MAPPING) == 204
    assert put(service, MAPPING.replace("ref", "id").replace("acme", "other"), "generic-other", "s4") == 204
    displayed = {"authorization": "Bearer s3"}
    assert service.request("POST", PATH, b'{"ref": "1", "state": "up"}', displayed).status_code == 200
    other = PATH.replace("generic-acme", "generic-other")
    assert service.request("POST", other, b'{"id": "2", "state": "up"}', displayed).status_code == 403
    answer = service.request("POST", other, b'{"id": "2", "state": "up"}', {"authorization": "Bearer s4"})
    assert answer.status_code == 200
    listed = service.request("GET", "/api/v1/call-logs", headers=service.bearer("calls:read")).json()["data"]
    assert {call["call_sid"]: call["provider"] for call in listed} == {"1": "acme", "2": "other"}


def test_invalid_mapping_is_refused_with_its_line(bench: Bench) -> None:
    service = Service(bench)
    path = f"/api/v1/admin/tenants/{TENANT}/providers/generic-acme"
    body = json.dumps({"mapping": MAPPING.replace('"in-progress"', '"flying"'), "secret": "s3"}).encode()
    headers = {"x-admin-key": "let-me-in", "content-type": "application/json"}
    answer = service.request("PUT", path, body, headers)
    assert answer.status_code == 400
    assert "line 9: words.status.up: is 'flying'" in answer.json()["detail"]


def test_invalid_provider_name_is_unknown(bench: Bench) -> None:
    service = Service(bench)
    for name in ("generic-", "generic-A", "generic--x", "generic-" + "x" * 80):
        assert service.request("POST", f"/api/v1/ingest/{name}/acme", b"{}", {}).status_code == 404
    assert service.request("POST", "/api/v1/ingest/generic-nobody/acme", b"{}", {}).status_code == 403


def test_dead_letters_are_parsed_with_the_current_mapping(bench: Bench) -> None:
    service = Service(bench)
    put(service, MAPPING)
    answer = service.request(
        "POST", PATH, b'{"ref": "1", "state": "humming"}', {"authorization": "Bearer s3"}
    )
    assert answer.status_code == 202
    assert "add the word there" in answer.json()["outcomes"][0]["reason"]
    put(service, MAPPING + 'humming = "ringing"\n')
    secrets = SecretCache(bench.store, service.vault, lambda: NOW_US)
    replay = DeadLetterReplay(bench.store, PROVIDERS, clock=lambda: NOW_US, secrets=secrets)
    report = bench.run(replay.run(TENANT))
    assert (report.understood, report.still_dead) == (1, 0)
    listed = service.request("GET", "/api/v1/call-logs", headers=service.bearer("calls:read")).json()["data"]
    assert [call["status"] for call in listed] == ["ringing"]
