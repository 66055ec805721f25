"""The list: to find a call among thousands."""

import re
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect

from interop.browser import cast
from interop.browser.journeys import View, journey
from interop.browser.visits import Visit

VIEWS: Final = (
    View("calls", "/calls"),
    View("calls, filtered", "/calls?status=failed&status=busy&route=route-1"),
    View("calls, none", "/calls?route=nowhere"),
    View("calls, a number", "/calls?number=0123&sought=0123"),
    View("calls, no number", "/calls?number=4155559999&sought=(415)%20555-9999"),
)
_LEFT: Final = "(cell) => Math.round(cell.getBoundingClientRect().left)"


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
def support_finds_a_number_in_every_writing(visit: Visit) -> None:
    """Support types the number in each way that customers and mails give it, and sees the same calls."""
    page = visit.sign_in("support")
    national = ("14155550123", "(415) 555-0123", "415-555-0123", "415.555.0123", "1 (415) 555-0123")
    endings = [cast.CALLER[-digits:] for digits in range(4, 10)]
    for typed in (*national, "555 0123", *endings):
        _search(page, typed)
        digits = re.sub(r"\D", "", typed)
        expect(page.get_by_text(f"Searched for numbers that end in {digits}.")).to_be_visible()
        expect(page.locator("tr.call")).to_have_count(4)
    for typed in (cast.CALLER, "+1 415 555 0123", "+1 (415) 555-0123", "+1-415-555-0123"):
        _search(page, typed)
        expect(page.get_by_text(f"Searched for the number {cast.CALLER}.")).to_be_visible()
        expect(page.locator("tr.call")).to_have_count(4)


@journey
def support_finds_calls_by_a_sid_that_is_cut_off(visit: Visit) -> None:
    """Support has only the beginning of a SID, from a picture of a log, and sees the call of it."""
    page = visit.sign_in("support")
    page.get_by_label("Find").fill(cast.HANDED_OVER[:-3])
    page.keyboard.press("Enter")
    expect(page.get_by_text("Searched for call SIDs that begin with")).to_be_visible()
    expect(page.locator("tr.call").first).to_be_visible()


@journey
def support_finds_calls_by_a_name_in_any_case(visit: Visit) -> None:
    """Support types the name of a route, an agent or a provider; the page says what it searched for."""
    page = visit.sign_in("support")
    for kind, name in (("route", "route-1"), ("agent", "vera"), ("provider", "twilio")):
        for typed in (name.upper(), name.title(), f" {name} "):
            _search(page, typed)
            expect(page.get_by_text(f"Searched for the {kind} {name}.")).to_be_visible()
            expect(page.locator("tr.call").first).to_be_visible()


