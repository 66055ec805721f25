"""Settings: what the administrator sets up, and what others may."""

import re
from typing import Final

from playwright.sync_api import expect

from interop.browser.journeys import View, journey
from interop.browser.visits import Visit

VIEWS: Final = (
    View("settings", "/settings", "admin"),
    View("settings, of a provider", "/settings?provider=twilio", "admin"),
    View("settings, of operations", "/settings", "operations"),
    View("dead letters", "/dead-letters", "operations"),
    View("installation", "/doctor", "admin"),
)


@journey
def the_administrator_makes_a_key_and_revokes_it(visit: Visit) -> None:
    """The administrator makes a key, sees it once, and revokes it."""
    page = visit.sign_in("admin", "/settings")
    keys = page.get_by_role("region", name="API keys")
    form = page.locator("form[action='/settings/keys']")
    form.get_by_label("Name", exact=True).fill("front desk")
    form.get_by_role("button", name="Create a key").click()
    expect(page.get_by_text(re.compile("^ct_acme_"))).to_be_visible()
    page.goto("/settings")
    expect(page.get_by_text(re.compile("^ct_acme_"))).to_have_count(0)
    keys.get_by_role("row").filter(has_text="front desk").first.get_by_role("button", name="Revoke").click()
    expect(keys.get_by_role("row").filter(has_text="front desk").first).to_contain_text("revoked")


@journey
def the_administrator_tries_a_providers_callback(visit: Visit) -> None:
    """The administrator sends a test callback to where the carrier calls, and to where it does not."""
    page = visit.sign_in("admin", "/settings")
    row = page.get_by_role("region", name="Providers").get_by_role("row").filter(has_text="twilio")
    row.get_by_role("button", name="Send a test callback").click()
    expect(page.get_by_role("status").filter(has_text="is accepted")).to_be_visible()
    row.get_by_label("The callback URL that is configured at the provider").fill(
        "https://calls.example.com/elsewhere"
    )
    row.get_by_role("button", name="Send a test callback").click()
    expect(page.get_by_role("status").filter(has_text="is refused")).to_be_visible()


@journey
def the_administrator_views_another_tenant(visit: Visit) -> None:
    """The administrator makes a tenant, looks at it, and finds no call of the first there."""
    page = visit.sign_in("admin", "/settings")
    page.get_by_label("Id", exact=True).fill(f"north-{visit.stage.kind}")
    page.get_by_role("button", name="Add a tenant").click()
    row = page.get_by_role("region", name="Tenants").get_by_role("row").filter(has_text="north-")
    row.get_by_role("button", name="Open").click()
    page.get_by_role("link", name="Calls", exact=True).click()
    expect(page.get_by_text("No calls recorded yet.")).to_be_visible()


@journey
def operations_sets_the_rules_of_alerts(visit: Visit) -> None:
    """Operations bears half a false alarm a week; a slip in the JSON is told by name."""
    page = visit.sign_in("operations", "/settings")
    page.get_by_text("All rules as JSON").click()
    page.locator("textarea[name=rules]").fill('{"false_alarms_a_week": 0.5}')
    page.locator("form[action='/settings/rules']").get_by_role("button", name="Save").click()
    expect(page.locator("textarea[name=rules]")).to_have_value(re.compile("0.5"))
    page.get_by_text("All rules as JSON").click()
    page.locator("textarea[name=rules]").fill('{"false_alarm": 1}')
    page.locator("form[action='/settings/rules']").get_by_role("button", name="Save").click()
    expect(page.get_by_text("false_alarm").first).to_be_visible()


@journey
def operations_replays_a_dead_letter(visit: Visit) -> None:
    """Operations opens a callback that could not be read, sees its body, and replays it without success."""
    fields = {"CallSid": "CA" + "d" * 32, "CallStatus": "parked", "To": "+14155550100"}
    visit.stage.call_back(fields)
    page = visit.sign_in("operations", "/settings")
    page.get_by_role("link", name=re.compile("dead letter")).click()
    letters = page.get_by_role("region", name="Dead letters").get_by_role("row")
    letters.filter(has_text="parked").first.get_by_role("link").click()
    expect(page.get_by_text("CallStatus: parked")).to_be_visible()
    page.get_by_role("button", name="Replay", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="1 still not readable")).to_be_visible()


@journey
def operations_adds_a_destination_and_tests_it(visit: Visit) -> None:
    """Operations mistypes the address of a destination, corrects it, and sends a test."""
    page = visit.sign_in("operations", "/settings")
    page.get_by_role("link", name="Webhook", exact=True).click()
    form = page.locator("form[action='/settings/sinks']")
    form.get_by_label("Name", exact=True).fill("pager of the night")
    form.get_by_label("URL").fill("nowhere in particular")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Not saved")
    expect(form.get_by_label("Name", exact=True)).to_have_value("pager of the night")
    form.get_by_label("URL").fill("http://127.0.0.1:9/alerts")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text(re.compile("^whsec_"))).to_be_visible()
    row = page.get_by_role("region", name="Alert destinations").get_by_role("row")
    row.filter(has_text="pager of the night").get_by_role("button", name="Send a test").click()
    expect(page.get_by_role("status").filter(has_text="failed")).to_be_visible()


@journey
def the_administrator_masks_numbers(visit: Visit) -> None:
    """The administrator masks the numbers of the tenant, and shows them again."""
    page = visit.sign_in("admin", "/settings")
    form = page.locator("form[action='/settings/masking']")
    for is_masked in (True, False):
        form.get_by_label("Mask phone numbers").set_checked(is_masked)
        form.get_by_role("button", name="Save").click()
        expect(form.get_by_label("Mask phone numbers")).to_be_checked(checked=is_masked)


@journey
def operations_moves_the_slider_and_tests_the_rules(visit: Visit) -> None:
    """Operations accepts fewer false alarms, tests that on the last days, and saves it."""
    page = visit.sign_in("operations", "/settings")
    page.get_by_role("slider").press("Home")
    expect(page.locator("output")).to_have_text("0.05")
    page.get_by_role("button", name="Test on the last 7 days").click()
    expect(page.get_by_role("region", name="Back-test").get_by_role("status")).to_have_count(2)
    expect(page.locator("output")).to_have_text("0.05")
    page.locator("form[action='/settings/alert-rules']").get_by_role("button", name="Save").click()
    expect(page.locator("output")).to_have_text("0.05")
