"""Completeness of a window for every tenant, over HTTP."""

from typing import Any

from tests.conftest import NOW_US, TENANT
from tests.integration.store.probing import submit
from tests.integration.web.service import ADMIN, Service, invalid_parameters
from tests.sample_facts import fact

PATH = "/api/v1/admin/status"
WINDOW = "from=2026-09-21&to=2026-09-22"


def read_status(service: Service, query: str = WINDOW) -> dict[str, Any]:
    answer = service.get(f"{PATH}?{query}", ADMIN)
    assert answer.status_code == 200, answer.text
    status: dict[str, Any] = answer.json()
    return status


def test_each_tenant_has_its_reasons(service: Service) -> None:
    bolt = service.bench.add_tenant("bolt")
    submit(service.bench, fact(0, status="completed"))
    submit(service.bench, fact(0, status="ringing"), tenant=bolt)
    service.bench.now_us = NOW_US + 3 * 86_400 * 1_000_000
    status = read_status(service)
    assert status["complete"] is False
    found = {each["tenant"]: each for each in status["data"]}
    assert (found[TENANT]["calls"], found[TENANT]["open"]["calls"]) == (1, 0)
    assert any(reason.startswith("1 call is still open") for reason in found[bolt]["reasons"])
    assert (status["from"], status["to"]) == ("2026-09-21T00:00:00.000000Z", "2026-09-22T00:00:00.000000Z")


def test_the_last_day_is_the_default(service: Service) -> None:
    status = service.get(PATH, ADMIN).json()
    assert [each["tenant"] for each in status["data"]] == [TENANT]


def test_only_an_administrator_reads_it(service: Service) -> None:
    assert service.get(PATH).status_code == 403
    assert invalid_parameters(service.get(f"{PATH}?from=2026-01-01&to=2026-09-01", ADMIN)) == ["from"]
