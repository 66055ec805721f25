"""The list: to find a call among thousands."""

import re
from typing import Final

from playwright.sync_api import expect

from interop.browser import cast
from interop.browser.journeys import Shown, journey
from interop.browser.visits import Visit

SHOWN: Final = (
    Shown("calls", "/calls"),
    Shown("calls, filtered", "/calls?status=failed&status=busy&route=route-1"),
    Shown("calls, none", "/calls?route=nowhere"),
)


@journey
def support_finds_a_call_by_its_sid(visit: Visit) -> None:
    """Support pastes the SID that a customer's mail names into the search field, and is on the call."""
    page = visit.sign_in("support")
    page.keyboard.press("/")
    page.keyboard.type(cast.HANDED_OVER)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Inbound from +14155550123")


@journey
def support_finds_the_calls_of_a_number(visit: Visit) -> None:
    """Support types the number as the customer wrote it, and sees all of its calls."""
    page = visit.sign_in("support")
    page.get_by_label("Find").fill("+1 (415) 555-0123")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("number="))
    expect(page.locator("tr.call")).to_have_count(4)


@journey
def support_finds_a_call_by_its_words(visit: Visit) -> None:
    """Support remembers what a call was about, and finds it by those words."""
    page = visit.sign_in("support")
    page.get_by_label("Find").fill("charge invoice")
    page.keyboard.press("Enter")
    expect(page.locator("tr.call")).to_have_count(1)
    expect(page.locator("tr.call")).to_contain_text("wanted a person")


@journey
def support_takes_filters_off_one_by_one(visit: Visit) -> None:
    """Support filters by two states and a route, takes one state off, and then all."""
    page = visit.sign_in("support", "/calls?status=failed&status=busy&route=route-1")
    chips = page.locator(".chips li:not(.bare)")
    expect(chips).to_have_count(3)
    chips.filter(has_text="busy").get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"status=failed&route=route-1$"))
    page.get_by_role("link", name="Clear all").click()
    expect(page).to_have_url(re.compile("/calls$"))


@journey
def support_walks_the_list_by_the_keyboard(visit: Visit) -> None:
    """Support moves with j and k, opens a call with Enter, and comes back to the same list."""
    page = visit.sign_in("support", "/calls?route=route-2")
    for key in ("j", "j", "k", "j"):
        page.keyboard.press(key)
    wanted = page.locator("tr.call").nth(1).locator("a").first.get_attribute("href")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(str(wanted))))
    page.go_back()
    expect(page).to_have_url(re.compile("route=route-2"))


@journey
def operations_jumps_to_a_page_far_in(visit: Visit) -> None:
    """Operations jumps to page 20 of the list, and goes one on."""
    page = visit.sign_in("operations", "/calls?limit=25")
    page.get_by_label("Page", exact=True).fill("20")
    page.get_by_role("button", name="Go").click()
    expect(page).to_have_url(re.compile("page=20"))
    expect(page.get_by_text("476 to 500")).to_be_visible()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("501 to 525")).to_be_visible()


@journey
def a_list_can_be_read_without_scripts(visit: Visit) -> None:
    """Support's browser runs no scripts: filters, pages and a call work all the same."""
    page = visit.without_scripts().sign_in("support")
    page.get_by_label("failed").check()
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page).to_have_url(re.compile("status=failed"))
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("26 to 50")).to_be_visible()
    page.locator("tr.call a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("it failed")
