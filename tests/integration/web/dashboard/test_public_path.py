"""The whole service under a path of its host, as behind a proxy that shares the host with others."""

import re
from html import unescape

import pytest

from calltally.calls.events import StatedFields
from tests.conftest import TENANT, Bench
from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.service import ADMIN, LIST, Answer, Service

HOST = "https://calls.example"
DONE: StatedFields = {"status": "completed", "direction": "outbound", "route": "support"}
# Of every attribute: pages may get further ones with links.
PATHS = re.compile(r' (?!value=)([a-z-]+)="(/[^"]*)"')


@pytest.fixture(params=["/calls-api", "/calls", "/a/b"])
def prefix(request: pytest.FixtureRequest) -> str:
    """Return a path; one of them is also the path of a page."""
    path: str = request.param
    return path


@pytest.fixture
def browser(bench: Bench, prefix: str) -> Browser:
    """Return the browser of an administrator, with four calls to page through."""
    service = Service(bench, public_url=HOST + prefix)
    for number in range(4):
        service.report(f"CA{number}", DONE)
    browser = Browser(service)
    browser.get(f"{prefix}/sign-in")
    signed_in = browser.post(f"{prefix}/sign-in", None, key=ADMIN["x-admin-key"], tenant=TENANT)
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, f"{prefix}/")
    return browser


def paths(page: Answer) -> set[str]:
    return {unescape(path) for _name, path in PATHS.findall(page.text)}


def test_every_link_of_every_page_leads_to_this_service(browser: Browser, prefix: str) -> None:
    starts = {"/", "/?wall=1", "/calls?limit=2", "/quality", "/alerts", "/exports", "/settings", "/docs"}
    open_paths, read = {f"{prefix}{start}" for start in starts} | {f"{prefix}/docs/problems"}, set()
    while open_paths:
        path = open_paths.pop()
        read.add(path)
        page = browser.get(path)
        # The guide is not built in tests, nor are the libraries.
        assert page.status_code in {200, 303} or "/docs/guide" in path or "/assets/" in path, path
        if page.headers.get("content-type", "").startswith("text/html"):
            found = paths(page)
            assert {each for each in found if not each.startswith(f"{prefix}/")} == set(), path
            open_paths |= {each.partition("#")[0] for each in found if _is_page(each, prefix)} - read
    assert {f"{prefix}/reconciliations", f"{prefix}/dead-letters"} <= read
    assert [each for each in read if re.match(f"{prefix}/calls/[0-9a-f-]{{36}}", each)]


def _is_page(path: str, prefix: str) -> bool:
    """Return whether a link is read: one of each page, and no forms."""
    own = path.removeprefix(prefix).partition("#")[0]
    return own in {"/sign-in", "/docs/style.css"} or (
        not own.startswith(("/sign-out", "/preferences", "/calls-", "/settings/", "/assets/"))
        and (own.count("?") == 0 or own.startswith("/calls?limit=2&offset=2"))
    )


def test_redirects_and_cookies_keep_to_the_path(browser: Browser, prefix: str) -> None:
    stranger = Browser(browser.service)
    requested = stranger.get(f"{prefix}/calls?status=failed")
    assert requested.headers["location"] == f"{prefix}/sign-in?next=%2Fcalls%3Fstatus%3Dfailed"
    stranger.get(requested.headers["location"])
    signed_in = stranger.sign_in(next="/calls?status=failed")
    assert signed_in.headers["location"] == f"{prefix}/calls?status=failed"
    cookie = signed_in.headers["set-cookie"]
    assert cookie.startswith("__Secure-calltally_session=")
    assert f"; Path={prefix}; " in cookie
    assert stranger.get(f"{prefix}/docs/guide").headers["location"] == f"{prefix}/docs/guide/"


def test_form_of_an_older_browser_is_accepted_by_its_origin(browser: Browser, prefix: str) -> None:
    key = browser.service.key["authorization"].removeprefix("Bearer ")
    for origin, status in ((HOST, 303), (HOST + prefix, 403), ("https://other.example", 403)):
        answer = Browser(browser.service).post(f"{prefix}/sign-in", {"origin": origin}, key=key)
        assert answer.status_code == status, origin


def test_api_is_found_under_the_path_and_links_to_it(browser: Browser, prefix: str) -> None:
    listed = browser.service.get(f"{prefix}{LIST}?limit=2")
    assert listed.links["next"]["url"].startswith(f"{HOST}{prefix}{LIST}?")
    problem = browser.service.get(f"{prefix}{LIST}?limit=0").json()
    assert problem["type"] == f"{prefix}/docs/problems#invalid-parameter"
    assert problem["instance"] == f"{prefix}{LIST}"
    document = browser.service.get(f"{prefix}/openapi.json").json()
    assert document["servers"] == [{"url": HOST + prefix}]


def test_probe_finds_the_service_without_the_path(browser: Browser, prefix: str) -> None:
    assert browser.service.get("/readyz").status_code == 200
    assert browser.service.get(f"{prefix}/readyz").status_code == 200
    assert browser.service.get(f"{prefix}-other/readyz").status_code == 404
    assert (
        browser.service.get(prefix, {"accept": "text/html"})
        .headers["location"]
        .startswith(f"{prefix}/sign-in?")
    )
