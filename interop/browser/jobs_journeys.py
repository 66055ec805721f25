"""Exports and reconciliations: asked for, watched, fetched."""

from typing import Final

from playwright.sync_api import Page, expect

from interop.browser.journeys import View, journey
from interop.browser.visits import Visit

VIEWS: Final = (
    View("exports", "/exports", "operations"),
    View("reconciliations", "/reconciliations", "operations"),
)
_DONE_MS: Final = 60_000


def export_route(page: Page, name: str) -> None:
    """Ask for the calls of a route under a name, and wait for them on the page of the export."""
    page.get_by_label("Route", exact=True).fill("route-1")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Format").select_option("csv")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.get_by_text("complete", exact=True)).to_be_visible(timeout=_DONE_MS)


@journey
def operations_exports_a_route_as_files(visit: Visit) -> None:
    """Operations asks for the calls of a route as CSV, watches the export end by itself, and has the file."""
    page = visit.sign_in("operations", "/exports")
    export_route(page, "Route one")
    with page.expect_download() as download:
        page.get_by_role("region", name="Files").get_by_role("link").click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert len(lines) > 1
    assert all(",route-1," in line for line in lines[1:])
    page.get_by_role("button", name="Delete files").click()
    expect(page.get_by_text("expired")).to_be_visible()


@journey
def operations_compares_with_an_unreachable_provider(visit: Visit) -> None:
    """Operations compares with the one carrier whose secrets are stored, and finds that in the list."""
    page = visit.sign_in("operations", "/reconciliations")
    expect(page.locator("select[name=provider] option")).to_have_text(["twilio"])
    expect(page.get_by_text("Not offered, since the secrets")).to_contain_text("vonage")
    page.get_by_label("From").fill("2026-07-01T00:00")
    page.get_by_label("To", exact=True).fill("2026-07-02T00:00")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Comparison with twilio")
    page.get_by_role("link", name="All reconciliations").click()
    expect(page.get_by_role("row").filter(has_text="twilio")).not_to_have_count(0)


@journey
def a_reader_cannot_export(visit: Visit) -> None:
    """A reader sees what was exported, and no form to ask for more."""
    page = visit.sign_in("reader", "/exports")
    expect(page.get_by_role("heading", name="Exports")).to_be_visible()
    expect(page.get_by_role("button", name="Start")).to_have_count(0)
