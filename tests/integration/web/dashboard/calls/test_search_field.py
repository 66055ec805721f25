"""The search field: how a text is read, what the page says of it, and what masked visitors cannot learn."""

from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from calltally.store.tenants.tenants import set_default_country, set_masking
from tests.conftest import TENANT
from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.dashboard.test_routes import rows

SID = "CA" + "12ab34cd" * 4
CALLER = "+14155550164"
MADE: Any = {
    "status": "completed",
    "from_number": CALLER,
    "to_number": "+14155550100",
    "route": "Front desk",
    "agent": "Vera",
    "summary": "It was booked.",
}


@pytest.fixture
def browser(browser: Browser) -> Browser:
    browser.service.report(SID, MADE)
    browser.service.report(
        "other-1", MADE | {"from_number": "+493012345670", "agent": "Otto", "summary": "0164"}
    )
    browser.sign_in()
    return browser


def read_as(browser: Browser, typed: str) -> tuple[str, str]:
    """Return the filter that a typed text becomes; its page keeps the text in the field."""
    found = browser.get(f"/calls?{urlencode({'find': typed})}")
    assert found.status_code == 303
    target = urlsplit(found.headers["location"])
    if target.path != "/calls":
        return "call", target.path
    name, value = next(iter(parse_qsl(target.query)))
    assert dict(parse_qsl(target.query))["sought"] == typed.strip()
    return name, value


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("+1 (415) 555-0164", ("number", CALLER)),
        ("14155550164", ("number", "14155550164")),
        ("(415) 555-0164", ("number", "4155550164")),
        ("415-555-0164", ("number", "4155550164")),
        ("415\u2011555\u20110164", ("number", "4155550164")),
        ("5550164", ("number", "5550164")),
        (" 0164 ", ("number", "0164")),
        ("+0164", ("number", "0164")),
        ("911", ("number", "911")),
        (SID, ("call", f"/calls/{SID}")),
        (SID[:10], ("call_sid_prefix", SID[:10])),
        ("VERA", ("agent", "Vera")),
        ("front desk", ("route", "Front desk")),
        ("2026-10-01", ("from", "2026-10-01T00:00:00Z")),
        ("2026-10-32", ("number", "20261032")),
        ("booked", ("q", "booked")),
        ("CA12a", ("q", "CA12a")),
        ("CA99zz", ("q", "CA99zz")),
    ],
)
def test_typed_text_becomes_a_filter(browser: Browser, typed: str, expected: tuple[str, str]) -> None:
    assert read_as(browser, typed) == expected


def page_of(browser: Browser, typed: str) -> str:
    path = browser.get(f"/calls?{urlencode({'find': typed})}").headers["location"]
    return unescape(browser.get(path).text)


@pytest.mark.parametrize(
    ("typed", "statement", "other"),
    [
        (CALLER, f"Searched for the number {CALLER}.", "the words “+14155550164”"),
        ("0164", "Searched for numbers that end in 0164.", "the words “0164”"),
        (SID[:10], f"Searched for call SIDs that begin with {SID[:10]}.", f"the words “{SID[:10]}”"),
        ("vera", "Searched for the agent Vera.", "the words “vera”"),
        ("booked", "Searched summaries for “booked”.", "SIDs that begin with booked"),
    ],
)
def test_page_says_how_it_was_searched(browser: Browser, typed: str, statement: str, other: str) -> None:
    page = page_of(browser, typed)
    assert f'name="find" value="{typed}"' in page
    assert f'<p class="note">{statement} ' in page
    assert f">{other}</a>" in page.partition("Search instead for:")[2]


@pytest.mark.parametrize(
    ("typed", "other"),
    [
        ("Busy", "calls with the status busy"),
        ("front desc", "the route Front desk"),
        ("front", "the route Front desk"),
        ("Escalated", "escalated calls"),
    ],
)
def test_page_offers_a_status_and_the_name_of_a_misspelling(browser: Browser, typed: str, other: str) -> None:
    assert f">{other}</a>" in page_of(browser, typed).partition("Search instead for:")[2]


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        ("030 999 9999", "set the tenant's country: calltally tenant country acme --set CODE."),
        ("(415) 555-9999", "Enter fewer digits: the last four to nine are enough."),
        ("999", "Enter four digits or more: then numbers that end in them are found."),
        ("bookings", "End a word with * to match its beginning."),
        ("bookings", "Transcripts are searched too with a key that has the scope transcripts:read."),
        ("31.10.2026", "To list the calls of a day, enter it as 2026-10-31."),
        ("10/31/2026", "To list the calls of a day, enter it as 2026-10-31."),
    ],
)
def test_page_without_calls_says_what_to_try(browser: Browser, typed: str, advice: str) -> None:
    page = page_of(browser, typed).partition("No call matches these filters.")[2]
    assert '<p class="note">Searched ' in page
    assert advice in page


def test_country_of_the_tenant_is_stated(browser: Browser) -> None:
    service = browser.service
    service.bench.run(service.bench.store.write(set_default_country(TENANT, "DE")))
    service.deps.keys.forget_tenant(TENANT)
    page = page_of(browser, "030 12345670")
    assert "Searched for numbers that end in 03012345670 or 493012345670." in page
    assert page.count('<tr class="call') == 1


def test_filters_offer_the_names_that_calls_have(browser: Browser) -> None:
    page = browser.get("/calls").text
    for name, values in {"agent": ("Otto", "Vera"), "route": ("Front desk",)}.items():
        options = "".join(f'<option value="{value}"></option>' for value in values)
        assert f'<datalist id="offered-{name}">{options}</datalist>' in page
        assert f'list="offered-{name}"' in page


def test_other_reading_keeps_the_other_filters(browser: Browser) -> None:
    page = unescape(browser.get("/calls?number=0164&status=completed&sought=0164").text)
    [link] = [
        part.partition('"')[0]
        for part in page.split('href="')
        if part.startswith("/calls?status=completed&q=0164")
    ]
    assert len(rows(browser.get(link))) == 1


def test_search_field_reveals_no_masked_number(browser: Browser) -> None:
    """A name or a SID with a number answers as any other text: the field does not confirm its digits."""
    service = browser.service
    service.report("sw-+14155550111-7", MADE | {"agent": "desk-+14155550111"})
    service.bench.run(service.bench.store.write(set_masking(TENANT, masks=True)))
    service.deps.keys.forget_tenant(TENANT)
    assert '<option value="desk-' not in browser.get("/calls").text
    for right, wrong in (("sw-+1415", "sw-+1416"), ("desk-+14155550111", "desk-+14155550112")):
        assert read_as(browser, right) == ("q", right)
        assert read_as(browser, wrong) == ("q", wrong)
    for typed in ("0164", "0165", CALLER):
        path = browser.get(f"/calls?{urlencode({'find': typed})}").headers["location"]
        assert browser.get(path).status_code == 403
    assert "Search instead" not in browser.get("/calls?q=nothing&sought=0164").text
