"""The pages of exports and reconciliations, over a real store and real workers."""

import re
from html import unescape
from pathlib import Path

import pytest

from calltally.reconcile.findings import FindingKind, kind_title
from tests.conftest import TENANT, Bench
from tests.integration.exports.exporting import Desk as ExportDesk
from tests.integration.reconciliations.reconciling import WINDOW
from tests.integration.reconciliations.reconciling import Desk as ReconciliationDesk
from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.service import ADMIN, Service
from tests.provider_month import month
from tests.twilio_api import ACCOUNT, TOKEN, TwilioApi, served


def signed_in(service: Service, *scopes: str) -> Browser:
    browser = Browser(service)
    browser.sign_in(service.new_key("calls:read", *scopes)["authorization"].removeprefix("Bearer "))
    browser.get("/calls")
    return browser


@pytest.fixture
def desk(bench: Bench, tmp_path: Path) -> ExportDesk:
    """Return a service with a worker for exports."""
    return ExportDesk(bench, tmp_path / "files")


def page(browser: Browser, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def test_export_is_requested_completed_and_downloaded(desk: ExportDesk) -> None:
    desk.record(5, route="sales")
    desk.record(2, route="support")
    browser = signed_in(desk.service, "exports:write")
    answer = browser.post("/exports", format="csv", name="All of it", route="", from_local="2026-09-01T00:00")
    assert answer.status_code == 303, answer.text
    path = answer.headers["location"]
    waiting = page(browser, path)
    assert ("queued" in waiting, "jobs.js" in waiting, ">Cancel<" in waiting) == (True, True, True)
    desk.work()
    done = page(browser, path)
    assert ("complete" in done, "jobs.js" in done, "All of it" in done) == (True, False, True)
    [file] = re.findall(rf'<a href="({path}/files/[^"]+)" download>', done)
    reported = browser.get(file)
    assert reported.headers["content-type"].startswith("text/csv")
    assert reported.text.count("\n") == 1 + 5
    assert browser.get(f"{path}/manifest.json").json()["complete"] is True
    [calls] = re.findall(r'<a class="button" href="(/calls\?[^"]+)">The same calls', done)
    assert page(browser, calls).count('class="call') >= 5
    listed = page(browser, "/exports")
    assert ("All of it" in listed, "5 calls" in listed, "1 in total" in listed) == (True, True, True)


def test_export_is_canceled_and_files_are_deleted(desk: ExportDesk) -> None:
    desk.record(3)
    browser = signed_in(desk.service, "exports:write")
    first, second = (browser.post("/exports", format="ndjson").headers["location"] for _ in range(2))
    browser.post(f"{first}/cancel", next=first)
    desk.work()
    assert "canceled" in page(browser, first)
    browser.post(f"{second}/cancel", next=second)
    assert "expired" in page(browser, second)


def test_the_form_is_filled_by_the_filters_of_a_link(desk: ExportDesk) -> None:
    browser = signed_in(desk.service, "exports:write")
    query = (
        "status=failed&route=sales&number=%2B14155550100&escalated=true&from=2026-09-21T10:00:00Z&format=csv"
    )
    displayed = page(browser, f"/exports?{query}")
    assert 'name="number" value="+14155550100"' in displayed
    assert 'name="from_local" value="2026-09-21T10:00"' in displayed
    assert "<option selected>failed</option>" in displayed
    answer = browser.post("/exports", number="+14155550100", escalated="true", status="failed", format="csv")
    assert "+14155550100" in page(browser, answer.headers["location"])


def test_refused_export_form_comes_back_with_its_values_and_the_fault(desk: ExportDesk) -> None:
    browser = signed_in(desk.service, "exports:write")
    browser.get("/exports")
    window = {"from_local": "2026-09-22T10:00", "to_local": "2026-09-21T10:00"}
    typed = {"route": "sales", "name": "Sales", "number": "+14155550100", **window}
    refused = browser.post("/exports", None, format="csv", **typed)
    text = unescape(refused.text)
    assert (refused.status_code, "from" in text.partition('role="alert">')[2][:80]) == (400, True)
    for name, value in typed.items():
        assert f'name="{name}" value="{value}"' in text
    assert "<option selected>csv</option>" in text
    assert browser.post("/exports", format="docx").status_code == 400


def test_refused_reconciliation_form_comes_back_with_its_values(desk: ExportDesk) -> None:
    store_secrets(desk.service, auth_token=TOKEN, account_sid=ACCOUNT)
    browser = signed_in(desk.service, "exports:write")
    browser.get("/reconciliations")
    typed = {"from_local": "2026-09-22T10:00", "to_local": "2026-09-21T10:00"}
    refused = browser.post("/reconciliations", None, provider="twilio", **typed)
    text = unescape(refused.text)
    assert (refused.status_code, 'role="alert"' in text, "<option selected>twilio</option>" in text) == (
        400,
        True,
        True,
    )
    for name, value in typed.items():
        assert f'name="{name}" value="{value}"' in text


def store_secrets(service: Service, **secrets: str) -> None:
    path = f"/api/v1/admin/tenants/{TENANT}/providers/twilio"
    answer = service.send(path, secrets, ADMIN, method="PUT")
    assert answer.status_code == 204, answer.text


def test_only_providers_whose_calls_can_be_listed_are_offered(desk: ExportDesk) -> None:
    browser = signed_in(desk.service, "exports:write")
    assert "Nothing to compare with yet" in page(browser, "/reconciliations")
    # Verifies callbacks; a list of calls needs the account too.
    store_secrets(desk.service, auth_token=TOKEN)
    displayed = page(browser, "/reconciliations")
    assert "Nothing to compare with yet" in displayed
    assert 'name="provider"' not in displayed
    assert "An administrator stores them in the settings." in displayed
    store_secrets(desk.service, auth_token=TOKEN, account_sid=ACCOUNT)
    displayed = page(browser, "/reconciliations")
    [offered] = re.findall(r'<select name="provider">(.*?)</select>', displayed)
    assert offered == "<option>twilio</option>"
    assert re.search(r"Not offered, since the secrets[^<]*: elevenlabs, jambonz, [^<]*vonage\.", displayed)


def test_export_needs_its_scope(desk: ExportDesk) -> None:
    browser = signed_in(desk.service)
    displayed = page(browser, "/exports")
    assert "A new export" not in displayed
    assert "To start an export, your key needs the scope exports:write. It has calls:read." in displayed
    lacks = "To start a comparison, your key needs the scope exports:write."
    assert lacks in page(browser, "/reconciliations")
    assert browser.post("/exports", format="csv").status_code == 403
    assert browser.get("/exports/0ef25721-2dd6-8ff5-9d50-25a73830586a").status_code == 404


def test_a_long_list_of_exports_has_pages(desk: ExportDesk) -> None:
    for _ in range(3):
        desk.done(format="csv")
    browser = signed_in(desk.service)
    first = page(browser, "/exports?limit=2")
    [after] = re.findall(r'<a href="([^"]+)" rel="next"', first)
    assert 'rel="prev"' in page(browser, after)


def test_without_a_folder_the_pages_name_the_setting(bench: Bench) -> None:
    browser = signed_in(Service(bench), "exports:write")
    assert "CALLTALLY_FILES_FOLDER" in page(browser, "/exports")
    assert "CALLTALLY_FILES_FOLDER" in page(browser, "/reconciliations")
    assert browser.post("/exports", format="csv").status_code in {409, 503, 501}


def test_reconciliation_findings_link_to_calls(bench: Bench, tmp_path: Path) -> None:
    with served(TwilioApi()) as api:
        desk = ReconciliationDesk(bench, tmp_path / "files", api)
        desk.sign_in()
        made = month(200)
        desk.record(made.facts)
        desk.api.calls = {call["sid"]: call for call in made.listed}
        browser = signed_in(desk.service, "exports:write", "events:write")
        window = {f"{name}_local": value[:16] for name, value in WINDOW.items()}
        answer = browser.post("/reconciliations", headers=None, provider="twilio", **window)
        assert answer.status_code == 303, answer.text
        path = answer.headers["location"]
        assert "queued" in page(browser, path)
        desk.work()
        done = page(browser, path)
        assert f"{len(made.labels)} findings" in " ".join(done.split())
        assert all(kind_title(FindingKind(kind)) in done for kind in made.labels.values())
        assert len(re.findall(r'<a href="/calls/[^"]+"><code', done)) == len(made.labels)
        assert "Delete files" in done
        [file] = re.findall(rf'<a href="({path}/findings[^"]+)" download>', done)
        assert browser.get(file).text.count("\n") >= 1
        assert "twilio" in page(browser, "/reconciliations")
        browser.post(f"{path}/cancel", next=path)
        assert "expired" in page(browser, path)


def test_invalid_reconciliation_is_refused(bench: Bench, tmp_path: Path) -> None:
    with served(TwilioApi()) as api:
        desk = ReconciliationDesk(bench, tmp_path / "files", api)
        desk.sign_in()
        browser = signed_in(desk.service, "exports:write")
        assert "Record the provider's data" not in page(browser, "/reconciliations")
        window = {f"{name}_local": value[:16] for name, value in WINDOW.items()}
        assert (
            browser.post("/reconciliations", headers=None, provider="twilio", heal="on", **window).status_code
            == 403
        )
        assert browser.post("/reconciliations", headers=None, provider="nobody", **window).status_code == 400
        assert browser.post("/reconciliations", provider="twilio").status_code == 400
        assert signed_in(desk.service).post("/reconciliations", provider="twilio").status_code == 403
        assert browser.get("/reconciliations/0ef25721-2dd6-8ff5-9d50-25a73830586a").status_code == 404
