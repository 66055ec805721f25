"""Network and server errors: both clients against a scripted server, mostly without real waiting."""

import asyncio
import gzip
import io
import logging
import time
import traceback
from typing import Any

import pytest

from calltally import __version__
from calltally.calls.errors import InvalidInput
from calltally.client import AsyncClient, Client, Request, RetryPolicy, errors
from calltally.client.clients import _ClientBase
from calltally.client.errors import ClientError, StreamCut, UnavailableError, UnexpectedAnswer, Unreachable
from tests.integration.client.either import KEY, Either
from tests.integration.client.scripted_server import (
    HOST,
    Action,
    cut,
    hang,
    hang_up,
    reset,
    respond,
    respond_json,
    scripted_server,
    trickle,
)
from tests.unit.client.canned import Clockwork, seven

PAGE = {"data": [seven(1)], "limit": 25, "offset": 0}
ONCE = RetryPolicy(tries=1)
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


@pytest.mark.parametrize(
    "fault",
    [
        respond(503, b"{}", retry_after="2"),
        respond(502, HTML, content_type="text/html"),
        reset,
        hang_up,
        cut(b'{"data"', length=200),
        cut(b'{"data"'),
    ],
    ids=["503", "html", "reset", "hang-up", "cut", "cut-chunks"],
)
def test_temporary_errors_are_retried(either: Either, fault: Action) -> None:
    clockwork = Clockwork()
    with scripted_server(fault, fault, respond_json(PAGE)) as server:
        perform = either.open(server.base, surroundings=clockwork.surroundings)
        page = perform(lambda client: client.list_calls(limit=25))
        assert [call.id for call in page.data] == ["id-1"]
    assert len(clockwork.slept) == 2
    assert {received.line for received in server.received} == {"GET /api/v1/call-logs?limit=25 HTTP/1.1"}


def test_error_has_the_request_id(either: Either) -> None:
    with scripted_server(respond(503, HTML, content_type="text/html", x_request_id="req-7")) as server:
        perform = either.open(server.base, retries=ONCE)
        with pytest.raises(UnavailableError, match="req-7") as caught:
            perform(lambda client: client.get_call("CA1"))
    assert (caught.value.request_id, caught.value.status) == ("req-7", 503)


@pytest.mark.parametrize("fault", [reset, hang_up, cut(b"x", length=9)], ids=["reset", "hang-up", "cut"])
def test_request_that_is_not_idempotent_is_sent_once(either: Either, fault: Action) -> None:
    with scripted_server(fault, respond_json({})) as server:
        perform = either.open(server.base, surroundings=Clockwork().surroundings)
        with pytest.raises(Unreachable, match="no response to POST"):
            perform(lambda client: client.send(Request("POST", "/api/v1/events", body=b"[]")))
        assert len(server.received) == 1
        sent = server.received[0]
        repeatable = Request("POST", "/x", body=b"[]", headers={"x-own": "1"}, is_idempotent=True)
        assert perform(lambda client: client.send(repeatable)).body == b"{}"
    assert (sent.body, server.received[1].headers["x-own"]) == (b"[]", "1")


@pytest.mark.parametrize("body", [gzip.compress(bytes(1_001)), bytes(1_001)], ids=["gzip", "plain"])
def test_size_of_a_decompressed_response_is_limited(
    either: Either, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_ClientBase, "longest_bytes", 1_000)
    coding = {"content_encoding": "gzip"} if len(body) < 1_000 else {}
    with scripted_server(*[respond(200, body, **coding)] * 2) as server:
        perform = either.open(server.base)
        with pytest.raises(UnexpectedAnswer, match="longer than 1,000 bytes"):
            perform(lambda client: client.list_calls())
        assert len(server.received) == 1
        monkeypatch.setattr(_ClientBase, "longest_bytes", 1_001)
        wide = either.open(server.base)
        assert wide(lambda client: client.send(Request("GET", "/x"))).body == bytes(1_001)


