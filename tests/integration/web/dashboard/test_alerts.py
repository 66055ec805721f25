"""The alert pages over a real store."""

import json
import re
from html import unescape

import pytest
from msgspec.structs import replace

from calltally.alerts.evaluation.alert_lifecycle import new_alert
from calltally.alerts.model.finding import AlertFinding, AlertKind, FindingChange, FindingEvidence
from calltally.alerts.model.series import STEP_US, Dimension, SeriesKey
from calltally.calls.times import DAY_US
from calltally.store.alerts.alerts import Alert, open_alert
from calltally.web.dashboard import rendering
from tests.conftest import TENANT, Bench
from tests.integration.alerts.evaluating import finding, submit_unanswered
from tests.integration.web.dashboard.browsing import Browser
from tests.sample_facts import START_US

SUPPORT = SeriesKey(Dimension.ROUTE, "support")
BEGAN_US = START_US // STEP_US * STEP_US
SENTENCE = "No-answer on support: 40 % against 12 % expected (8 to 16 %), since 14:10, 50 calls"


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that the chart library is present."""
    monkeypatch.setattr(rendering, "built_file", lambda _name: b"")


def opened(
    bench: Bench, found: AlertFinding | None = None, message: str = SENTENCE, tenant: str = TENANT
) -> Alert:
    """Open an alert at the start of the test's calls."""
    bench.now_us = BEGAN_US + 3 * 3_600_000_000
    alert_finding = found or finding(
        FindingChange.BEGAN, SUPPORT, BEGAN_US, children=(SeriesKey(Dimension.AGENT, "vera"),)
    )
    return bench.run(
        bench.store.write(open_alert(tenant, new_alert(tenant, alert_finding, message, bench.now_us)))
    )


def links(browser: Browser, query: str = "") -> list[str]:
    page = browser.get(f"/alerts{query}")
    assert page.status_code == 200, page.text
    return re.findall(r'<a class="says" href="([^"]+)">', page.text)


def writer(browser: Browser) -> None:
    key = browser.service.new_key("calls:read", "alerts:write")["authorization"].removeprefix("Bearer ")
    browser.sign_in(key)


def test_alerts_are_listed_as_sentences(bench: Bench, browser: Browser) -> None:
    opened(bench)
    browser.sign_in()
    page = browser.get("/alerts").text
    # No line breaks before a percent sign.
    assert SENTENCE.replace(" %", "\N{NARROW NO-BREAK SPACE}%") in page
    assert 'unusual rate · since 2026-09-21 14:10 UTC · <span class="steady">for 3 h 0 min</span>' in page
    assert 'action="/alerts/' not in page


def test_one_alert_has_its_chart_its_evidence_its_calls_and_its_history(
    bench: Bench, browser: Browser
) -> None:
    submit_unanswered(bench, 0, 12)
    opened(bench)
    browser.sign_in()
    [path] = links(browser)
    page = browser.get(path).text
    data = json.loads(re.findall(r'id="chart-data">(.*?)</script>', page)[0])
    points = data["columns"][0]["rates"]["no_answer_rate"]
    assert [point for point in points if point[3]] == [
        [1.0, pytest.approx(0.757, abs=0.01), 1.0, 12, 1, 0.12]
    ]
    assert [point[5] for point in points].count(0.12) == 1
    assert data["marks"][0]["at"] == next(at for at, point in enumerate(points) if point[3])
    assert (data["columns"][0]["calls"], data["narrow"]) == (
        "route=support",
        {"no_answer_rate": "status=no-answer"},
    )
    assert "with agent vera" in page
    assert "an alert this strong would occur 0.01 times a week" in page
    assert "opened" in page
    [calls] = re.findall(r'<a class="button" href="(/calls\?status=no-answer[^"]+)"', page)
    assert browser.get(unescape(calls)).status_code == 200


def test_a_long_alert_has_wider_points(bench: Bench, browser: Browser) -> None:
    found = finding(FindingChange.BEGAN, SeriesKey(Dimension.TENANT), BEGAN_US)
    longer = replace(found, evidence=replace(found.evidence, to_us=BEGAN_US + 20 * DAY_US))
    opened(bench, longer)
    browser.sign_in()
    data = json.loads(re.findall(r'id="chart-data">(.*?)</script>', browser.get(links(browser)[0]).text)[0])
    assert (data["step"], data["columns"][0]["name"]) == ("day", "all calls")
    assert 40 < len(data["labels"]) <= 144


