"""The API reference at /docs: drawn under the policy of the page, and asked by a developer."""

from interop.browser.journeys import View, journey
from interop.browser.visits import Visit

VIEWS = (View("reference", "/docs", ""),)


@journey
def a_developer_reads_the_reference_and_tries_an_operation(visit: Visit) -> None:
    """A developer opens /docs, types the key of a reader, and lists calls from there."""
    visit.page.goto("/docs")
    page = visit.page
    page.locator(".webhooks").get_by_text("voice.call.completed").first.wait_for()
    listed = page.locator(".opblock").filter(has_text="List operational call history.")
    listed.locator(".opblock-summary-control").click()
    page.get_by_role("button", name="Authorize", exact=True).first.click()
    page.get_by_label("auth-bearer-value").fill(visit.stage.keys["reader"])
    page.get_by_role("button", name="Apply credentials").first.click()
    page.get_by_role("button", name="Close").first.click()
    listed.get_by_role("button", name="Try it out").click()
    listed.get_by_role("button", name="Execute").click()
    answer = listed.locator(".live-responses-table .response").first
    answer.get_by_text('"total"').first.wait_for()
    assert answer.locator(".response-col_status").first.inner_text().startswith("200")
    assert page.evaluate("location.pathname") == "/docs"
