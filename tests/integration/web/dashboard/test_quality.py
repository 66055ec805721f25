"""The quality pages over a real store."""

import json
import re
from html import unescape
from typing import Any

import pytest

from calltally.alerts.evaluation.alert_lifecycle import new_alert
from calltally.alerts.model.finding import FindingChange
from calltally.alerts.model.series import Dimension, SeriesKey
from calltally.store.alerts.alerts import open_alert
from calltally.web.dashboard import rendering
from tests.conftest import TENANT, Bench
from tests.integration.alerts.evaluating import finding
from tests.integration.store.probing import submit
from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.service import Answer
from tests.sample_facts import START_US, fact

# The tests' calls start at 2026-09-21 13:34 UTC.
WINDOW = "from=2026-09-21&to=2026-09-22&compare=previous"
DONE: dict[str, Any] = {"status": "completed", "talk_seconds": 30}


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that the chart library is present."""
    monkeypatch.setattr(rendering, "built_file", lambda _name: b"")


def calls(bench: Bench, route: str, count: int, at: float = 0, **fields: Any) -> None:  # noqa: ANN401 (values of every kind)
    submit(bench, *(fact(at + n, f"{route}-{at}-{n}", route=route, **(fields or DONE)) for n in range(count)))


def quality_page(browser: Browser, query: str = WINDOW) -> Answer:
    answer = browser.get(f"/quality?{query}")
    assert answer.status_code == 200, answer.text
    return answer


def chart_data(answer: Answer) -> Any:  # noqa: ANN401 (JSON)
    found = re.search(r'<script type="application/json" id="chart-data">(.*?)</script>', answer.text)
    assert found
    return json.loads(found[1])


def test_the_charts_and_the_table_have_the_numbers_of_the_api(bench: Bench, browser: Browser) -> None:
    calls(bench, "sales", 40)
    calls(bench, "support", 3, status="failed")
    calls(bench, "sales", 2, at=-86_400)
    browser.sign_in()
    page = quality_page(browser)
    data = chart_data(page)
    assert [column["name"] for column in data["columns"]] == ["sales", "support"]
    assert data["labels"] == ["2026-09-21"]
    [[value, low, high, of, small, base]] = data["columns"][0]["rates"]["answer_rate"]
    assert (value, of, small, base) == (1, 40, 0, 1)
    assert low < high == 1
    assert data["columns"][1]["rates"]["failure_rate"][0][:1] + data["columns"][1]["rates"]["failure_rate"][
        0
    ][3:5] == [1, 3, 1]
    report = browser.service.get(f"/api/v1/analytics/launch-quality?{WINDOW}&group_by=route,day").json()
    assert report["data"][0]["rates"]["answer_rate"]["low"] == low
    assert "40 / 40" in page.text
    assert 'class="few" title="fewer than 30 calls"' in page.text


def test_row_and_point_link_to_their_calls(bench: Bench, browser: Browser) -> None:
    calls(bench, "sales", 4)
    calls(bench, "support", 2)
    browser.sign_in()
    page = quality_page(browser)
    link = re.search(r'<a href="(/calls\?route=sales[^"]+)">4</a>', page.text)
    assert link
    listed = browser.get(unescape(link[1]))
    assert listed.text.count('class="call"') == 4
    data = chart_data(page)
    assert (data["columns"][0]["calls"], data["narrow"]["failure_rate"]) == ("route=sales", "status=failed")


def test_group_without_list_filter_has_no_link(bench: Bench, browser: Browser) -> None:
    calls(bench, "sales", 4)
    browser.sign_in()
    page = quality_page(browser, f"{WINDOW}&by=country&by=route")
    assert chart_data(page)["columns"][0]["calls"] is None
    assert "unknown · sales" in page.text
    assert not re.search(r'<tr><td>[^<]*</td><td>sales</td><td>[^<]*</td><td class="number"><a', page.text)


def test_alerts_are_marked_on_their_chart_and_linked_below(bench: Bench, browser: Browser) -> None:
    calls(bench, "sales", 4)
    calls(bench, "support", 2)
    for key in (
        SeriesKey(Dimension.ROUTE, "support"),
        SeriesKey(Dimension.TENANT),
        SeriesKey(Dimension.AGENT, "vera"),
    ):
        found = finding(FindingChange.BEGAN, key, START_US)
        bench.run(
            bench.store.write(
                open_alert(TENANT, new_alert(TENANT, found, f"No-answer {key.value}", START_US))
            )
        )
    browser.sign_in()
    page = quality_page(browser)
    marks = [(mark["message"], mark["column"], mark["at"]) for mark in chart_data(page)["marks"]]
    assert sorted(marks, key=str) == [
        ("No-answer ", None, 0),
        ("No-answer support", 1, 0),
        ("No-answer vera", None, 0),
    ]
    assert page.text.count('<a href="/alerts/') == 3
    alone = chart_data(quality_page(browser, f"{WINDOW}&by=all"))
    assert {mark["column"] for mark in alone["marks"] if mark["message"] == "No-answer "} == {0}


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata"])
def test_heat_map_is_equal_from_chart_hours_and_from_a_query(
    bench: Bench, browser: Browser, zone: str
) -> None:
    calls(bench, "sales", 40)
    calls(bench, "sales", 5, at=7_200, status="failed")
    calls(bench, "support", 3, at=3_600, status="failed")
    browser.sign_in()
    quality_page(browser)
    browser.post("/preferences", zone=zone, theme="auto")
    window = "from=2026-09-21T00:00:00Z&to=2026-09-23T00:00:00Z&compare=none"
    weeks = []
    for displayed in (
        "step=hour",
        "step=day",
        "step=hour&by=all",
        "step=hour&rate=busy_rate&heat=answer_rate",
    ):
        found = re.search(
            r'<table class="heat">.*?</table>', quality_page(browser, f"{window}&{displayed}").text, re.DOTALL
        )
        assert found
        weeks.append(found[0])
    assert "40 of 40" in weeks[0]
    assert weeks == [weeks[0]] * 4


def test_chart_data_contains_no_markup(bench: Bench, browser: Browser) -> None:
    calls(bench, "</script><b>", 4)
    browser.sign_in()
    page = quality_page(browser)
    assert "</script><b>" not in page.text
    assert chart_data(page)["columns"][0]["name"] == "</script><b>"


def test_without_the_library_the_numbers_are_in_the_table(
    bench: Bench, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "built_file", lambda _name: None)
    calls(bench, "sales", 4)
    browser.sign_in()
    page = quality_page(browser)
    assert "canvas" not in page.text
    assert "quality.js" not in page.text
    assert '<section class="numbers">' in page.text


def test_period_without_calls_is_reported(browser: Browser) -> None:
    browser.sign_in()
    assert "No calls match in this period" in quality_page(browser).text


def test_number_of_charts_is_limited_and_the_rest_counted(bench: Bench, browser: Browser) -> None:
    for number in range(8):
        calls(bench, f"route-{number}", 1 + number)
    browser.sign_in()
    page = quality_page(browser)
    assert [column["name"] for column in chart_data(page)["columns"]][:2] == ["route-7", "route-6"]
    assert "The table has 2 more groups" in page.text


def test_filters_are_chips_and_stay_in_the_form(bench: Bench, browser: Browser) -> None:
    calls(bench, "sales", 4)
    browser.sign_in()
    page = quality_page(browser, f"{WINDOW}&route=sales&direction=&heat=busy_rate&view=table&rate=busy_rate")
    assert "<b>route</b> sales" in page.text
    assert 'name="route" value="sales"' in page.text
    assert "charted table" in page.text
    assert "Busy rate in percent" in page.text


def test_invalid_query_is_an_error_page_with_a_link_back(browser: Browser) -> None:
    browser.sign_in()
    assert browser.get("/quality?by=luck").status_code == 400
    assert browser.get("/quality?from=2030-01-01").status_code == 400


def test_search_words_filter_the_page(bench: Bench, browser: Browser) -> None:
    calls(bench, "sales", 1, status="completed", summary="about the invoice")
    browser.sign_in()
    assert ">1</a>" in quality_page(browser, f"{WINDOW}&q=invoice").text


def test_csv_equals_that_of_the_api(bench: Bench, browser: Browser) -> None:
    calls(bench, "sales", 4)
    browser.sign_in()
    found = re.search(r'<a href="(/quality-export[^"]+)"', quality_page(browser).text)
    assert found
    answer = browser.get(unescape(found[1]))
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.splitlines()[1].startswith("sales,2026-09-21,")


def test_library_is_served_if_present(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert browser.get("/assets/quality.js").status_code == 200
    monkeypatch.setattr("calltally.web.dashboard.routes.built_file", lambda _name: None)
    assert browser.get("/assets/chart.js").status_code == 404
    monkeypatch.setattr("calltally.web.dashboard.routes.built_file", lambda _name: b"chart()")
    assert browser.get("/assets/chart.js").text == "chart()"


LAUNCHED = "since=2026-09-21T13:00:00Z&to=2026-09-21T18:00:00Z"


@pytest.fixture
def launched(bench: Bench) -> None:
    """Launch an agent that fails far more often than its predecessor."""
    calls(bench, "sales", 60, at=-86_400, agent="vera-1", **DONE)
    calls(bench, "sales", 60, agent="vera-2", status="failed")


@pytest.mark.usefixtures("launched")
def test_launch_has_its_verdict_and_evidence(browser: Browser) -> None:
    browser.sign_in()
    page = browser.get(f"/quality/launch?agent=vera-2&{LAUNCHED}")
    assert "Worse than the baseline vera-1." in page.text
    assert "no more needed" in page.text
    data = chart_data(page)
    hours = {point[3] for point in data["columns"][0]["rates"]["failure_rate"]}
    assert (len(data["labels"]), hours) == (5, {0, 60})
    assert data["columns"][0]["rates"]["failure_rate"][0][5] == 0
    link = re.search(r'<a href="(/calls\?agent=vera-2[^"]+)">60</a>', page.text)
    assert link
    assert browser.get(unescape(link[1])).status_code == 200


@pytest.mark.usefixtures("launched")
def test_launch_form_has_kind_and_name(browser: Browser) -> None:
    browser.sign_in()
    page = browser.get(f"/quality/launch?what=agent&name=vera-2&baseline=&{LAUNCHED}")
    assert "Launch of agent vera-2" in page.text
    assert browser.get("/quality/launch?what=agent").text.count("Enter a route or an agent") == 1


def test_launch_without_a_baseline(bench: Bench, browser: Browser) -> None:
    calls(bench, "sales", 3, agent="vera-2", **DONE)
    browser.sign_in()
    page = browser.get(f"/quality/launch?agent=vera-2&{LAUNCHED}").text
    assert "No earlier calls to compare with" in page
    route = browser.get(f"/quality/launch?route=sales&{LAUNCHED}").text
    assert "No earlier calls to compare with. Enter the time of the launch, or a baseline." in route
    assert "undecided: no calls to compare" in route
    assert "the rates are too close" not in route
    misspelt = browser.get(f"/quality/launch?agent=vera-2&{LAUNCHED}&baseline=vera2").text
    assert "vera2 has no calls in the baseline window (did you mean vera-2?)." in misspelt
    unknown = browser.get("/quality/launch?agent=nobody")
    assert unknown.status_code == 404
    assert 'value="nobody"' in unknown.text
    wrong = browser.get("/quality/launch?agent=nobody&since=yesterday")
    assert (wrong.status_code, 'value="yesterday"' in wrong.text) == (400, True)
