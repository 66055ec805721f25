"""Each filter of the list in the API's reference, on the list page and in the form of exports."""

import re
from html import unescape
from urllib.parse import urlencode

import pytest

from calltally.calls.filters import FILTERS, WINDOW_FIELDS, active_fields
from calltally.calls.list_query import parse_list_query
from calltally.calls.parameters import Parameter
from calltally.web.api.call_logs.list_calls import LIST
from calltally.web.api.exports.schemas import filter_values
from calltally.web.dashboard.jobs import exports_page
from tests.integration.store.probing import submit
from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.service import Service
from tests.sample_facts import own

NAMES = [row.name for row in FILTERS]


def filter_of(row: Parameter) -> dict[str, str]:
    return {row.name: row.example}


def test_reference_has_every_filter(service: Service) -> None:
    document = service.get("/openapi.json").json()
    parameters = document["paths"]["/api/v1/call-logs"]["get"]["parameters"]
    assert {each["name"] for each in parameters} >= set(NAMES)
    assert {row.name for row in LIST.query} >= set(NAMES)


def test_form_of_the_list_has_every_filter(service: Service, browser: Browser) -> None:
    submit(service.bench, own(0, "call-1", status="completed"))
    browser.sign_in(service.new_key("calls:read", "pii:read")["authorization"].removeprefix("Bearer "))
    form = browser.get("/calls").text
    inputs = set(re.findall(r'<(?:input|select)[^>]* name="(\w+)"', form))
    assert {name.removesuffix("_local") for name in inputs} >= set(NAMES)


def test_list_page_applies_every_filter_and_shows_it(service: Service, browser: Browser) -> None:
    key = service.new_key("calls:read", "pii:read")
    browser.sign_in(key["authorization"].removeprefix("Bearer "))
    submit(service.bench, own(0, "call-1", status="busy", direction="inbound", escalated=False))
    for row in FILTERS:
        query = urlencode(filter_of(row))
        total = service.get(f"/api/v1/call-logs?{query}", key).json()["total"]
        displayed = unescape(browser.get(f"/calls?{query}").text)
        assert f'<span class="soft">{row.name}</span> <b>{row.example}</b>' in displayed
        assert (total == 0) == ("No call matches" in displayed), row.name


@pytest.mark.parametrize("row", FILTERS, ids=NAMES)
def test_exports_describe_every_filter(row: Parameter) -> None:
    calls = parse_list_query([(row.name, row.example)], allow_tenant=False).filter
    assert active_fields(calls) == (row.field,)
    has_own_member = row.field in WINDOW_FIELDS
    described = filter_values(calls)
    assert set(described) == (set() if has_own_member else {row.name})
    for text in (text for texts in described.values() for text in texts):
        assert text == row.example or text == row.example.replace("Z", ".000000Z")
        assert parse_list_query([(row.name, text)], allow_tenant=False).filter == calls
    assert (row.name in exports_page._FILTERS) != has_own_member
