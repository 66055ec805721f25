"""How people get in and out."""

import re
from typing import Final

from playwright.sync_api import expect

from interop.browser.journeys import View, journey
from interop.browser.stage import TENANT
from interop.browser.visits import Visit

VIEWS: Final = (View("sign in", "/sign-in", ""), View("a fault", "/calls?status=gone"))


@journey
def support_signs_in_and_comes_to_the_link_that_was_sent(visit: Visit) -> None:
    """Support opens a colleague's link, signs in with a key, and sees what the link shows."""
    page = visit.sign_in("support", "/calls?status=failed")
    expect(page).to_have_url(re.compile(r"/calls\?status=failed$"))
    expect(page.get_by_label("Remove the filter status")).to_be_visible()
    cookies = {each["name"]: each for each in visit.context.cookies()}
    assert cookies["calltally_session"]["httpOnly"], "a script could read the session"
    assert cookies["calltally_session"]["sameSite"] in {"Lax", "Strict"}


@journey
def a_mistyped_key_is_reported_at_the_form(visit: Visit) -> None:
    """Support mistypes the key, is told what to check, and is not signed in."""
    page = visit.page
    page.goto("/sign-in")
    page.get_by_label("API key").fill("ct_acme_not-this-one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong or revoked")
    page.goto("/calls")
    expect(page).to_have_url(re.compile("/sign-in"))


@journey
def an_administrator_chooses_a_tenant(visit: Visit) -> None:
    """The administrator signs in with the admin key, names a tenant, and sees its calls."""
    page = visit.sign_in("admin")
    expect(page.get_by_title("Tenant")).to_have_text(TENANT)
    expect(page.locator("tr.call").first).to_be_visible()


@journey
def signing_out_ends_the_session(visit: Visit) -> None:
    """Support signs out, and the way back shows nothing any more."""
    page = visit.sign_in("support")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in"))
    page.goto("/calls")
    expect(page).to_have_url(re.compile("/sign-in"))


@journey
def the_time_zone_and_the_theme_are_chosen_once(visit: Visit) -> None:
    """Support chooses Tokyo and the dark theme on one page, and has both on the others."""
    page = visit.sign_in("support")
    page.get_by_text("Times in UTC").click()
    page.get_by_label("Time zone").fill("Asia/Tokyo")
    page.get_by_label("Theme").select_option("dark")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Times in Asia/Tokyo")).to_be_visible()
    page.locator("tr.call a").first.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("header time").first).to_contain_text("JST")
