"""One call: to say in ten seconds what happened on it."""

from typing import Final

from playwright.sync_api import expect

from interop.browser import cast
from interop.browser.journeys import View, journey
from interop.browser.stage import TENANT
from interop.browser.visits import Visit

VIEWS: Final = (
    View("one call", f"/calls/{cast.HANDED_OVER}"),
    View("one call, disputed", f"/calls/{cast.DISPUTED}"),
    View("one call, open", f"/calls/{cast.OPEN}"),
    View("one call, deliveries", f"/calls/{cast.HANDED_OVER}?tab=deliveries"),
    View("one call, record", f"/calls/{cast.HANDED_OVER}?tab=record"),
    View("one call, json", f"/calls/{cast.HANDED_OVER}?tab=json"),
    View("one call, to print", f"/calls/{cast.HANDED_OVER}?tab=print"),
)


@journey
def support_reads_in_one_sentence_what_happened(visit: Visit) -> None:
    """Support opens a call and reads who called, how long it rang and lasted, and that it was handed over."""
    page = visit.sign_in("support", f"/calls/{cast.HANDED_OVER}")
    heading = page.get_by_role("heading", level=1)
    for words in ("Inbound from +14155550123", "answered after 8 s", "talked 2 min 22 s", "escalated"):
        expect(heading).to_contain_text(words)


@journey
def support_sees_what_the_carrier_really_sent(visit: Visit) -> None:
    """Support opens the raw body of a callback, for a dispute with the carrier."""
    page = visit.sign_in("support", f"/calls/{cast.HANDED_OVER}")
    reported = page.get_by_role("row").filter(has_text="in-progress")
    reported.get_by_text("Raw body").click()
    expect(reported.locator("pre").first).to_contain_text("CallStatus: in-progress")
    reported.get_by_text("Original").click()
    expect(reported.locator("pre").last).to_contain_text("CallSid=")


@journey
def a_key_without_the_scope_shows_no_raw_bodies(visit: Visit) -> None:
    """A reader's key opens the same call, and sees neither raw bodies nor what was said."""
    page = visit.sign_in("reader", f"/calls/{cast.HANDED_OVER}")
    expect(page.get_by_text("transcripts:read").first).to_be_visible()
    expect(page.get_by_text("CallSid=")).to_have_count(0)


@journey
def facts_that_came_in_the_wrong_order_are_marked(visit: Visit) -> None:
    """Support sees that a carrier's callbacks overtook one another."""
    page = visit.sign_in("support", f"/calls/{cast.OUT_OF_ORDER}")
    expect(page.locator("svg .late")).to_have_count(1)


@journey
def a_dispute_is_visible_at_once(visit: Visit) -> None:
    """Support sees that two tellers do not agree how a call ended."""
    page = visit.sign_in("support", f"/calls/{cast.DISPUTED}")
    expect(page.locator(".warning")).to_contain_text("1 contradicting fact:")
    expect(page.locator(".warning")).to_contain_text("no-answer (from own event)")
    expect(page.locator(".warning")).to_contain_text("completed (from own event, used in the record)")


@journey
def support_reads_the_conversation_and_finds_a_word_in_it(visit: Visit) -> None:
    """Support looks for the invoice in what was said: what does not speak of it goes out of the way."""
    page = visit.sign_in("support", f"/calls/{cast.HANDED_OVER}")
    turns = page.locator(".entry.agent:visible, .entry.user:visible")
    expect(turns).to_have_count(len(cast.TRANSCRIPT))
    page.get_by_label("Find in the conversation").fill("invoice")
    expect(turns).to_have_count(1)
    expect(page.locator(".within output")).to_have_text("2")
    page.get_by_label("Find in the conversation").fill("parcel")
    expect(page.locator(".within output")).to_have_text("no matches")


@journey
def the_timeline_links_to_the_transcript(visit: Visit) -> None:
    """Support clicks the tool call on the timeline, and is at its place in the conversation."""
    page = visit.sign_in("support", f"/calls/{cast.HANDED_OVER}")
    page.locator(".lanes a[href='#tool-1']").click()
    expect(page.locator("#tool-1")).to_be_in_viewport()
    expect(page.locator("#tool-1")).to_contain_text("the first line was busy")
    for lane in ("Callbacks", "Speech", "Tools", "Hand-over", "Deliveries"):
        expect(page.locator(".lane", has_text=lane)).to_be_visible()


