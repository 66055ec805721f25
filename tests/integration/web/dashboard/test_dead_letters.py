"""The dead-letter pages over a real store: list, raw request by scope, replay."""

import re
from html import unescape

import pytest

from calltally.ingest.callbacks import write_letter
from calltally.ingest.intake import Intake
from calltally.store.tenants.dead_letters import put_dead_letter
from calltally.store.tenants.tenants import set_masking
from tests.conftest import TENANT, Bench
from tests.integration.ingest.test_replay import LEARNT, REASON, parked
from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.service import ADMIN


@pytest.fixture
def letters(bench: Bench) -> list[str]:
    """Store three dead letters, the first of them received twice; return their ids."""
    ids = []
    for number in (1, 2, 3, 1):
        letter = write_letter("twilio", parked(number), REASON)
        bench.run(bench.store.write(put_dead_letter(TENANT, letter)))
        ids.append(letter.letter_id.hex())
    return ids[:3]


def signed_in(browser: Browser, *scopes: str) -> Browser:
    browser.sign_in(browser.service.new_key("calls:read", *scopes)["authorization"].removeprefix("Bearer "))
    browser.get("/settings")
    return browser


def page(browser: Browser, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    return " ".join(unescape(answer.text).split())


def teach(browser: Browser) -> None:
    """Make the service understand the letters."""
    deps = browser.service.deps
    deps.__dict__["intake"] = Intake(deps.store, deps.vault, deps.clock, providers=LEARNT)


def test_letters_are_listed_with_cause_provider_and_count(browser: Browser, letters: list[str]) -> None:
    displayed = page(signed_in(browser), "/dead-letters")
    assert set(re.findall(r'href="/dead-letters/([0-9a-f]{32})"', displayed)) == set(letters)
    assert len(re.findall(rf'<td[^>]*>twilio</td><td[^>]*class="cause">{REASON}</td>', displayed)) == 3
    assert sorted(re.findall(r'class="number">(\d)</td></tr>', displayed)) == ["1", "1", "2"]
    assert "To replay dead letters, your key needs the scope events:write." in displayed
    assert browser.post("/dead-letters", letter=letters[0]).status_code == 403
    assert "No dead letters." in page(browser, "/dead-letters?provider=vonage")
    assert 'rel="next"' in page(browser, "/dead-letters?limit=2")


def test_settings_lead_to_the_letters(browser: Browser, letters: list[str]) -> None:
    assert '<a href="/dead-letters">3 dead letters</a>' in page(signed_in(browser), "/settings")
    admin = Browser(browser.service)
    admin.sign_in(ADMIN["x-admin-key"], tenant=TENANT)
    displayed = page(admin, "/settings")
    assert '<a href="/dead-letters?provider=twilio">3 dead letters</a>' in displayed
    assert len(letters) == 3


def test_raw_request_needs_the_scope_of_raw_bodies(
    browser: Browser, bench: Bench, letters: list[str]
) -> None:
    path = f"/dead-letters/{letters[0]}"
    displayed = page(signed_in(browser), path)
    assert "waits for a replay" in displayed
    assert "received once more" in displayed
    assert "To see the request with its raw body, your key needs the scope transcripts:read." in displayed
    assert "CallStatus=parked" not in displayed
    displayed = page(signed_in(browser, "transcripts:read"), path)
    assert "CallStatus: parked" in displayed
    assert "CallStatus=parked&To=%2B14155550100" in displayed
    assert "https://calls.example.com/1" in displayed
    bench.run(bench.store.write(set_masking(TENANT, masks=True)))
    browser.service.deps.keys.forget_tenant(TENANT)
    displayed = page(browser, path)
    assert "and need the scope pii:read." in displayed
    assert "CallStatus" not in displayed.replace(REASON, "")


def test_a_letter_is_replayed_with_its_result(browser: Browser, bench: Bench, letters: list[str]) -> None:
    bench.now_us += 60_000_000
    path = f"/dead-letters/{letters[0]}"
    signed_in(browser, "events:write")
    failed = browser.post(f"{path}/replay")
    assert (failed.status_code, "0 read (no facts), 1 still not readable." in failed.text) == (200, True)
    assert "not one of queued" in unescape(failed.text)
    teach(browser)
    done = browser.post(f"{path}/replay")
    assert "1 read (1 applied), 0 still not readable." in done.text
    assert "replayed 20" in done.text
    assert 'action="' + path not in done.text
    assert "Nothing to replay" in browser.post(f"{path}/replay").text
    assert len(re.findall('href="/dead-letters/[0-9a-f]', page(browser, "/dead-letters"))) == 2


def test_a_page_of_letters_is_replayed(browser: Browser, letters: list[str]) -> None:
    signed_in(browser, "events:write")
    teach(browser)
    displayed = page(browser, "/dead-letters")
    assert "Replay these 3" in displayed
    # The fields of a form with a repeated name.
    first = browser.post("/dead-letters", letter=letters[0])
    assert "1 read (1 applied)" in first.text
    assert page(browser, "/calls").count('class="call') >= 1


def test_unknown_and_other_tenants_letters_are_not_found(browser: Browser, bench: Bench) -> None:
    bench.add_tenant("other")
    letter = write_letter("twilio", parked(1), REASON)
    bench.run(bench.store.write(put_dead_letter("other", letter)))
    signed_in(browser, "events:write", "transcripts:read")
    for name in (letter.letter_id.hex(), "0" * 32, "none", "zz"):
        assert browser.get(f"/dead-letters/{name}").status_code == 404
    assert "Nothing to replay" in browser.post("/dead-letters", letter=letter.letter_id.hex()).text
    assert "No dead letters." in page(browser, "/dead-letters")