@journey
def support_reads_how_it_was_searched_when_nothing_is_found(visit: Visit) -> None:
    """Support mistypes a number, reads how it was searched, and follows another reading of the text."""
    page = visit.sign_in("support")
    page.get_by_label("Find").fill("(415) 555-9999")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Searched for numbers that end in 4155559999.")).to_be_visible()
    expect(page.get_by_text("Enter fewer digits")).to_be_visible()
    page.get_by_role("link", name="the words").click()
    expect(page.get_by_text("Searched summaries and transcripts for")).to_be_visible()


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
    page.get_by_text("Filter", exact=True).first.click()
    page.get_by_label("failed").check()
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page).to_have_url(re.compile("status=failed"))
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("26 to 50")).to_be_visible()
    page.locator("tr.call a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("it failed")


@journey
def new_calls_wait_behind_a_quiet_bar(visit: Visit) -> None:
    """Support reads the list while calls come in: nothing moves until they ask for the new ones."""
    visit.page.clock.install()
    page = visit.sign_in("support", "/calls?route=quiet-bar")
    visit.stage.report([_completed("quiet-bar", number) for number in range(3)])
    page.goto("/calls?route=quiet-bar")
    displayed = page.locator("tr.call").all_inner_texts()
    visit.stage.report([_completed("quiet-bar", number) for number in range(3, 5)])
    page.clock.fast_forward(6_000)
    bar = page.get_by_role("link", name="2 new calls")
    expect(bar).to_be_visible()
    assert page.locator("tr.call").all_inner_texts() == displayed, "the rows moved"
    bar.click()
    expect(page.locator("tr.call")).to_have_count(5)


@journey
def support_chooses_columns_once(visit: Visit) -> None:
    """Support wants the SID and no agent, and finds it so on the next page and the next day."""
    page = visit.sign_in("support")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("SID", exact=True).last.check()
    page.get_by_label("Agent", exact=True).last.uncheck()
    page.get_by_role("button", name="Apply").last.click()
    head = page.locator("table.calls thead")
    expect(head).to_contain_text("SID")
    expect(head).not_to_contain_text("Agent")
    page.get_by_role("link", name="Next").click()
    expect(head).to_contain_text("SID")


@journey
def operations_keeps_a_view_and_comes_back_to_it(visit: Visit) -> None:
    """Operations saves the failed calls of a route under a name, opens them there, and drops the view."""
    page = visit.sign_in("operations", "/calls?status=failed&route=route-3")
    page.get_by_text("Views", exact=True).click()
    page.get_by_label("Name of this list").fill("Failed on 3")
    page.get_by_role("button", name="Save").click()
    page.goto("/calls")
    page.get_by_text("Views", exact=True).click()
    page.get_by_role("link", name="Failed on 3").click()
    expect(page).to_have_url(re.compile(r"status=failed&route=route-3$"))
    page.get_by_text("Views", exact=True).click()
    page.get_by_label("Remove the view Failed on 3").click()
    expect(page.get_by_role("link", name="Failed on 3")).to_have_count(0)


@journey
def a_window_is_typed_in_ones_own_zone(visit: Visit) -> None:
    """Support in Tokyo asks for an evening of theirs; the URL means the same elsewhere."""
    page = visit.sign_in("support")
    visit.context.add_cookies(
        [{"name": "calltally_zone", "value": "Asia%2FTokyo", "url": visit.stage.service.url}]
    )
    page.goto("/calls")
    page.get_by_text("Filter", exact=True).first.click()
    ends = [cast.BEGAN - timedelta(minutes=1), cast.BEGAN + timedelta(minutes=1)]
    for label, end in zip(("From", "To"), ends, strict=True):
        there = end.astimezone(ZoneInfo("Asia/Tokyo"))
        page.get_by_label(label, exact=True).fill(f"{there:%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page).to_have_url(re.compile(f"from={ends[0]:%Y-%m-%dT%H%%3A%M%%3A00Z}&to="))
    expect(page.locator("tr.call")).to_have_count(1)
    began = cast.BEGAN.astimezone(ZoneInfo("Asia/Tokyo"))
    expect(page.locator("tr.call time").first).to_have_text(f"{began:%H:%M:%S}")


@journey
def the_export_equals_the_page(visit: Visit) -> None:
    """Operations filters the list and takes all of it along as CSV: as many lines as the foot says."""
    page = visit.sign_in("operations", "/calls?status=failed&limit=25")
    total = int(page.locator(".count strong").inner_text().split()[0].replace(",", ""))
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="csv").click()
    lines = downloading.value.path().read_text(encoding="utf-8").splitlines()
    assert len(lines) == total + 1, f"{len(lines)} lines for {total} calls"
    assert all("failed" in line for line in lines[1:]), "a call that was not shown"


@journey
def a_key_lists_the_keys(visit: Visit) -> None:
    """Support asks by ? which keys there are, leaves by Esc, and opens and closes a panel by keys."""
    page = visit.sign_in("support")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Next and previous call")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_text("Columns", exact=True).press("Enter")
    expect(page.get_by_label("Conflicts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Conflicts")).to_be_hidden()


@journey
def a_thousand_rows_keep_their_head(visit: Visit) -> None:
    """Operations looks at 1,000 calls at once, scrolls to the end, and still sees what the columns are."""
    page = visit.sign_in("operations", "/calls?limit=1000")
    expect(page.locator("tr.call")).to_have_count(1_000)
    page.keyboard.press("End")
    expect(page.locator("tr.call").last).to_be_in_viewport()
    expect(page.locator("table.calls thead th").first).to_be_in_viewport()
    expect(page.get_by_text("1 to 1,000")).to_be_visible()
    heads, cells = (page.locator(each).last.locator("th, td") for each in ("thead tr", "tr.call"))
    for position in range(heads.count()):
        head, cell = (each.nth(position).evaluate(_LEFT) for each in (heads, cells))
        assert head == cell, f"column {position} is not below its head"


@journey
def a_list_is_counted_behind_its_page(visit: Visit) -> None:
    """Operations asks for calls that have to be counted one by one: the rows come first, the total then."""
    page = visit.sign_in("operations", "/calls?escalated=false")
    expect(page.locator("tr.call")).to_have_count(25)
    expect(page.locator(".count strong")).to_have_text(re.compile(r"^[\d,]+ calls$"))
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("26 to 50")).to_be_visible()
    page.get_by_role("link", name="Last").click()
    expect(page.locator(".pages").get_by_text("Next")).not_to_have_attribute("href", re.compile("."))
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("tr.call")).to_have_count(25)


@journey
def a_list_is_counted_without_scripts(visit: Visit) -> None:
    """The same without scripts: the page says that there are more, and a link counts them."""
    page = visit.without_scripts().sign_in("operations", "/calls?escalated=false&status=completed&limit=50")
    expect(page.locator(".count strong")).to_have_text(re.compile("^More than "))
    page.get_by_role("link", name="Count all").click()
    expect(page.locator(".count strong")).to_have_text(re.compile(r"^[\d,]+ calls$"))
    expect(page.locator("tr.call")).to_have_count(50)


def _completed(route: str, number: int) -> dict[str, object]:
    return {
        "id": f"{route}-{number}",
        "call_sid": f"{route}-{number}",
        "occurred_at": f"2026-07-03T12:00:{number:02}Z",
        "status": "completed",
        "route": route,
    }


def _search(page: Page, typed: str) -> None:
    page.get_by_label("Find").fill(typed)
    page.keyboard.press("Enter")
