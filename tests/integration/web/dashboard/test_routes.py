"""The pages over a real store, in a browser without scripts."""

import re
from html import unescape
from urllib.parse import urlencode

import pytest

from calltally.calls.errors import Unavailable
from calltally.calls.events import StatedFields
from tests.conftest import TENANT, Bench
from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.service import ADMIN, Answer, Broken, Service

DONE: StatedFields = {
    "status": "completed",
    "direction": "outbound",
    "to_number": "+14155550100",
    "talk_seconds": 142.0,
    "route": "support",
    "summary": "<script>alert(1)</script> confirmed",
}


def links(answer: Answer, rel: str) -> str:
    found = re.search(rf'<a href="([^"]+)" rel="{rel}"', answer.text)
    assert found, rel
    return unescape(found[1])


def rows(answer: Answer) -> list[str]:
    return re.findall(r'<a href="/calls/([0-9a-f-]{36})(?:\?within=[^"]*)?">', answer.text)


def test_sign_in_redirects_back_to_the_requested_page(browser: Browser) -> None:
    browser.service.report("CA1", DONE)
    requested = browser.get("/calls?status=failed")
    assert (requested.status_code, requested.headers["location"]) == (
        303,
        "/sign-in?next=%2Fcalls%3Fstatus%3Dfailed",
    )
    form = browser.get(requested.headers["location"])
    assert 'name="next" value="/calls?status=failed"' in form.text
    signed_in = browser.sign_in(next="/calls?status=failed")
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/calls?status=failed")
    cookie = signed_in.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Path=/"))
    assert browser.get("/calls").status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "/\n"])
def test_sign_in_does_not_redirect_to_other_sites(browser: Browser, elsewhere: str) -> None:
    assert browser.sign_in(next=elsewhere).headers["location"] == "/"


def test_sign_in_under_another_address_names_the_setting(bench: Bench) -> None:
    browser = Browser(Service(bench, public_url="https://calls.example.com"))
    own = browser.get("/sign-in", {"host": "calls.example.com"})
    other = browser.get("/sign-in", {"host": "127.0.0.1:8080"})
    assert "CALLTALLY_PUBLIC_URL" not in own.text
    assert (
        "CALLTALLY_PUBLIC_URL is https://calls.example.com, and you may have opened another address"
        in other.text
    )


def test_wrong_key_shows_an_error_and_sets_no_cookie(browser: Browser) -> None:
    answer = browser.sign_in("ct_acme_wrong")
    assert (answer.status_code, "wrong or revoked" in answer.text, browser.cookies) == (403, True, {})


def test_unavailable_database_is_not_a_wrong_key(bench: Bench) -> None:
    away = Browser(Service(bench, store=Broken(Unavailable("away", retry_after_s=3))))
    answer = away.sign_in(ADMIN["x-admin-key"], tenant=TENANT)
    assert answer.status_code == 503
    assert "set-cookie" not in answer.headers


def test_key_without_calls_read_cannot_sign_in(browser: Browser) -> None:
    key = browser.service.new_key("events:write")["authorization"].removeprefix("Bearer ")
    assert browser.sign_in(key).status_code == 403


def test_an_administrator_names_the_tenant(browser: Browser) -> None:
    browser.service.report("CA1", DONE)
    admin = ADMIN["x-admin-key"]
    assert "No tenant has this id" in browser.sign_in(admin).text
    assert "No tenant has this id" in browser.sign_in(admin, tenant="nobody").text
    assert browser.sign_in(admin, tenant=TENANT).status_code == 303
    assert len(rows(browser.get("/calls"))) == 1


def test_cross_site_form_cannot_sign_in(browser: Browser) -> None:
    key = browser.service.key["authorization"].removeprefix("Bearer ")
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {"origin": "null"}):
        assert browser.post("/sign-in", headers, key=key).status_code == 403
    assert (
        browser.post("/sign-in", {"sec-fetch-site": "same-origin", "origin": "null"}, key=key).status_code
        == 303
    )


def test_a_form_without_the_sessions_token_changes_nothing(browser: Browser) -> None:
    browser.sign_in()
    browser.get("/calls")
    for guessed in ("guessed", "guéssed"):
        browser.csrf = guessed
        assert browser.post("/sign-out").status_code == 403
    assert browser.get("/calls").status_code == 200


def test_sign_out_ends_the_session(browser: Browser) -> None:
    browser.sign_in()
    browser.get("/calls")
    assert browser.post("/sign-out").status_code == 303
    assert browser.get("/calls").status_code == 303


def test_a_revoked_key_ends_its_session(browser: Browser) -> None:
    browser.sign_in()
    browser.get("/calls")
    keys = browser.service.get("/api/v1/admin/tenants/acme/api-keys", ADMIN).json()
    for key in keys["data"]:
        browser.service.get(f"/api/v1/admin/tenants/acme/api-keys/{key['id']}", ADMIN, "DELETE")
    assert browser.get("/calls").status_code == 303