def test_refused_connection_is_unreachable(either: Either) -> None:
    with scripted_server() as server:
        pass
    clockwork = Clockwork()
    perform = either.open(server.base, retries=RetryPolicy(tries=3), surroundings=clockwork.surroundings)
    with pytest.raises(Unreachable, match=f"no response to GET {server.base}/api/v1/changes"):
        perform(lambda client: client.changes())
    assert clockwork.slept == [0.5, 1.0]


def test_silent_server_times_out(either: Either) -> None:
    with scripted_server(hang) as server:
        perform = either.open(server.base, timeout_s=0.05, retries=ONCE)
        with pytest.raises(Unreachable, match="the server did not respond in time"):
            perform(lambda client: client.list_calls())


def test_endless_response_times_out(either: Either) -> None:
    with scripted_server(trickle) as server:
        perform = either.open(server.base, retries=RetryPolicy(max_elapsed_s=0.5))
        with pytest.raises(Unreachable, match="still sending"):
            perform(lambda client: client.list_calls())


def test_redirect_does_not_receive_the_key(either: Either) -> None:
    with scripted_server(respond(302, location="/elsewhere"), hang_up) as server:
        perform = either.open(server.base)
        with pytest.raises(UnexpectedAnswer, match="redirects to /elsewhere"):
            perform(lambda client: client.list_calls())
        assert len(server.received) == 1


def test_every_request_has_key_and_user_agent(either: Either) -> None:
    with scripted_server(respond_json(PAGE)) as server:
        perform = either.open(server.base + "/behind/a/proxy/")
        perform(lambda client: client.list_calls(number="+14155550100", q="ü &"))
    line, headers, _ = server.received[0]
    assert line == "GET /behind/a/proxy/api/v1/call-logs?number=%2B14155550100&q=%C3%BC+%26 HTTP/1.1"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["user-agent"] == f"calltally/{__version__}"


def test_local_server_is_reached_without_the_proxy(either: Either, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{HOST}:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with scripted_server(respond_json(PAGE)) as server:
        assert either.open(server.base)(lambda client: client.list_calls()).limit == 25


def test_errors_and_logs_do_not_contain_the_key(either: Either, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    refused = respond(
        401, b'{"detail": "%b is wrong"}' % KEY.encode(), content_type="application/problem+json"
    )
    text = ""
    with scripted_server(reset, refused) as server:
        perform = either.open(server.base, retries=ONCE)
        for kind in (Unreachable, errors.UnauthorizedError):
            with pytest.raises(kind) as caught:
                perform(lambda client: client.list_calls())
            text += repr(caught.value) + "".join(traceback.format_exception(caught.value))
    assert "… is wrong" in text
    assert KEY not in text + caplog.text


def test_closed_client_raises(either: Either) -> None:
    perform = either.open(f"http://{HOST}:1")
    perform(lambda client: client.close())
    with pytest.raises(ClientError, match="is closed"):
        perform(lambda client: client.list_calls())


# ---------------------------------------------------------------------------------------------- streams

CSV = b'id,summary\r\n1,"a\nb"\r\n'


def stream(perform: Any, **options: Any) -> tuple[Any, bytes]:  # noqa: ANN401 (either client's, and filters)
    file = io.BytesIO()
    return perform(lambda client: client.stream(file, **options)), file.getvalue()


def test_stream_is_retried_until_its_first_byte(either: Either, monkeypatch: pytest.MonkeyPatch) -> None:
    # A stream to a file has no size limit.
    monkeypatch.setattr(_ClientBase, "longest_bytes", 2)
    whole = respond(200, CSV, content_type="text/csv; charset=utf-8", x_row_count="1", x_snapshot="s1")
    clockwork = Clockwork()
    with scripted_server(reset, respond(503), whole) as server:
        streamed, content = stream(
            either.open(server.base, surroundings=clockwork.surroundings), status="busy"
        )
    assert content == CSV
    assert (streamed.size_bytes, streamed.rows, streamed.snapshot) == (len(CSV), 1, "s1")
    assert server.received[0].line == "GET /api/v1/call-logs?status=busy&format=csv HTTP/1.1"


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (cut(CSV, content_type="text/csv"), f"broke off after {len(CSV)} bytes"),
        (cut(CSV, length=99, content_type="text/csv"), f"broke off after {len(CSV)} bytes"),
        (
            respond(200, CSV, content_type="text/csv", x_row_count="2"),
            "announced 2 calls, and the stream has 1",
        ),
        (respond(200, CSV[:-1], content_type="text/csv"), "no proper end"),
    ],
)
def test_incomplete_stream_is_an_error(either: Either, action: Action, reason: str) -> None:
    with scripted_server(action) as server:
        perform = either.open(server.base, surroundings=Clockwork().surroundings)
        with pytest.raises(StreamCut, match=reason):
            stream(perform)
        assert len(server.received) == 1