@journey
def operations_finds_the_deliveries_of_a_call(visit: Visit) -> None:
    """Operations looks whether their own system was told of the escalation, and after how many attempts."""
    page = visit.sign_in("operations", f"/calls/{cast.HANDED_OVER}")
    page.get_by_role("link", name="Deliveries").click()
    reported = page.get_by_role("row").filter(has_text="voice.call.escalated")
    expect(reported.first).to_contain_text("delivered")


@journey
def support_copies_a_call_for_a_ticket(visit: Visit) -> None:
    """Support copies the call as JSON and as curl, and pastes both into a ticket."""
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit.sign_in("support", f"/calls/{cast.HANDED_OVER}")
    page.get_by_role("button", name="Copy as JSON").click()
    expect(page.locator("#announcement")).to_have_text("Copied")
    assert f'"call_sid": "{cast.HANDED_OVER}"' in page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Copy as curl").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('curl'))")
    page.get_by_role("button", name="copy the full SID").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('CA1a'))")


@journey
def a_dispute_is_printed_with_all_events(visit: Visit) -> None:
    """Support prints a call for a dispute with the carrier, with bodies, and without what is for screens."""
    page = visit.sign_in("support", f"/calls/{cast.DISPUTED}")
    page.get_by_role("link", name="Print view").click()
    for name in ("Facts", "Deliveries", "Record"):
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    expect(page.locator("pre").first).to_be_visible()
    # The conversation comes before the raw bodies.
    expect(page.locator("article h2")).to_have_text(
        ["Timeline", "Conversation", "Record", "Deliveries", "Facts"]
    )
    visit.choose_theme("dark")
    page.reload()
    page.emulate_media(media="print")
    # Paper is white, so the text must not be light.
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(page.locator(".rail")).to_be_hidden()
    expect(page.get_by_role("button", name="Copy as JSON")).to_be_hidden()


@journey
def support_goes_from_a_call_to_others_like_it(visit: Visit) -> None:
    """Support looks at what else that caller had, and at what else went over that route."""
    page = visit.sign_in("support", f"/calls/{cast.HANDED_OVER}")
    page.get_by_role("link", name=f"Calls with {cast.CALLER}").click()
    expect(page.locator("tr.call")).to_have_count(4)
    page.go_back()
    page.get_by_role("link", name=f"Calls of route {cast.ROUTE}").click()
    expect(page.locator("tr.call")).to_have_count(3)


@journey
def two_ids_of_one_call_are_one_call(visit: Visit) -> None:
    """Support looks for the id that the platform knows, and is on the carrier's call, with what both told."""
    visit.stage.call_back(cast.bridged())
    reported = {"id": "bridged", "call_sid": cast.SIP_CALL, "occurred_at": "2026-06-30T10:00:00Z"}
    visit.stage.report([reported | {"summary": "The gate code was asked for."}])
    page = visit.sign_in("support")
    page.get_by_label("Find", exact=True).fill(cast.SIP_CALL)
    page.get_by_label("Find", exact=True).press("Enter")
    expect(page.get_by_text("This call has more than one id.")).to_contain_text(cast.SIP_CALL)
    expect(page.get_by_title(cast.BRIDGED).first).to_be_visible()
    expect(page.get_by_text("The gate code was asked for.").first).to_be_visible()


@journey
def support_reveals_a_number_and_that_is_recorded(visit: Visit) -> None:
    """Support asks for the masked numbers of one call; the administrator reads that they did."""
    masking = f"/api/v1/admin/tenants/{TENANT}/masking"
    visit.stage.service.call("PUT", masking, {"masks_numbers": True})
    try:
        page = visit.sign_in("support", f"/calls/{cast.HANDED_OVER}")
        expect(page.get_by_role("heading", level=1)).not_to_contain_text(cast.CALLER)
        page.get_by_role("button", name="Show full numbers").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(cast.CALLER)
        page.get_by_role("link", name="Mask numbers").click()
        expect(page.get_by_role("heading", level=1)).not_to_contain_text(cast.CALLER)
        visit.context.clear_cookies()
        page = visit.sign_in("admin", "/settings")
        expect(page.get_by_role("region", name="Access to full numbers").get_by_role("link")).to_be_visible()
    finally:
        visit.stage.service.call("PUT", masking, {"masks_numbers": False})
