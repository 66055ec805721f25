"""Commands on the pages run as printed, with the key in the named variable."""

import os
import re
import shlex
from html import unescape

import pytest

from tests.conftest import Bench
from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.dashboard.test_quality import LAUNCHED, WINDOW, calls
from tests.integration.web.service import Answer, Service

PRINTED = re.compile(r"<pre[^>]*>\s*(curl\s.*?)</pre>", re.DOTALL)


def done(service: Service, command: str) -> Answer:
    """Run the request of a command."""
    _curl, flags, url, *options = shlex.split(os.path.expandvars(command.replace("\\\n", "")))
    assert flags == "-sS"
    given = list(zip(options[::2], options[1::2], strict=True))
    headers = dict(value.split(": ", 1) for name, value in given if name == "-H")
    data = [value for name, value in given if name == "-d"]
    assert {name for name, _value in given} <= {"-H", "-d"}
    exchange = service._request("POST" if data else "GET", url, headers, "".join(data).encode())
    return service.bench.run(exchange)


def commands(browser: Browser, path: str) -> list[str]:
    page = browser.get(path)
    assert page.status_code == 200
    return [unescape(found) for found in PRINTED.findall(page.text)]


@pytest.fixture
def signed_in(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> Browser:
    key = browser.service.new_key("calls:read", "events:write")["authorization"].removeprefix("Bearer ")
    monkeypatch.setenv("CALLTALLY_API_KEY", key)
    browser.sign_in(key)
    return browser


@pytest.mark.parametrize("path", ["/", "/calls"])
def test_example_event_of_an_empty_tenant_is_accepted(signed_in: Browser, path: str) -> None:
    [first] = commands(signed_in, path)
    assert done(signed_in.service, first).json()["outcomes"][0]["outcome"] == "applied"
    [listing] = commands(signed_in, "/calls")
    assert done(signed_in.service, listing).json()["data"][0]["call_sid"] == "first-call"


@pytest.mark.parametrize("path", [f"/quality?{WINDOW}", f"/quality/launch?agent=vera&{LAUNCHED}"])
def test_numbers_of_a_page_equal_those_of_its_command(signed_in: Browser, bench: Bench, path: str) -> None:
    calls(bench, "sales", 3, agent="vera", status="completed")
    [command] = commands(signed_in, path)
    assert done(signed_in.service, command).status_code == 200


def test_call_page_equals_its_command(signed_in: Browser, bench: Bench) -> None:
    calls(bench, "sales", 1)
    [call] = signed_in.service.get("/api/v1/call-logs").json()["data"]
    [command] = commands(signed_in, f"/calls/{call['id']}")
    assert done(signed_in.service, command).json()["id"] == call["id"]