def test_used_session_is_renewed_and_idle_session_expires(browser: Browser) -> None:
    browser.sign_in()
    browser.service.bench.now_us += 20 * 60 * 1_000_000
    assert "set-cookie" in browser.get("/calls").headers
    assert "set-cookie" not in browser.get("/calls").headers
    browser.service.bench.now_us += 13 * 3_600 * 1_000_000
    assert browser.get("/calls").status_code == 303


def test_time_zone_and_theme_apply_to_all_pages(browser: Browser) -> None:
    browser.service.report("CA1", DONE)
    browser.sign_in()
    browser.get("/calls")
    assert browser.post("/preferences", zone="Asia/Tokyo", theme="dark", next="/calls").status_code == 303
    page = browser.get("/calls").text
    assert 'data-theme="dark"' in page
    assert "Times in Asia/Tokyo" in page
    browser.post("/preferences", zone="Mars/Base", theme="pink")
    assert "Times in Asia/Tokyo" in browser.get("/calls").text


def test_caller_text_is_never_markup(browser: Browser) -> None:
    browser.service.report("CA1", DONE)
    browser.sign_in()
    listed = browser.get("/calls")
    one = browser.get("/calls/CA1")
    for page in (listed, one):
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;" in page.text
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert "style=" not in page.text


def test_pages_stay_stable_while_calls_arrive(browser: Browser) -> None:
    for number in range(7):
        browser.service.report(f"CA{number}", DONE)
    browser.sign_in()
    page = browser.get("/calls?limit=3")
    first_rows = rows(page)
    while 'rel="next"' in page.text:
        browser.service.report(f"CB{len(first_rows)}", DONE)
        page = browser.get(links(page, "next"))
        first_rows += rows(page)
    assert len(first_rows) == len(set(first_rows)) == 7
    assert "This list shows the calls as they were" in page.text
    assert rows(browser.get(links(page, "first"))) == first_rows[:3]


def test_page_field_jumps_to_any_page(browser: Browser) -> None:
    for number in range(5):
        browser.service.report(f"CA{number}", DONE)
    browser.sign_in()
    everyone = rows(browser.get("/calls"))
    assert rows(browser.get("/calls?limit=2&page=2")) == everyone[2:4]
    assert rows(browser.get("/calls?limit=2&page=0")) == everyone[:2]
    assert rows(browser.get("/calls?limit=2&page=x")) == everyone[:2]
    beyond = browser.get("/calls?limit=2&page=9")
    assert "No call matches" not in beyond.text
    assert "This page is after the last one." in beyond.text
    assert rows(browser.get(links(beyond, "last")))
    assert rows(browser.get(f"/calls?page={'9' * 5_000}")) == everyone
    assert browser.get(f"/calls?limit={'9' * 5_000}").status_code == 400


def test_filters_are_removable_chips(browser: Browser) -> None:
    browser.service.report("CA1", DONE)
    browser.sign_in()
    page = browser.get("/calls?status=failed&status=busy&route=&direction=outbound&limit=50").text
    assert "No call matches these filters" in page
    chips = re.findall(r'<li><span class="soft">(\w+)</span> <b>(\S+)</b> <a href="([^"]+)"', page)
    assert [(name, value) for name, value, _ in chips] == [
        ("status", "failed"),
        ("status", "busy"),
        ("direction", "outbound"),
    ]
    assert unescape(chips[0][2]) == "/calls?status=busy&direction=outbound&limit=50"


def test_invalid_filter_is_an_error_page_with_a_link_back(browser: Browser) -> None:
    browser.sign_in()
    page = browser.get("/calls?status=gone")
    assert (page.status_code, "one of queued" in page.text or "queued" in page.text) == (400, True)
    assert 'href="/calls"' in page.text
    assert browser.get("/calls?stauts=failed").status_code == 400


BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
NAVIGATION = ('href="/alerts"', 'href="/settings"')


def test_unknown_paths_and_errors_keep_the_navigation(browser: Browser) -> None:
    for path in ("/nowhere", "/calls/CA1/nowhere"):
        page = browser.get(path, BROWSER)
        assert page.status_code == 404
        assert all(link in page.text for link in NAVIGATION)
        assert "This path does not exist" in page.text
        assert 'action="/sign-out"' not in page.text
    browser.sign_in()
    for path, status in (("/nowhere", 404), ("/calls/CA9", 404), ("/calls?status=gone", 400)):
        page = browser.get(path, BROWSER)
        assert page.status_code == status
        assert all(text in page.text for text in (*NAVIGATION, 'action="/sign-out"', 'name="find"'))
    wrong_method = browser.get("/sign-out", BROWSER)
    assert (wrong_method.status_code, wrong_method.headers["allow"]) == (405, "OPTIONS, POST")


