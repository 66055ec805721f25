"""Probes, metrics and documents."""

import re
from typing import Any

import pytest
from structlog.testing import capture_logs

from calltally.calls.errors import Misconfigured, Unavailable
from calltally.calls.times import SECOND_US
from calltally.store.db.operation import StoreOperation
from calltally.store.maintenance.worker_presence import report_worker
from calltally.store.tenants.vault import Vault, put_provider_secrets
from calltally.web.metrics.definitions import DEFINITIONS
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import direct
from tests.integration.web.service import LIST, Broken, Service, slug


def test_live_process_is_healthy(service: Service) -> None:
    answer = service.get("/healthz", {})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_migrated_store_is_ready(service: Service) -> None:
    assert service.get("/readyz", {}).json() == {"status": "ok"}


def test_a_missing_worker_is_a_detail_of_a_ready_service(service: Service) -> None:
    service.bench.now_us += 660 * SECOND_US
    answer = service.get("/readyz", {})
    assert answer.status_code == 200
    [detail] = answer.json()["details"]
    assert detail.startswith("No background worker has reported yet, and work waits: alerts of ")
    metrics = service.get("/metrics", {}).text.splitlines()
    assert "calltally_worker_report_timestamp_seconds 0.0" in metrics
    assert 'calltally_waiting_work{work="jobs"} 0.0' in metrics
    service.bench.run(service.bench.store.write(report_worker("one", service.bench.now_us)))
    assert service.get("/readyz", {}).json() == {"status": "ok"}
    [reported] = [
        line
        for line in service.get("/metrics", {}).text.splitlines()
        if line.startswith("calltally_worker_report_timestamp_seconds ")
    ]
    assert float(reported.split()[1]) == service.bench.now_us / SECOND_US


@pytest.mark.parametrize(
    "error", [Unavailable("away"), OSError("the disk is gone"), Misconfigured("old schema")]
)
def test_failing_store_is_not_ready(bench: Bench, error: Exception) -> None:
    service = Service(bench, store=Broken(error))
    with capture_logs() as logs:
        answer = service.get("/readyz", {})
    assert (answer.status_code, slug(answer)) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    assert [log["event"] for log in logs] == ["not ready", "request failed"]


def test_service_with_undecryptable_secrets_is_not_ready(bench: Bench) -> None:
    service = Service(bench)
    for key, status in ((b"o" * 32, 503), (bytes(32), 200)):
        sealed = Vault(key).seal(TENANT, "twilio", {"auth_token": "x"})
        bench.run(bench.store.write(put_provider_secrets(TENANT, "twilio", sealed, NOW_US)))
        assert service.get("/readyz", {}).status_code == status


def _away() -> StoreOperation[None]:
    """Fail like a database that cannot be written."""
    raise Unavailable("away")
    yield


def test_store_that_cannot_commit_is_not_ready(service: Service) -> None:
    bench = service.bench
    with pytest.raises(Unavailable):
        bench.run(bench.store.write(_away()))
    assert service.get("/readyz", {}).status_code == 200
    bench.now_us += 5 * SECOND_US
    with direct(bench.url) as db:
        db("ALTER TABLE schema_support RENAME TO away")
        answer = service.get("/readyz", {})
        assert (answer.status_code, slug(answer)) == (503, "unavailable")
        assert "no write was committed" in answer.json()["detail"]
        db("ALTER TABLE away RENAME TO schema_support")
    # There are no other writes: the probe detects the failure itself.
    assert service.get("/readyz", {}).status_code == 200
    assert bench.store.stalled_s == 0


def test_metrics_count_by_route_and_never_by_path(service: Service) -> None:
    service.get(f"{LIST}/CA1")
    service.get(f"{LIST}/CA2", method="HEAD")
    service.get("/nowhere")
    answer = service.get("/metrics", {})
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in (
        'calltally_http_requests_total{method="GET",route="/api/v1/call-logs/{id}",status="404"} 1.0',
        'calltally_http_requests_total{method="HEAD",route="/api/v1/call-logs/{id}",status="404"} 1.0',
        'calltally_http_requests_total{method="GET",route="(none)",status="404"} 1.0',
        "calltally_writer_queue 0.0",
    ):
        assert line in answer.text.splitlines()
    assert "CA1" not in answer.text
    assert "nowhere" not in answer.text


def test_the_document_is_served(service: Service) -> None:
    document: dict[str, Any] = service.get("/openapi.json", {}).json()
    assert document["openapi"] == "3.1.0"
    assert LIST in document["paths"]


@pytest.mark.parametrize("path", ["/sign-in", "/docs", "/docs/problems"])
def test_pages_have_a_strict_content_security_policy(service: Service, path: str) -> None:
    answer = service.get(path, {"accept": "text/html"})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.text.startswith("<!doctype html>")
    assert service.get("/docs/style.css").headers["content-type"].startswith("text/css")


@pytest.mark.parametrize(
    ("name", "media_type"), [("swagger-ui-bundle.js", "text/javascript"), ("swagger-ui.css", "text/css")]
)
def test_reference_is_served_or_explains_how_to_build_it(
    service: Service, monkeypatch: pytest.MonkeyPatch, name: str, media_type: str
) -> None:
    monkeypatch.setattr("calltally.web.dashboard.routes.built_file", lambda _name: None)
    monkeypatch.setattr("calltally.web.dashboard.rendering.built_file", lambda _name: None)
    assert "make setup" in service.get("/docs", {"accept": "text/html"}).text
    refused = service.get(f"/assets/{name}")
    assert (refused.status_code, "make setup" in refused.text) == (404, True)
    monkeypatch.setattr("calltally.web.dashboard.routes.built_file", lambda _name: b"library")
    monkeypatch.setattr("calltally.web.dashboard.rendering.built_file", lambda _name: b"library")
    page = service.get("/docs", {"accept": "text/html"})
    path = re.search(rf'"(/assets/{re.escape(name)}[?][0-9a-f]+)"', page.text)
    assert path
    served = service.get(path[1])
    assert (served.status_code, served.text) == (200, "library")
    assert served.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert "immutable" in served.headers["cache-control"]


def test_reference_policy_forbids_inline_scripts(service: Service) -> None:
    policy = service.get("/docs", {"accept": "text/html"}).headers["content-security-policy"]
    assert "script-src 'self'; " in policy
    assert "style-src 'self'; " in policy
    assert "unsafe" not in policy


def test_every_gauge_is_in_a_scrape(service: Service) -> None:
    """Rules compare gauges with 0, so that they have to exist before something waits."""
    service.get(LIST)
    text = service.get("/metrics", {}).text
    absent = {each.name for each in DEFINITIONS if each.kind == "gauge" and f"\n{each.name}" not in text}
    # PostgreSQL has no files here.
    assert absent <= {"calltally_database_file_bytes"}
    assert 'calltally_cache_lookups_total{cache="keys",outcome="miss"} 1.0' in text
    assert 'calltally_oldest_job_seconds{kind="export"} 0.0' in text
