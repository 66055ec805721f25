"""Alerts: what is on, and that somebody looks after it."""

import http.client
from typing import Final

from playwright.sync_api import Locator, Page, expect

from interop.browser.journeys import View, journey
from interop.browser.stage import TENANT
from interop.browser.visits import Visit
from interop.service import ANSWER_S, HOST

VIEWS: Final = (
    View("alerts", "/alerts", "operations"),
    View("alerts, all", "/alerts?state=all"),
    View("alerts, none", "/alerts?route=nowhere"),
)
# The worker looks every ten seconds or so, on a machine that others use too.
_LOOKS: Final = 120
_LOOK_MS: Final = 1_000
_CALLBACKS: Final = 8
WRONG: Final = "Wrong signatures on callbacks of telnyx"


def strangers_call(visit: Visit) -> None:
    """Callbacks of a provider whose secret is not stored here: none is believed."""
    connection = http.client.HTTPConnection(HOST, visit.stage.service.port, timeout=ANSWER_S)
    for _ in range(_CALLBACKS):
        connection.request(
            "POST", f"/api/v1/ingest/telnyx/{TENANT}", b"{}", {"content-type": "application/json"}
        )
        connection.getresponse().read()
    connection.close()


def alert_line(page: Page) -> Locator:
    """The line of the alert, once the worker has found it."""
    line = page.get_by_role("listitem").filter(has_text=WRONG)
    for _ in range(_LOOKS):
        if line.count():
            break
        page.wait_for_timeout(_LOOK_MS)
        page.reload()
    expect(line).to_be_visible()
    return line


@journey
def operations_acknowledges_an_alert(visit: Visit) -> None:
    """Operations mutes an alert for a day, acknowledges it with a note, and finds both in its history."""
    strangers_call(visit)
    page = visit.sign_in("operations", "/alerts")
    line = alert_line(page)
    line.get_by_label("Mute for").select_option("24")
    line.get_by_role("button", name="Mute").click()
    expect(page.get_by_role("listitem").filter(has_text="muted until")).to_be_visible()
    page.get_by_role("link", name=WRONG).click()
    page.get_by_label("Note", exact=True).fill("The secret is asked for.")
    page.get_by_role("button", name="Acknowledge").click()
    history = page.get_by_role("region", name="History")
    expect(history.get_by_text("The secret is asked for.")).to_be_visible()
    expect(history.get_by_role("cell", name="muted", exact=True)).to_be_visible()
    page.get_by_role("button", name="Unmute").click()
    expect(page.get_by_role("button", name="Mute", exact=True)).to_be_visible()


@journey
def a_reader_cannot_change_alerts(visit: Visit) -> None:
    """A reader sees the alerts without a single button that they may not press."""
    strangers_call(visit)
    page = visit.sign_in("reader", "/alerts")
    alert_line(page).get_by_role("link").click()
    expect(page.get_by_role("region", name="Evidence")).to_be_visible()
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    expect(page.get_by_role("button", name="Mute")).to_have_count(0)
