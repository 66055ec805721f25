"""Alert rules as a form: the slider, the fields, and the back-test."""

import re

import pytest

from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.dashboard.test_settings_page import page, signed_in

STOPS = "0.05 0.1 0.25 0.5 1 2 5 10 20"


@pytest.fixture
def operator(browser: Browser) -> Browser:
    return signed_in(browser, "calls:read", "alerts:write")


def form(**changed: str) -> dict[str, str]:
    fields = {"stops": STOPS, "budget": "2", "least_calls": "50", "tz": "Europe/Berlin"}
    return {**fields, "metrics": "failure_rate", "kinds": "rate", **changed}


def stored(browser: Browser) -> dict[str, object]:
    rules: dict[str, object] = browser.service.get("/api/v1/alert-rules").json()
    return rules


def test_rules_are_saved_and_other_rules_stay(operator: Browser) -> None:
    operator.post("/settings/rules", rules='{"holidays": ["2026-12-25"]}')
    displayed = page(operator)
    assert f'name="stops" value="{STOPS}"' in displayed
    assert 'name="budget" min="0" max="8" step="1" value="4"' in displayed
    assert operator.post("/settings/alert-rules", None, **form()).status_code == 303
    assert stored(operator) == {
        "false_alarms_a_week": 0.25,
        "least_calls": 50,
        "tz": "Europe/Berlin",
        "metrics": ["failure_rate"],
        "kinds": ["rate"],
        "holidays": ["2026-12-25"],
    }
    assert '<output data-of="budget">0.25</output>' in page(operator)


def test_a_budget_between_two_stops_stays(operator: Browser) -> None:
    operator.post("/settings/rules", rules='{"false_alarms_a_week": 0.3}')
    assert 'name="stops" value="0.05 0.1 0.25 0.3 0.5 1 2 5 10 20"' in page(operator)
    assert '<output data-of="budget">0.3</output>' in page(operator)


def test_a_refused_rule_keeps_what_was_typed(operator: Browser) -> None:
    refused = operator.post("/settings/alert-rules", None, **form(least_calls="few", tz="Mars"))
    assert refused.status_code == 400
    assert re.search(r'name="least_calls"[^>]* value="few" aria-invalid="true"', refused.text)
    assert 'value="Mars"' in refused.text
    assert 'name="budget" min="0" max="8" step="1" value="2"' in refused.text
    wrong = operator.post("/settings/alert-rules", None, **form(budget="99"))
    assert "choose one of its positions" in wrong.text
    assert stored(operator) == {}


def test_a_back_test_shows_both_rule_sets_and_saves_nothing(operator: Browser) -> None:
    for number in range(3):
        operator.service.report(f"CA{number}", {"status": "completed", "route": "sales"})
    displayed = operator.post("/settings/alert-rules/backtest", None, **form())
    assert displayed.status_code == 200
    assert displayed.text.count("0 alerts</p>") == 2
    assert 'value="50"' in displayed.text
    assert stored(operator) == {}


def test_rules_need_their_scope(browser: Browser) -> None:
    signed_in(browser, "calls:read")
    assert browser.post("/settings/alert-rules", None, **form()).status_code == 403
    assert browser.post("/settings/alert-rules/backtest", None, **form()).status_code == 403
