"""Alert destinations on the settings page: made, tested, changed and deleted."""

import re
from html import unescape

import pytest

from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.dashboard.test_settings_page import page, signed_in

PUBLIC = "https://203.0.114.7/alerts"


@pytest.fixture
def operator(browser: Browser) -> Browser:
    return signed_in(browser, "calls:read", "alerts:write")


def test_destination_is_made_tested_and_deleted(operator: Browser) -> None:
    assert "No alert destinations." in page(operator)
    assert 'name="setting.secret" type="password"' in page(operator, "?sink=webhook")
    fields = {"kind": "webhook", "name": "our own", "setting.url": "http://127.0.0.1:9/x"}
    refused = operator.post("/settings/sinks", None, **fields)
    assert refused.status_code == 400
    assert 'value="http://127.0.0.1:9/x" required aria-invalid="true"' in refused.text
    assert "the URL is refused" in refused.text
    made = operator.post("/settings/sinks", None, **{**fields, "setting.url": PUBLIC})
    [secret] = re.findall(r"whsec_[\w+/=]+", unescape(made.text))
    displayed = page(operator)
    assert (secret in displayed, PUBLIC in displayed, "our own" in displayed) == (False, True, True)
    [sink] = set(re.findall(r'name="sink" value="([0-9a-f-]{36})"', displayed))
    tested = operator.post("/settings/sinks/test", sink=sink)
    assert tested.status_code == 200
    assert "The test notification to our own failed:" in unescape(tested.text)
    assert operator.post("/settings/sinks/shout", sink=sink).status_code == 404
    operator.post("/settings/sinks/delete", sink=sink)
    assert "No alert destinations." in page(operator)


def test_destination_is_changed_and_its_secret_entered_again(operator: Browser) -> None:
    fields = {"kind": "email", "name": "night shift", "setting.host": "mail.example.com"}
    fields |= {"setting.from": "calls@example.com", "setting.port": "2525", "setting.password": "pass-2525"}
    made = operator.post("/settings/sinks", None, **fields, **{"setting.to": "a@example.com b@example.com"})
    assert made.status_code == 303, made.text
    [sink] = set(re.findall(r'name="sink" value="([0-9a-f-]{36})"', page(operator)))
    displayed = page(operator, f"?edit={sink}")
    assert 'value="a@example.com, b@example.com"' in displayed
    assert 'value="2525"' in displayed
    assert "pass-2525" not in displayed
    changed = {"kind": "email", "sink": sink, "name": "day shift", "setting.host": "mail.example.com"}
    refused = operator.post("/settings/sinks", None, **changed, **{"setting.port": "none"})
    assert refused.status_code == 400
    assert 'value="none"' in refused.text
    changed |= {"setting.from": "calls@example.com", "setting.to": "c@example.com"}
    assert operator.post("/settings/sinks", None, **changed).status_code == 303
    assert "day shift" in page(operator)
    assert "night shift" not in page(operator)


def test_refused_destination_is_explained_and_keeps_what_was_typed(operator: Browser) -> None:
    values = {"kind": "slack", "name": "ops", "setting.url": "slack"}
    refused = operator.post("/settings/sinks", None, **values)
    assert refused.status_code == 400
    assert "url must have at least 8 characters" in refused.text
    assert ' value="slack"' in refused.text
    assert ' value="ops"' in refused.text


def test_destinations_need_their_scope(browser: Browser) -> None:
    signed_in(browser, "calls:read")
    assert browser.post("/settings/sinks", kind="slack", name="x").status_code == 403
    assert browser.post("/settings/sinks/test", sink="x").status_code == 403
