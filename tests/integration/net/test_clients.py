"""HTTP clients of the commands and for providers, against a server of the standard library."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.net import HttpClient, HttpResponse, RetryingClient
from calltally.retry_policy import RetryPolicy


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Echo(BaseHTTPRequestHandler):
    """Answers 201 with the request; `/away` redirects."""

    protocol_version = "HTTP/1.1"
    echoed_headers: ClassVar[list[str]] = ["content-type", "x-own"]

    def _answer(self) -> None:
        received = self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps(
            [
                self.command,
                self.path,
                received.decode(),
                *(self.headers.get(name) for name in self.echoed_headers),
            ]
        ).encode()
        self.send_response(302 if self.path == "/away" else 201)
        self.send_header("location", "/elsewhere")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815 (the names that the standard library looks for)

    def log_message(self, *_parts: object) -> None:
        """Log nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with serving(Echo) as url:
        yield url


def test_get_form_and_json_requests(url: str) -> None:
    with HttpClient() as client:
        page = client.get(f"{url}/p?a=%2B1", {"x-own": "1"})
        encoded = "application/x-www-form-urlencoded"
        headers = {"x-own": "2", "content-type": encoded}
        form = client.post(f"{url}/f", b"From=%2B1+2&b=%C3%BC", headers)
        sent = client.post_json(f"{url}/j", [{"a": None}])
    assert page.status == form.status == sent.status == 201
    assert json.loads(page.body) == ["GET", "/p?a=%2B1", "", None, "1"]
    assert json.loads(form.body) == ["POST", "/f", "From=%2B1+2&b=%C3%BC", encoded, "2"]
    assert json.loads(sent.body) == ["POST", "/j", '[{"a":null}]', "application/json", None]


def test_redirect_is_returned(url: str) -> None:
    with HttpClient() as client:
        answer = client.get(f"{url}/away")
    assert (answer.status, answer.headers["location"]) == (302, "/elsewhere")


def test_no_answer_is_a_connection_error(url: str) -> None:
    with (
        HttpClient(timeout_s=5) as client,
        pytest.raises(ConnectionError, match=r"no answer from 127\.0\.0\.1"),
    ):
        client.get(url.rpartition(":")[0] + ":1/")


@contextmanager
def answering(*answers: tuple[int, str | None]) -> Iterator[tuple[str, list[str]]]:
    """Serve these statuses with their Retry-After, one after the other; yield the URL and the credentials."""
    left, observed = list(answers), list[str]()

    class Handler(Echo):
        def do_GET(self) -> None:
            observed.append(self.headers["authorization"])
            status, after = left.pop(0)
            self.send_response(status)
            if after is not None:
                self.send_header("retry-after", after)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

    with serving(Handler) as url:
        yield f"{url}/", observed


def got(
    url: str, *, tries: int = 4, chance: Callable[[], float] = lambda: 0.5
) -> tuple[HttpResponse, list[float]]:
    waits: list[float] = []

    async def pause(seconds: float) -> None:
        waits.append(seconds)

    async def session() -> HttpResponse:
        retry_policy = RetryPolicy(tries, first_s=1.0, max_s=30.0)
        async with RetryingClient(chance, timeout_s=5, retry_policy=retry_policy, pause=pause) as client:
            return await client.request(url, {"authorization": "Basic x"})

    return asyncio.run(session()), waits


def test_temporary_errors_are_retried_after_the_requested_delay() -> None:
    with answering((429, "7"), (503, None), (502, "600"), (200, None)) as (url, observed):
        answer, waits = got(url)
    assert (answer.status, answer.body) == (200, b"ok")
    # As asked for and a bit, then half of a span that grew, then no longer than the longest.
    assert waits == [7.5, 1.0, 30.0]
    assert observed == ["Basic x"] * 4


def test_last_response_is_reported_after_all_retries() -> None:
    with answering((429, "Sun, 06 Nov 1994 08:49:37 GMT"), (504, None)) as (url, _):
        answer, waits = got(url, tries=2)
    assert (answer.status, waits) == (504, [0.5])


@pytest.mark.parametrize("status", [200, 302, 401, 404, 500])
def test_other_answers_are_final(status: int) -> None:
    with answering((status, None)) as (url, _):
        answer, waits = got(url)
    assert (answer.status, waits) == (status, [])


def test_nobody_there() -> None:
    with answering() as (url, _):
        pass
    with pytest.raises(ConnectionError, match=r"no answer from 127\.0\.0\.1"):
        got(url, tries=3)


@given(st.integers(1, 40), st.sampled_from([None, 0.0, 12.0, 1e9]), st.floats(0, 1))
def test_no_wait_is_longer_than_the_longest(attempt: int, requested: float | None, chance: float) -> None:
    wait_s = RetryPolicy(first_s=0.5, max_s=60.0).delay_s(attempt, chance, requested)
    assert 0 <= wait_s <= 60
    if requested == 12.0:
        assert wait_s >= 12