def test_alert_without_a_rate_has_numbers_and_its_calls(bench: Bench, browser: Browser) -> None:
    found = finding(FindingChange.BEGAN, SUPPORT, BEGAN_US)
    evidence = FindingEvidence(SUPPORT, None, BEGAN_US, BEGAN_US + STEP_US, 0, 0, 0.0, 12.0, 8.5, 20.0)
    silence = replace(found, kind=AlertKind.SILENCE, metric=None, evidence=evidence, sids=("CA1",), listed={})
    opened(bench, silence, "No call of route support since 14:10")
    counted = replace(evidence, low=0.0, high=0.0)
    stuck = replace(silence, kind=AlertKind.MISSING_FINAL_STATE, evidence=counted, budget_a_week=0.0)
    opened(bench, stuck, "No final state on support")
    browser.sign_in()
    pages = {text for path in links(browser) if (text := browser.get(path).text)}
    assert all("canvas" not in page and 'href="/calls/CA1"' in page for page in pages)
    assert sum("8.5 to 20" in page for page in pages) == 1
    # A count has no false-alarm rate.
    assert sum("an alert this strong would occur" in page for page in pages) == 1


def test_alert_is_acknowledged_muted_and_resolved(bench: Bench, browser: Browser) -> None:
    opened(bench)
    writer(browser)
    [path] = links(browser)
    browser.get(path)
    answer = browser.post(f"{path}/acknowledge", note="The carrier knows.\0", next=path)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    page = browser.get(path).text
    assert "</svg>Acknowledged</span>" in page
    assert "The carrier knows." in page
    # The key that acknowledged it has a name, and the service opened it.
    assert "<td>acknowledged</td><td>test</td>" in page
    assert "<td>opened</td><td>automatic</td>" in page
    assert f'action="{path}/acknowledge"' not in page
    assert browser.post(f"{path}/mute", hours="8", next="/alerts").headers["location"] == "/alerts"
    assert "muted until 2026-09-22 01:10 UTC" in browser.get("/alerts").text
    browser.post(f"{path}/unmute")
    assert "muted until" not in browser.get("/alerts").text
    browser.post(f"{path}/resolve")
    assert links(browser) == []
    assert links(browser, "?state=resolved") == links(browser, "?state=all") == [path]
    alert_finding = browser.get(path).text
    assert [
        alert_finding.count(f"<td>{what}</td>")
        for what in ("opened", "acknowledged", "muted", "unmuted", "resolved")
    ] == [1] * 5
    assert "lasted 3 h 0 min" in alert_finding


@pytest.mark.parametrize("hours", ["0", "-1", "1000", "soon", "", "9" * 5_000])
def test_a_mute_has_an_end(bench: Bench, browser: Browser, hours: str) -> None:
    opened(bench)
    writer(browser)
    [path] = links(browser)
    assert browser.post(f"{path}/mute", hours=hours).status_code == 400


def test_a_key_that_may_only_read_changes_nothing(bench: Bench, browser: Browser) -> None:
    opened(bench)
    browser.sign_in()
    [path] = links(browser)
    assert browser.post(f"{path}/resolve").status_code == 403
    assert links(browser) == [path]


def test_a_form_without_the_sessions_token_changes_nothing(bench: Bench, browser: Browser) -> None:
    opened(bench)
    writer(browser)
    [path] = links(browser)
    browser.csrf = "guessed"
    assert browser.post(f"{path}/resolve").status_code == 403
    assert links(browser) == [path]


def test_unknown_action_and_other_tenants_alert_are_refused(bench: Bench, browser: Browser) -> None:
    bench.add_tenant("other")
    opened(bench, tenant="other")
    writer(browser)
    assert links(browser) == []
    assert "calltally alerts backtest acme" in browser.get("/alerts?state=resolved").text
    other = "/alerts/0ef25721-2dd6-8ff5-9d50-25a73830586a"
    assert [browser.get(other).status_code, browser.post(f"{other}/resolve").status_code] == [404, 404]
    assert browser.post(f"{other}/shout").status_code == 404
    assert browser.get("/alerts?state=gone").status_code == 400


def test_the_list_is_filtered_and_paged(bench: Bench, browser: Browser) -> None:
    for number in range(3):
        opened(
            bench,
            finding(FindingChange.BEGAN, SeriesKey(Dimension.ROUTE, f"r{number}"), BEGAN_US),
            f"on r{number}",
        )
    browser.sign_in()
    assert len(links(browser, "?kind=rate&route=r1")) == 1
    first = browser.get("/alerts?limit=2").text
    [after] = re.findall(r'<a href="([^"]+)" rel="next"', first)
    assert len(links(browser, unescape(after).removeprefix("/alerts"))) == 1
    assert 'rel="prev"' in browser.get(unescape(after)).text
