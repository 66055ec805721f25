"""One call: to say in ten seconds what happened on it."""

from typing import Final

from playwright.sync_api import expect

from interop.browser import cast
from interop.browser.journeys import Shown, journey
from interop.browser.visits import Visit

SHOWN: Final = (
    Shown("one call", f"/calls/{cast.HANDED_OVER}"),
    Shown("one call, disputed", f"/calls/{cast.DISPUTED}"),
    Shown("one call, open", f"/calls/{cast.OPEN}"),
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
    told = page.get_by_role("row").filter(has_text="in-progress")
    told.get_by_text("Raw body").click()
    expect(told.locator("pre")).to_contain_text("CallSid=")


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
def a_dispute_is_seen_at_once(visit: Visit) -> None:
    """Support sees that two tellers do not agree how a call ended."""
    page = visit.sign_in("support", f"/calls/{cast.DISPUTED}")
    expect(page.locator(".warning")).to_contain_text("contradict")
