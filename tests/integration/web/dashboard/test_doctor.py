"""The examination in the admin API and on its page."""

import pytest

from calltally.bootstrap.examination import examine_installation
from calltally.doctor.checks import CHECKS, Examination
from tests.conftest import NOW_US, TENANT
from tests.integration.doctor.test_gathering import close_files, settings_of
from tests.integration.store.probing import direct
from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.service import ADMIN, Service


@pytest.fixture
def examining(service: Service) -> Service:
    """A service that examines its own store."""
    close_files(service.bench)

    async def examine() -> Examination:
        return await examine_installation(settings_of(service.bench), service.bench.store, NOW_US)

    service.deps.__dict__["examine"] = examine
    return service


def test_the_api_gives_the_examination_to_the_admin_key(examining: Service) -> None:
    answer = examining.get("/api/v1/admin/doctor", ADMIN)
    assert answer.status_code == 200
    assert {each["check"] for each in answer.json()["findings"]} <= {"clock"}
    assert set(answer.json()["passed"]) >= set(CHECKS) - {"clock"}
    assert examining.get("/api/v1/admin/doctor").status_code == 403


def test_the_page_is_for_administrators(examining: Service) -> None:
    with direct(examining.bench.url) as db:
        db("DROP INDEX calls_to")
    browser = Browser(examining)
    browser.sign_in()
    assert browser.get("/doctor").status_code == 403
    assert "/doctor" not in browser.get("/settings").text
    admin = Browser(examining)
    admin.sign_in(ADMIN["x-admin-key"], tenant=TENANT)
    assert '<a href="/doctor">Installation</a>' in admin.get("/settings").text
    page = admin.get("/doctor").text
    assert "The index calls_to is missing or not valid." in page
    assert "Without findings: schema, secrets" in page
    assert "No findings." not in page