def test_stream_of_another_media_type_writes_nothing(either: Either) -> None:
    file = io.BytesIO()
    with scripted_server(respond_json(PAGE)) as server:
        perform = either.open(server.base)
        with pytest.raises(
            UnexpectedAnswer, match="expected application/x-ndjson, received application/json"
        ):
            perform(lambda client: client.stream(file, format="ndjson"))
    assert file.getvalue() == b""


def test_refused_stream_has_the_reason(either: Either) -> None:
    with scripted_server(
        respond(400, b'{"detail": "no such zone"}', content_type="application/problem+json")
    ) as server:
        perform = either.open(server.base)
        with pytest.raises(errors.BadRequestError, match="no such zone"):
            stream(perform, tz="Nowhere")


def test_stream_without_a_row_count_is_counted(either: Either) -> None:
    with scripted_server(respond(200, CSV, content_type="text/csv")) as server:
        assert stream(either.open(server.base))[0].rows == 1


def test_unknown_format_is_refused(either: Either) -> None:
    perform = either.open(f"http://{HOST}:1")
    with pytest.raises(InvalidInput, match="format must be one of csv"):
        stream(perform, format="xlsx")


# ------------------------------------------------------------------------------------- common behaviour


def test_both_clients_have_the_same_operations() -> None:
    def named(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert named(Client) == named(AsyncClient)
    for name in named(Client) - {"close"}:
        assert getattr(Client, name).__doc__ == getattr(AsyncClient, name).__doc__


def test_client_is_closed_at_the_end_of_its_block() -> None:
    with scripted_server(respond_json(PAGE), respond_json(PAGE)) as server:
        with Client(server.base, KEY) as client:
            client.list_calls()
        with pytest.raises(ClientError, match="is closed"):
            client.list_calls()

        async def use() -> None:
            async with AsyncClient(server.base, KEY) as client:
                await client.list_calls()
            with pytest.raises(ClientError, match="is closed"):
                await client.list_calls()

        asyncio.run(use())


def test_default_back_off_really_waits() -> None:
    started_s = time.monotonic()
    retries = RetryPolicy(first_s=0.02)
    with scripted_server(
        respond(503), respond(503, retry_after="0"), respond_json(PAGE), respond(503), respond_json(PAGE)
    ) as server:
        with Client(server.base, KEY, retries=retries) as client:
            client.list_calls()

        async def use() -> None:
            async with AsyncClient(server.base, KEY, retries=retries) as client:
                await client.list_calls()

        asyncio.run(use())
    assert time.monotonic() - started_s < 5


@pytest.mark.parametrize(
    ("variable", "value"), [("HTTPS_PROXY", "nonsense://proxy"), ("SSL_CERT_FILE", "/nowhere/at-all.pem")]
)
def test_wrong_environment_is_a_client_error(
    either: Either, variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    perform = either.open("https://calls.example.com", retries=ONCE)
    with pytest.raises(errors.InvalidArgument, match=f"cannot start .*{variable}"):
        perform(lambda client: client.list_calls())
