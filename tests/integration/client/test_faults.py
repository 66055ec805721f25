"""What goes wrong on the way: both clients against a server that fails as planned. Nobody waits for real."""

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
from calltally.client import AsyncClient, Client, Request, Retries, errors
from calltally.client.clients import _Opened
from calltally.client.errors import ClientError, StreamCut, Unavailable, UnexpectedAnswer, Unreachable
from tests.integration.client.either import KEY, Either
from tests.integration.client.planned import (
    HOST,
    Act,
    answer,
    cut,
    hang,
    hang_up,
    planned,
    reset,
    tell,
    trickle,
)
from tests.unit.client.canned import Clockwork, seven

PAGE = {"data": [seven(1)], "limit": 25, "offset": 0}
ONCE = Retries(tries=1)
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


@pytest.mark.parametrize(
    "fault",
    [
        answer(503, b"{}", retry_after="2"),
        answer(502, HTML, content_type="text/html"),
        reset,
        hang_up,
        cut(b'{"data"', length=200),
        cut(b'{"data"'),
    ],
    ids=["503", "html", "reset", "hang-up", "cut", "cut-chunks"],
)
def test_what_passes_is_tried_again(either: Either, fault: Act) -> None:
    clockwork = Clockwork()
    with planned(fault, fault, tell(PAGE)) as server:
        ask = either.open(server.base, surroundings=clockwork.surroundings)
        page = ask(lambda client: client.list_calls(limit=25))
        assert [call.id for call in page.data] == ["id-1"]
    assert len(clockwork.slept) == 2
    assert {came.line for came in server.came} == {"GET /api/v1/call-logs?limit=25 HTTP/1.1"}


def test_an_error_says_which_request_it_was(either: Either) -> None:
    with planned(answer(503, HTML, content_type="text/html", x_request_id="req-7")) as server:
        ask = either.open(server.base, retries=ONCE)
        with pytest.raises(Unavailable, match="req-7") as caught:
            ask(lambda client: client.get_call("CA1"))
    assert (caught.value.request_id, caught.value.status) == ("req-7", 503)


@pytest.mark.parametrize("fault", [reset, hang_up, cut(b"x", length=9)], ids=["reset", "hang-up", "cut"])
def test_what_may_not_be_repeated_is_sent_once(either: Either, fault: Act) -> None:
    with planned(fault, tell({})) as server:
        ask = either.open(server.base, surroundings=Clockwork().surroundings)
        with pytest.raises(Unreachable, match="no answer to POST"):
            ask(lambda client: client.send(Request("POST", "/api/v1/events", body=b"[]")))
        assert len(server.came) == 1
        sent = server.came[0]
        again = Request("POST", "/x", body=b"[]", headers={"x-own": "1"}, is_idempotent=True)
        assert ask(lambda client: client.send(again)).body == b"{}"
    assert (sent.body, server.came[1].headers["x-own"]) == (b"[]", "1")


@pytest.mark.parametrize("packed", [gzip.compress(bytes(1_001)), bytes(1_001)], ids=["gzip", "plain"])
def test_an_answer_is_kept_up_to_a_bound_however_it_was_packed(
    either: Either, packed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Opened, "longest_bytes", 1_000)
    coding = {"content_encoding": "gzip"} if len(packed) < 1_000 else {}
    with planned(*[answer(200, packed, **coding)] * 2) as server:
        ask = either.open(server.base)
        with pytest.raises(UnexpectedAnswer, match="longer than 1,000 bytes"):
            ask(lambda client: client.list_calls())
        assert len(server.came) == 1
        monkeypatch.setattr(_Opened, "longest_bytes", 1_001)
        wide = either.open(server.base)
        assert wide(lambda client: client.send(Request("GET", "/x"))).body == bytes(1_001)


def test_nobody_there(either: Either) -> None:
    with planned() as server:
        pass
    clockwork = Clockwork()
    ask = either.open(server.base, retries=Retries(tries=3), surroundings=clockwork.surroundings)
    with pytest.raises(Unreachable, match=f"no answer to GET {server.base}/api/v1/changes"):
        ask(lambda client: client.changes())
    assert clockwork.slept == [0.5, 1.0]


def test_a_server_that_is_silent_is_waited_for_so_long(either: Either) -> None:
    with planned(hang) as server:
        ask = either.open(server.base, timeout_s=0.05, retries=ONCE)
        with pytest.raises(Unreachable, match="it did not answer in time"):
            ask(lambda client: client.list_calls())


def test_an_answer_without_end_has_one(either: Either) -> None:
    with planned(trickle) as server:
        ask = either.open(server.base, retries=Retries(together_s=0.5))
        with pytest.raises(Unreachable, match="still sending"):
            ask(lambda client: client.list_calls())


def test_a_redirect_does_not_get_the_key(either: Either) -> None:
    with planned(answer(302, location="/elsewhere"), hang_up) as server:
        ask = either.open(server.base)
        with pytest.raises(UnexpectedAnswer, match="redirected to /elsewhere"):
            ask(lambda client: client.list_calls())
        assert len(server.came) == 1


