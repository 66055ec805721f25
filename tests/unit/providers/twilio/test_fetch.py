"""Requests for Twilio's list and handling of responses, without HTTP."""

from base64 import b64decode
from urllib.parse import parse_qsl, urlsplit

import pytest

from calltally.calls.errors import CalltallyError, Misconfigured, NotUnderstood, Unavailable
from calltally.calls.times import parse_instant
from calltally.providers.call_fetcher import (
    ApiAccess,
    ApiRequest,
    ApiResponse,
    FetchedPage,
    FetchGenerator,
    StartWindow,
    T,
)
from calltally.providers.twilio.fetch import FETCHER

ACCOUNT = "AC" + "a" * 32
SECRETS = {"account_sid": ACCOUNT, "auth_token": "token"}
ACCESS = ApiAccess("https://api.example.com/", SECRETS, parse_instant("2026-11-02"))
OCTOBER = StartWindow(parse_instant("2026-10-01"), parse_instant("2026-11-01") - 1)


def first_request(step: FetchGenerator[T]) -> ApiRequest:
    return next(step)


def page_of_response(status: int, body: bytes) -> FetchedPage:
    step = FETCHER.list_page(ACCESS, OCTOBER, None)
    next(step)
    with pytest.raises(StopIteration) as done:
        step.send(ApiResponse(status, body))
    listing: FetchedPage = done.value.value
    return listing


def test_the_first_request_covers_the_window_in_whole_seconds() -> None:
    request = first_request(FETCHER.list_page(ACCESS, OCTOBER, None))
    split = urlsplit(request.url)
    assert f"{split.scheme}://{split.netloc}{split.path}" == (
        f"https://api.example.com/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
    )
    assert parse_qsl(split.query) == [
        ("StartTime>", "2026-10-01T00:00:00Z"),
        ("StartTime<", "2026-11-01T00:00:00Z"),
        ("PageSize", "1000"),
    ]
    scheme, credentials = request.headers["authorization"].split()
    assert (scheme, b64decode(credentials).decode()) == ("Basic", f"{ACCOUNT}:token")


def test_the_next_request_follows_the_link_of_the_page() -> None:
    cursor = f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json?Page=1&PageToken=PACA1"
    body = f'{{"calls": [], "next_page_uri": "{cursor}"}}'.encode()
    assert page_of_response(200, body) == FetchedPage([], cursor)
    assert page_of_response(200, b'{"calls": [], "next_page_uri": null}') == FetchedPage([], None)
    request = first_request(FETCHER.list_page(ACCESS, OCTOBER, cursor))
    assert request.url == f"https://api.example.com{cursor}"


@pytest.mark.parametrize(
    "cursor", ["https://elsewhere.example/", "//elsewhere.example/x", "@elsewhere.example/", "/x"]
)
def test_links_to_other_addresses_are_refused(cursor: str) -> None:
    with pytest.raises(NotUnderstood, match="leads to another address"):
        first_request(FETCHER.list_page(ACCESS, OCTOBER, cursor))


@pytest.mark.parametrize(
    ("status", "body", "error", "message"),
    [
        (401, b'{"message": "Authenticate"}', Misconfigured, r"401 \(Authenticate\): account_sid"),
        (403, b"", Misconfigured, "403: account_sid"),
        (429, b"[]", Unavailable, "429; completed work is saved"),
        (500, b'{"message": 7}', Unavailable, "500; completed work is saved"),
        (302, b"", NotUnderstood, "302; check the address"),
        (200, b"<html>", NotUnderstood, "not JSON"),
        (200, b"[]", NotUnderstood, "not a page of calls"),
        (200, b'{"calls": {}}', NotUnderstood, "not a page of calls"),
    ],
)
def test_unexpected_responses_raise_an_error(
    status: int, body: bytes, error: type[CalltallyError], message: str
) -> None:
    step = FETCHER.list_page(ACCESS, OCTOBER, None)
    next(step)
    with pytest.raises(error, match=message):
        step.send(ApiResponse(status, body))
