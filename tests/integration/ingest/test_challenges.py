"""Handshakes that precede the first event of a webhook, through the whole application."""

import hmac
import json
from typing import Final

import pytest

from calltally.store.tenants.vault import put_provider_secrets
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.ingest.service import Service

PATH: Final = f"/api/v1/ingest/generic-phone/{TENANT}"
SECRET: Final = "s" * 40
HEAD: Final = 'provider = "phone"\n[fields]\ncall_sid = "id"\n[verify]\n'
RINGCENTRAL: Final = 'scheme = "bearer"\nheader = "verification-token"\nchallenge = "ringcentral"\n'
ZOOM: Final = (
    'scheme = "hmac"\nheader = "x-zm-signature"\nprefix = "v0="\nsigned = "v0:{timestamp}:{body}"\n'
    'timestamp = "x-zm-request-timestamp"\nchallenge = "zoom"\n'
)


@pytest.fixture
def service(bench: Bench) -> Service:
    return Service(bench)


def store(service: Service, bench: Bench, rules: str) -> None:
    sealed = service.vault.seal(TENANT, "generic-phone", {"mapping": HEAD + rules, "secret": SECRET})
    bench.run(bench.store.write(put_provider_secrets(TENANT, "generic-phone", sealed, NOW_US)))


def test_ringcentral_gets_its_header_back(service: Service, bench: Bench) -> None:
    store(service, bench, RINGCENTRAL)
    answer = service.request("POST", PATH, b"", {"validation-token": "a1b2-c3"})
    assert (answer.status_code, answer.headers["validation-token"], answer.content) == (200, "a1b2-c3", b"")
    event = service.request("POST", PATH, b'{"id": "c-1"}', {"verification-token": SECRET})
    assert event.json()["outcomes"][0]["outcome"] == "applied"
    assert service.request("POST", PATH, b'{"id": "c-1"}', {"validation-token": "a1b2"}).status_code == 403


def test_zoom_gets_the_hmac_of_its_token(service: Service, bench: Bench) -> None:
    store(service, bench, ZOOM)
    body = b'{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}'
    stamp = str(bench.now_us // 1_000_000)
    signature = hmac.new(SECRET.encode(), f"v0:{stamp}:".encode() + body, "sha256").hexdigest()
    headers = {"x-zm-signature": f"v0={signature}", "x-zm-request-timestamp": stamp}
    answer = service.request("POST", PATH, body, headers)
    encrypted = hmac.new(SECRET.encode(), b"abc", "sha256").hexdigest()
    assert answer.status_code == 200
    assert json.loads(answer.content) == {"plainToken": "abc", "encryptedToken": encrypted}
    assert service.request("POST", PATH, body, {**headers, "x-zm-signature": "v0=00"}).status_code == 403


def test_without_a_mapping_nothing_is_answered(service: Service) -> None:
    answer = service.request("POST", PATH, b"", {"validation-token": "a1b2-c3"})
    assert answer.status_code == 403
    assert "validation-token" not in answer.headers
