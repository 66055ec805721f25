"""List pages without a total, and the count of the total."""

import re
from html import unescape
from itertools import pairwise
from typing import Any

import pytest

from calltally.calls.events import StatedFields
from calltally.store.listing import scan, total_bound
from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.dashboard.test_routes import links, rows
from tests.integration.web.service import Answer

NUMBER = "+14155550100"
DONE: StatedFields = {
    "status": "completed",
    "direction": "outbound",
    "to_number": NUMBER,
    "summary": "It was booked.",
}
CALLS = 9
LISTS = ("number=%2B14155550100", "q=booked", "number=%2B14155550100&q=booked", "escalated=false&route=")


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the limits, so that nine calls are more than a page counts."""
    monkeypatch.setattr(total_bound, "MAX_COUNTED", 4)
    for name, most in {"_INSPECTED": 6, "_FEW": 1}.items():
        monkeypatch.setattr(scan, name, most)


@pytest.fixture
def browser(browser: Browser) -> Browser:
    for number in range(CALLS):
        browser.service.bench.now_us += 1_000_000
        browser.service.report(f"CA{number}", DONE)
    browser.sign_in()
    return browser


def counted(page: Answer) -> Any:  # noqa: ANN401 (JSON)
    found = re.search(r'data-count="([^"]+)"', page.text)
    assert found
    return found[1]


@pytest.mark.parametrize("requested", LISTS)
def test_page_has_a_lower_bound_and_links(browser: Browser, requested: str) -> None:
    page = browser.get(f"/calls?{requested}&limit=2")
    assert re.search(r"<strong>More than \d calls</strong>", page.text)
    assert 'rel="last"' not in page.text
    pages, all_rows = [page], rows(page)
    while 'rel="next"' in page.text:
        browser.service.report(f"CB{len(all_rows)}", DONE)
        page = browser.get(links(page, "next"))
        pages.append(page)
        all_rows += rows(page)
    assert len(all_rows) == len(set(all_rows)) == CALLS
    for later, earlier in pairwise(reversed(pages)):
        assert rows(browser.get(links(later, "prev"))) == rows(earlier)
    assert re.search(r"3 to 4</span>", pages[1].text)


@pytest.mark.parametrize("requested", LISTS)
def test_exact_total_is_a_separate_request(browser: Browser, requested: str) -> None:
    page = browser.get(f"/calls?{requested}&limit=2")
    last_but_one = rows(browser.get(f"/calls?{requested}&limit=2&page=4"))
    browser.service.report("CB1", DONE)
    reported = browser.get(unescape(counted(page))).json()
    assert (reported["total"], reported["pages"]) == ("9 calls", "of 5")
    assert "All 9 calls" in reported["export"]
    last = browser.get(reported["last"])
    assert len(rows(last)) == 1
    assert "<strong>9 calls</strong>" in last.text
    assert rows(browser.get(links(last, "prev"))) == last_but_one


def test_without_scripts_a_link_counts_and_later_pages_have_the_total(browser: Browser) -> None:
    page = browser.get("/calls?q=booked&limit=2")
    found = re.search(r'<a href="([^"]+)" data-count=', page.text)
    assert found
    page = browser.get(unescape(found[1]))
    assert "<strong>9 calls</strong>" in page.text
    assert ">counted<" not in page.text
    page = browser.get(links(page, "next"))
    assert "<strong>9 calls</strong>" in page.text
    assert 'rel="last"' in page.text


def test_new_calls_are_counted_since_the_snapshot(browser: Browser) -> None:
    found = re.search(r'data-poll="(/calls-news[^"]+)"', browser.get("/calls?q=booked&limit=2").text)
    assert found
    poll = unescape(found[1])
    assert browser.get(poll).json() == {"more": 0}
    browser.service.report("CB1", DONE)
    browser.service.report("CB2", {**DONE, "summary": "Nothing."})
    assert browser.get(poll).json() == {"more": 1}


def test_page_beyond_the_last_links_back(browser: Browser) -> None:
    page = browser.get("/calls?q=booked&limit=2&page=9")
    assert rows(page) == []
    assert "No call matches" not in page.text
    assert links(page, "first")


def test_count_needs_a_session(browser: Browser) -> None:
    browser.cookies.clear()
    for path in ("/calls-count?q=booked", "/calls-news?q=booked"):
        assert browser.get(path).status_code == 303


def test_position_outside_the_list_is_refused(browser: Browser) -> None:
    for nobody in ("00000000-0000-8000-8000-000000000000", "nobody"):
        assert browser.get(f"/calls?q=booked&offset=2&after={nobody}").status_code == 400


def test_another_tenant_counts_and_pages_its_own_calls_alone(browser: Browser) -> None:
    page = browser.get("/calls?q=booked&limit=2")
    news = re.search(r'data-poll="(/calls-news[^"]+)"', page.text)
    assert news
    theirs = [unescape(path) for path in (counted(page), news[1], links(page, "next"))]
    browser.service.bench.add_tenant("other")
    browser.service.report("CA1", DONE, tenant="other")
    key = browser.service.new_key("calls:read", tenant="other")["authorization"].removeprefix("Bearer ")
    browser.sign_in(key)
    # Cached counts are separate by tenant.
    assert browser.get("/calls-count?q=booked").json()["total"] == "1 call"
    # The snapshot belongs to another ledger.
    assert [browser.get(path).status_code for path in theirs] == [410, 410, 410]
    assert browser.get(f"/calls?q=booked&offset=2&after={rows(page)[0]}").status_code == 400
