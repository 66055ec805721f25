"""Preferences of the list in a browser, and its assets."""

import re
from html import unescape

import pytest

from calltally.calls.events import StatedFields
from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.dashboard.test_routes import DONE, rows
from tests.integration.web.service import Service

FAILED: StatedFields = {**DONE, "status": "failed"}


@pytest.fixture
def browser(service: Service) -> Browser:
    browser = Browser(service)
    service.report("CA1", DONE)
    browser.sign_in()
    browser.get("/calls")
    return browser


def test_columns_are_chosen_once(browser: Browser) -> None:
    assert "CA1" not in browser.get("/calls").text
    answer = browser.post("/calls-columns", column="call_sid", next="/calls?limit=50")
    assert (answer.status_code, answer.headers["location"]) == (303, "/calls?limit=50")
    page = browser.get("/calls").text
    assert '<code title="CA1">CA1</code>' in page
    assert "confirmed" not in page
    browser.post("/calls-columns")
    assert "confirmed" in browser.get("/calls").text


def test_an_erased_call_keeps_its_line_in_any_columns(browser: Browser) -> None:
    snapshot = re.search(r'name="snapshot" value="([^"]+)"', browser.get("/calls").text)
    assert snapshot
    path = "/api/v1/call-logs/CA1?tenant=acme"
    assert browser.service.get(path, {"x-admin-key": "let-me-in"}, "DELETE").status_code == 204
    page = browser.get(f"/calls?snapshot={snapshot[1]}").text
    assert 'class="call erased"' in page
    assert "confirmed" not in page


def test_view_is_saved_and_removed(browser: Browser) -> None:
    kept = browser.post("/calls-views", name="Busy ones", query="status=busy", next="/calls?status=busy")
    assert kept.headers["location"] == "/calls?status=busy"
    assert '<a href="/calls?status=busy">Busy ones</a>' in browser.get("/calls").text
    browser.post("/calls-views", remove="Busy ones")
    assert "Busy ones" not in browser.get("/calls").text


def test_view_without_a_name_is_refused(browser: Browser) -> None:
    assert browser.post("/calls-views", name=" ", query="").status_code == 400


@pytest.mark.parametrize("path", ["/calls-views", "/calls-columns"])
def test_forms_of_the_list_need_the_sessions_token(browser: Browser, path: str) -> None:
    browser.csrf = "guessed"
    assert browser.post(path, name="x", column="agent").status_code == 403


def test_typed_window_becomes_a_url_in_utc(browser: Browser) -> None:
    browser.post("/preferences", zone="Asia/Tokyo", theme="dark")
    answer = browser.get("/calls?from_local=2026-10-01T09:00&to_local=&status=failed&route=")
    assert answer.headers["location"] == "/calls?from=2026-10-01T00%3A00%3A00Z&status=failed"


def test_list_polls_with_its_etag(browser: Browser) -> None:
    found = re.search(r'data-poll="([^"]+)" data-total="1"', browser.get("/calls?route=support").text)
    assert found
    poll = unescape(found[1])
    first = browser.get(poll)
    assert first.json()["total"] == 1
    browser.service.report("CA2", DONE)
    assert browser.get(poll).json()["total"] == 2
    assert len(rows(browser.get("/calls?route=support"))) == 2


def test_assets_are_cached_under_versioned_urls(browser: Browser) -> None:
    found = re.search(r'href="(/assets/dashboard.css\?\w+)"', browser.get("/calls").text)
    assert found
    kept = browser.get(found[1])
    assert kept.headers.get_list("cache-control") == ["public, max-age=31536000, immutable"]
    assert browser.get("/assets/dashboard.css?old").headers["cache-control"] == "private, no-cache"
    assert browser.get("/calls").headers["cache-control"] == "private, no-cache"
