"""Properties of every response, and of malformed requests."""

import pytest
from litestar.types import Receive, Scope, Send
from structlog.testing import capture_logs

from calltally.calls.errors import Unavailable
from calltally.web.middleware import MAX_BODY_BYTES, RequestMiddleware
from tests.conftest import Bench
from tests.integration.web.service import LIST, Broken, Message, Service, slug


def header(messages: list[Message], name: bytes) -> bytes | None:
    return dict(messages[0]["headers"]).get(name)


@pytest.mark.parametrize("requested", ["a", "trace-1_2.3~4:5/6+7=8@9", "x" * 128])
def test_safe_request_id_is_reused(service: Service, requested: str) -> None:
    assert service.get("/healthz", {"x-request-id": requested}).headers["x-request-id"] == requested


@pytest.mark.parametrize("requested", ["", "x" * 129, "a b", "a\tb", '"a"', "<a>", "a,b"])
def test_unsafe_request_id_is_replaced(service: Service, requested: str) -> None:
    given = service.get("/healthz", {"x-request-id": requested}).headers["x-request-id"]
    assert given != requested
    assert len(given) == 32


@pytest.mark.parametrize("path", [LIST, "/healthz", "/docs", "/nowhere", "/openapi.json"])
def test_every_response_has_the_common_headers(service: Service, path: str) -> None:
    headers = service.get(path).headers
    assert len(headers["x-request-id"]) == 32
    assert headers["x-ratelimit-limit"] == "1000"
    assert headers["x-ratelimit-remaining"] in {"999", "1000"}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["vary"] == "Authorization, Accept, Accept-Encoding"


def test_rate_limit_headers_and_exhaustion(bench: Bench) -> None:
    service = Service(bench, per_minute=2)
    answers = [service.get(LIST) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert slug(answers[2]) == "rate-limited"
    assert answers[2].headers["retry-after"] == "30"
    assert service.get("/healthz").status_code == 200


def test_without_a_limit_there_are_no_rate_limit_headers(bench: Bench) -> None:
    assert "x-ratelimit-limit" not in Service(bench, per_minute=0).get(LIST).headers


@pytest.mark.parametrize("path", [LIST, f"{LIST}/CA1", "/healthz", "/docs", "/nowhere"])
def test_head_is_get_without_the_body(service: Service, path: str) -> None:
    service.report("CA1", {"status": "ringing"})
    full, head = service.get(path), service.get(path, method="HEAD")
    assert (head.status_code, head.content) == (full.status_code, b"")
    assert head.headers["content-length"] == full.headers["content-length"]
    assert head.headers.get("link") == full.headers.get("link")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "X"])
def test_unsupported_method_is_405_with_allow(service: Service, method: str) -> None:
    answer = service.get(LIST, method=method)
    assert (answer.status_code, slug(answer)) == (405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


def test_options_lists_all_methods_of_a_path(service: Service) -> None:
    assert service.get(LIST, method="OPTIONS").headers["allow"] == "GET, HEAD, OPTIONS"
    both = service.get("/api/v1/admin/tenants", method="OPTIONS")
    assert (both.status_code, both.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")


def test_an_unknown_path_is_a_problem(service: Service) -> None:
    answer = service.get("/api/v2/call-logs")
    assert (answer.status_code, slug(answer)) == (404, "not-found")
    assert answer.json()["instance"] == "/api/v2/call-logs"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"])
def test_unexpected_query_is_refused(service: Service, path: str) -> None:
    answer = service.get(f"{path}?a=1")
    assert (answer.status_code, slug(answer)) == (400, "invalid-parameter")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_body_of_100_mb_is_refused_unread(service: Service, method: str) -> None:
    length = {b"content-length": b"104857600"}
    messages = service.raw(method, b"/api/v1/events", length)
    assert messages[0]["status"] == 413
    assert header(messages, b"connection") == b"close"
    assert b"too-large" in messages[1]["body"]
    just = {b"content-length": b"%d" % MAX_BODY_BYTES}
    assert service.raw("GET", b"/healthz", just)[0]["status"] == 200


@pytest.mark.parametrize(
    "path",
    [
        b"/\x00",
        b"/%00",
        b"//",
        b"/api/v1/call-logs/%2f%2F",
        b"/%",
        b"/\xff",
        b"/api//v1",
        b"/" + b"a/" * 5000,
    ],
)
def test_no_path_is_a_500(service: Service, path: bytes) -> None:
    assert service.raw("GET", path)[0]["status"] in {200, 303, 401, 404}


def test_invalid_host_is_refused(service: Service) -> None:
    messages = service.raw("GET", b"/healthz", {b"host": b"a b<c>"})
    assert messages[0]["status"] == 400
    assert b"/docs/problems#bad-request" in messages[1]["body"]


def test_unexpected_error_is_logged_and_not_exposed(bench: Bench) -> None:
    service = Service(bench, store=Broken(ValueError("SELECT secret FROM /srv/calls.db")))
    with capture_logs() as logs:
        answer = service.get(LIST)
    assert (answer.status_code, slug(answer)) == (500, "internal")
    assert "SELECT" not in answer.text
    assert "/srv" not in answer.text
    assert [(log["event"], log["request_id"], log["route"]) for log in logs] == [
        ("request failed", answer.headers["x-request-id"], LIST)
    ]
    assert isinstance(logs[0]["exc_info"], ValueError)


def test_unavailable_store_is_503_with_retry_after(bench: Bench) -> None:
    error = Unavailable("connection to 10.0.0.1 refused", retry_after_s=3)
    service = Service(bench, store=Broken(error))
    with capture_logs():
        answer = service.get(LIST)
    assert (answer.status_code, slug(answer)) == (503, "unavailable")
    assert answer.headers["retry-after"] == "3"
    assert "10.0.0.1" not in answer.text


def test_the_store_is_closed_when_the_server_stops(bench: Bench) -> None:
    store = Broken(ValueError("unused"))
    service = Service(bench, store=store)
    incoming = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[str] = []

    async def receive() -> Message:
        return next(incoming)

    async def send(message: Message) -> None:
        sent.append(message["type"])

    bench.run(service.app({"type": "lifespan", "state": {}}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert store.closed == 1


def test_web_socket_is_refused(service: Service) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/healthz",
        "raw_path": b"/healthz",
        "query_string": b"",
        "headers": [],
    }
    service.bench.run(service.app(scope, receive, send))
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_truncated_body_is_a_client_error(service: Service) -> None:
    key = service.new_key("events:write")["authorization"].encode()
    started: Message = {"type": "http.request", "body": b"[", "more_body": True}
    gone: Message = {"type": "http.disconnect"}
    messages = service.raw("POST", b"/api/v1/events", {b"authorization": key}, body=[started, gone])
    assert messages[0]["status"] == 400
    assert b"/docs/problems#bad-request" in messages[1]["body"]


async def _fails_at_once(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise OSError("before the answer began")


async def _fails_midway(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise OSError("while it was sent")


def test_error_outside_the_framework_is_a_problem(service: Service) -> None:
    with capture_logs() as logs:
        messages = service.raw("GET", b"/", app=RequestMiddleware(_fails_at_once, service.deps))
    assert messages[0]["status"] == 500
    assert b"/docs/problems#internal" in messages[1]["body"]
    assert len(logs) == 1


def test_started_response_is_cut_off(service: Service) -> None:
    with pytest.raises(OSError, match="while it was sent"):
        service.raw("GET", b"/", app=RequestMiddleware(_fails_midway, service.deps))