def test_what_every_request_carries(either: Either) -> None:
    with planned(tell(PAGE)) as server:
        ask = either.open(server.base + "/behind/a/proxy/")
        ask(lambda client: client.list_calls(number="+14155550100", q="ü &"))
    line, headers, _ = server.came[0]
    assert line == "GET /behind/a/proxy/api/v1/call-logs?number=%2B14155550100&q=%C3%BC+%26 HTTP/1.1"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["user-agent"] == f"calltally/{__version__}"


def test_the_environments_proxy_is_not_for_this_machine(
    either: Either, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{HOST}:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with planned(tell(PAGE)) as server:
        assert either.open(server.base)(lambda client: client.list_calls()).limit == 25


def test_the_key_is_in_no_error_and_no_log(either: Either, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    refused = answer(
        401, b'{"detail": "%b is wrong"}' % KEY.encode(), content_type="application/problem+json"
    )
    shown = ""
    with planned(reset, refused) as server:
        ask = either.open(server.base, retries=ONCE)
        for kind in (Unreachable, errors.Unauthorized):
            with pytest.raises(kind) as caught:
                ask(lambda client: client.list_calls())
            shown += repr(caught.value) + "".join(traceback.format_exception(caught.value))
    assert "… is wrong" in shown
    assert KEY not in shown + caplog.text


def test_a_closed_client_says_so(either: Either) -> None:
    ask = either.open(f"http://{HOST}:1")
    ask(lambda client: client.close())
    with pytest.raises(ClientError, match="is closed"):
        ask(lambda client: client.list_calls())


# ---------------------------------------------------------------------------------------------- streams

CSV = b'id,summary\r\n1,"a\nb"\r\n'


def stream(ask: Any, **options: Any) -> tuple[Any, bytes]:  # noqa: ANN401 (either client's, and filters)
    file = io.BytesIO()
    return ask(lambda client: client.stream(file, **options)), file.getvalue()


def test_a_stream_is_tried_again_until_its_first_byte(
    either: Either, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is written as it comes has no bound.
    monkeypatch.setattr(_Opened, "longest_bytes", 2)
    whole = answer(200, CSV, content_type="text/csv; charset=utf-8", x_row_count="1", x_snapshot="s1")
    clockwork = Clockwork()
    with planned(reset, answer(503), whole) as server:
        streamed, content = stream(
            either.open(server.base, surroundings=clockwork.surroundings), status="busy"
        )
    assert content == CSV
    assert (streamed.size_bytes, streamed.rows, streamed.snapshot) == (len(CSV), 1, "s1")
    assert server.came[0].line == "GET /api/v1/call-logs?status=busy&format=csv HTTP/1.1"


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (cut(CSV, content_type="text/csv"), f"broke off after {len(CSV)} bytes"),
        (cut(CSV, length=99, content_type="text/csv"), f"broke off after {len(CSV)} bytes"),
        (answer(200, CSV, content_type="text/csv", x_row_count="2"), "was to have 2 calls and has 1"),
        (answer(200, CSV[:-1], content_type="text/csv"), "no proper end"),
    ],
)
def test_a_stream_that_was_cut_is_not_taken_for_whole(either: Either, act: Act, why: str) -> None:
    with planned(act) as server:
        ask = either.open(server.base, surroundings=Clockwork().surroundings)
        with pytest.raises(StreamCut, match=why):
            stream(ask)
        assert len(server.came) == 1


def test_a_server_that_knows_no_formats_writes_nothing(either: Either) -> None:
    file = io.BytesIO()
    with planned(tell(PAGE)) as server:
        ask = either.open(server.base)
        with pytest.raises(
            UnexpectedAnswer, match="application/x-ndjson was asked for, and application/json came"
        ):
            ask(lambda client: client.stream(file, format="ndjson"))
    assert file.getvalue() == b""


def test_a_stream_that_is_refused_says_why(either: Either) -> None:
    with planned(
        answer(400, b'{"detail": "no such zone"}', content_type="application/problem+json")
    ) as server:
        ask = either.open(server.base)
        with pytest.raises(errors.BadRequest, match="no such zone"):
            stream(ask, tz="Nowhere")


def test_a_stream_without_a_count_is_counted(either: Either) -> None:
    with planned(answer(200, CSV, content_type="text/csv")) as server:
        assert stream(either.open(server.base))[0].rows == 1


def test_a_format_that_there_is_not(either: Either) -> None:
    ask = either.open(f"http://{HOST}:1")
    with pytest.raises(InvalidInput, match="format must be one of csv"):
        stream(ask, format="xlsx")


# -------------------------------------------------------------------------------------------- both alike


def test_the_two_clients_can_do_the_same() -> None:
    def named(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert named(Client) == named(AsyncClient)
    for name in named(Client) - {"close"}:
        assert getattr(Client, name).__doc__ == getattr(AsyncClient, name).__doc__


def test_each_is_closed_at_the_end_of_its_block() -> None:
    with planned(tell(PAGE), tell(PAGE)) as server:
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


def test_it_waits_for_real_where_nobody_says_otherwise() -> None:
    began = time.monotonic()
    retries = Retries(first_s=0.02)
    with planned(answer(503), answer(503, retry_after="0"), tell(PAGE), answer(503), tell(PAGE)) as server:
        with Client(server.base, KEY, retries=retries) as client:
            client.list_calls()

        async def use() -> None:
            async with AsyncClient(server.base, KEY, retries=retries) as client:
                await client.list_calls()

        asyncio.run(use())
    assert time.monotonic() - began < 5