def test_unknown_paths_are_problems_for_programs(browser: Browser) -> None:
    assert browser.get("/nowhere").headers["content-type"] == "application/problem+json"
    assert browser.get("/api/v1/nowhere", BROWSER).headers["content-type"] == "application/problem+json"


def test_error_page_of_an_unavailable_database_has_the_navigation(bench: Bench) -> None:
    away = Browser(Service(bench, store=Broken(Unavailable("away", retry_after_s=3))))
    answer = away.sign_in(ADMIN["x-admin-key"], tenant=TENANT)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
    assert all(link in answer.text for link in NAVIGATION)


def test_an_empty_ledger_shows_how_to_send_a_first_event(browser: Browser) -> None:
    browser.sign_in()
    assert "/api/v1/events" in browser.get("/calls").text


def test_the_search_field_leads_to_a_call_a_number_or_words(browser: Browser) -> None:
    browser.service.report("CA1", DONE)
    browser.sign_in()
    targets = [
        browser.get(f"/calls?{urlencode({'find': text})}").headers["location"]
        for text in ("CA1", "+1 (415) 555-0100", "confirmed time", " ")
    ]
    assert targets == [
        "/calls/CA1",
        "/calls?number=%2B14155550100&sought=%2B1+%28415%29+555-0100",
        "/calls?q=confirmed+time&sought=confirmed+time",
        "/calls",
    ]


def test_call_page_shows_its_facts(browser: Browser) -> None:
    browser.service.report("CA1", {"status": "ringing"}, raw=b"CallStatus=ringing")
    browser.service.report("CA1", DONE, raw=b"CallStatus=completed")
    browser.sign_in()
    page = browser.get("/calls/CA1").text
    assert "Outbound to +14155550100 on route support" in page
    assert "talked 2 min 22 s" in page
    assert page.count("<circle class=") == 2
    assert "CallStatus=completed" not in page
    assert "Raw bodies need the scope transcripts:read" in page


def test_facts_show_what_each_one_changed(browser: Browser) -> None:
    browser.service.report("CA1", {"status": "ringing", "route": "support"})
    browser.service.report("CA1", DONE)
    browser.service.report("CA1", DONE | {"status": "ringing"})
    browser.sign_in()
    page = browser.get("/calls/CA1").text
    changed = [
        re.findall(r"<dt>(\w+)</dt><dd>", part) for part in re.findall(r'said changed">(.*?)</dl>', page)
    ]
    assert changed[0][:2] == ["status", "created_at"]
    assert {"status", "duration_seconds", "to_number", "summary"} <= set(changed[1])
    assert "route" not in changed[1]
    assert page.count('<p class="soft">nothing</p>') == 1
    assert "Bold: values of the record that the fact changed" in page
    assert "other values</summary>" in page


def test_raw_bodies_need_their_scope(browser: Browser) -> None:
    browser.service.report("CA1", DONE, raw=b"CallStatus=completed")
    key = browser.service.new_key("calls:read", "transcripts:read")["authorization"].removeprefix("Bearer ")
    browser.sign_in(key)
    assert "CallStatus=completed" in browser.get("/calls/CA1").text


def test_call_of_another_tenant_is_not_found(browser: Browser) -> None:
    browser.service.bench.add_tenant("other")
    browser.service.report("CA1", DONE, tenant="other")
    browser.sign_in()
    assert browser.get("/calls/CA1").status_code == 404
    assert rows(browser.get("/calls")) == []


def test_listed_calls_are_exported(browser: Browser) -> None:
    for number in range(3):
        browser.service.report(f"CA{number}", DONE)
    browser.sign_in()
    found = re.search(
        r'<a href="(/calls-export[^"]+format=csv)"', browser.get("/calls?route=support&limit=25").text
    )
    assert found
    browser.service.report("CA9", DONE)
    answer = browser.get(unescape(found[1]))
    assert answer.headers["content-type"].startswith("text/csv")
    assert len(answer.text.splitlines()) == 1 + 3


def test_assets_are_served(browser: Browser) -> None:
    for name in ("dashboard.css", "dashboard.js", "mark.svg"):
        assert browser.get(f"/assets/{name}").status_code == 200


def test_error_page_shows_each_error_once(browser: Browser) -> None:
    browser.sign_in()
    page = unescape(browser.get("/calls?status=gone").text)
    assert page.count("status must be one or more of") == 1
    page = unescape(browser.get("/calls?status=gone&direction=up").text)
    assert "<li>status must be" in page
    assert page.count("<li>direction must be") == 1
    assert "<code>" not in page


def test_the_form_to_sign_in_is_short(browser: Browser) -> None:
    assert browser.sign_in("x" * 16_000).status_code == 403
    assert browser.sign_in("x" * 17_000).status_code == 413
