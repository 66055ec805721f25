"""HTTP client of the commands, against a server of the standard library."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import pytest

from calltally.net import HttpClient


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
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


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
