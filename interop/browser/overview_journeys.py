"""The overview: what today is like, what needs attention, and the way to the calls behind each number."""

import re
from typing import Final

from playwright.sync_api import expect

from interop.browser.journeys import View, journey
from interop.browser.visits import Visit

VIEWS: Final = (
    View("overview", "/", "operations"),
    View("overview, reader", "/", "reader"),
    View("overview, wall display", "/?wall=1", "operations"),
)


@journey
def operations_opens_the_calls_behind_a_number(visit: Visit) -> None:
    """Operations signs in, sees the overview first, and opens today's failed calls by their rate."""
    page = visit.sign_in("operations", "/sign-in")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.get_by_role("link", name="Overview")).to_have_attribute("aria-current", "page")
    tile = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Failure rate"))
    expect(tile).to_contain_text("points" if tile.locator(".change").count() else "before")
    page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Calls")).get_by_role(
        "link"
    ).first.click()
    expect(page).to_have_url(re.compile(r"/calls\?from=.*&to="))
    expect(page.locator("tr.call").first).to_be_visible()


@journey
def the_last_hour_is_a_table_too(visit: Visit) -> None:
    """Support, whose browser runs no scripts, reads the last hour in the table and opens one minute."""
    page = visit.without_scripts().sign_in("support", "/")
    page.get_by_text("Show as a table").click()
    minute = page.get_by_role("table").filter(has_text="Minute").get_by_role("link").first
    expect(minute).to_be_visible()
    minute.click()
    expect(page).to_have_url(re.compile(r"/calls\?from="))
    expect(page.locator("tr.call").first).to_be_visible()


@journey
def a_reader_learns_which_scope_deliveries_need(visit: Visit) -> None:
    """A reader sees the numbers, and reads which scope their key lacks for deliveries."""
    page = visit.sign_in("reader", "/")
    expect(page.get_by_text("To see deliveries, your key needs the scope webhooks:write.")).to_be_visible()
    expect(page.get_by_role("heading", name="Answer rate", exact=True)).to_be_visible()


@journey
def a_wall_shows_no_navigation(visit: Visit) -> None:
    """Operations opens the wall display, which has no menus, and leaves it again."""
    page = visit.sign_in("operations", "/")
    page.get_by_role("link", name="Wall display").click()
    expect(page.get_by_role("link", name="Settings")).to_have_count(0)
    expect(page.get_by_text("reloads every 60 seconds")).to_be_visible()
    page.get_by_role("link", name="Leave the wall display").click()
    expect(page.get_by_role("link", name="Settings")).to_be_visible()
