"""The guide at /docs/guide: opened from the dashboard, searched, and read under the policy of the service."""

import re
from urllib.parse import urljoin

from playwright.sync_api import expect

from interop.browser.journeys import View, journey
from interop.browser.visits import Visit

VIEWS = (
    View("guide", "/docs/guide/", ""),
    View("guide, code", "/docs/guide/tutorials/first-call.html", ""),
    View("guide, tables", "/docs/guide/how-to/get-alerts.html", ""),
)


@journey
def support_searches_the_guide(visit: Visit) -> None:
    """Support opens the guide from the dashboard, searches it, and reads the page and its Markdown."""
    page = visit.sign_in("support")
    page.get_by_role("link", name="Guide", exact=True).click()
    expect(page).to_have_url(re.compile(r"/docs/guide/$"))
    search = page.get_by_role("textbox", name="Search")
    search.click()
    search.press_sequentially("callbacks are refused")
    page.locator(".md-search-result a", has_text="Troubleshoot").first.click()
    expect(page).to_have_url(re.compile(r"/docs/guide/how-to/troubleshoot\.html"))
    expect(page.get_by_role("heading", name="Troubleshoot", level=1)).to_be_visible()
    markdown = page.get_by_role("link", name="This page as Markdown").get_attribute("href")
    # Not opened: a browser asks for the icon of a page of plain text.
    answer = page.request.get(urljoin(page.url, markdown))
    assert answer.text().startswith("# Troubleshoot")


@journey
def support_reads_the_guide_without_scripts(visit: Visit) -> None:
    """Support, without scripts, reads the guide by its links alone."""
    page = visit.without_scripts().page
    page.goto("/docs/guide/")
    page.get_by_role("link", name="Get alerts", exact=True).first.click()
    expect(page.get_by_role("heading", name="Get alerts", level=1)).to_be_visible()
