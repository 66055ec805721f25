"""How a connection ends whose client still sends: its answer can be read, and it is not kept for long."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from calltally.cli.serve.connections import Connections
from calltally.cli.serve.http_protocol import LINGERS_S, MOST_UNREAD_BYTES, ProblemProtocol
from calltally.web.bad_http import MAX_HEAD_BYTES

POST = b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n"


class Wire(asyncio.Transport):
    """Steps on a connection."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.has_ended = False
        self.is_shut = False

    @property
    def written(self) -> bytes:
        return b"".join(self.sent)

    def write(self, data: Any) -> None:  # noqa: ANN401 (any buffer)
        assert not self.has_ended
        assert not self.is_shut
        self.sent.append(bytes(data))

    def write_eof(self) -> None:
        self.has_ended = True

    def is_closing(self) -> bool:
        return self.is_shut

    def close(self) -> None:
        self.is_shut = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def refuse(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 (an ASGI application)
    headers = [(b"connection", b"close"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


async def break_off(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 (an ASGI application)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})


def in_pieces(pause: int) -> Any:  # noqa: ANN401 (an ASGI application)
    """Answers by a head and three pieces, each of which is so many turns of the loop late."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 (an ASGI application)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
        for number, piece in enumerate((b"a", b"b", b"c")):
            for _ in range(pause):
                await asyncio.sleep(0)
            await send({"type": "http.response.body", "body": piece, "more_body": number < 2})

    return app


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    faults = list[dict[str, Any]]()
    with asyncio.Runner() as runner:
        runner.get_loop().set_exception_handler(lambda _loop, fault: faults.append(fault))
        yield runner
    assert faults == []


def connected(runner: asyncio.Runner, app: Any = refuse) -> tuple[ProblemProtocol, Wire]:  # noqa: ANN401 (an ASGI application)
    config = uvicorn.Config(app, log_config=None, lifespan="off")
    protocol = ProblemProtocol(config, ServerState(), {}, runner.get_loop(), connections=Connections(most=8))
    wire = Wire()
    protocol.connection_made(wire)
    return protocol, wire


def reported(runner: asyncio.Runner, protocol: ProblemProtocol, data: bytes) -> None:
    """Bytes that come, and what is answered to them."""

    async def come() -> None:
        protocol.data_received(data)
        await asyncio.gather(*protocol.tasks)

    runner.run(come())


@pytest.mark.parametrize(("pause", "pieces"), [(0, [b"a", b"b", b"c"]), (2, [b"", b"a", b"b", b"c"])])
def test_a_head_is_sent_with_what_follows_at_once(
    runner: asyncio.Runner, pause: int, pieces: list[bytes]
) -> None:
    protocol, wire = connected(runner, in_pieces(pause))
    for _ in range(2):
        wire.sent.clear()
        reported(runner, protocol, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        head, _, first = wire.sent[0].partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert [first, *wire.sent[1:]] == pieces


@pytest.mark.parametrize("meanwhile", ["gone", "junk"])
def test_a_head_that_waits_for_what_follows_outlives_what_happens_meanwhile(
    runner: asyncio.Runner, meanwhile: str
) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 (an ASGI application)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
        if meanwhile == "gone":
            wire.is_shut = True
        else:
            protocol.data_received(b"HELLO\r\n\r\n")
        await asyncio.sleep(0)

    protocol, wire = connected(runner, app)
    reported(runner, protocol, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    answers = [sent[:12] for sent in wire.sent]
    assert answers == ([] if meanwhile == "gone" else [b"HTTP/1.1 200", b"HTTP/1.1 400"])


def test_a_head_without_a_body_waits_for_nothing(runner: asyncio.Runner) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 (an ASGI application)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
        await send({"type": "http.response.body", "body": b"a"})
        sent.append(wire.written)
        protocol.shutdown()

    sent = list[bytes]()
    protocol, wire = connected(runner, app)
    reported(runner, protocol, b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert wire.is_shut
    assert sent == [wire.written]
    assert wire.written.startswith(b"HTTP/1.1 200 ")


def test_an_answer_before_the_end_of_its_request_shuts_one_side_alone(runner: asyncio.Runner) -> None:
    protocol, wire = connected(runner)
    reported(runner, protocol, POST)
    assert wire.written.startswith(b"HTTP/1.1 413 ")
    assert (wire.has_ended, wire.is_shut) == (True, False)


def test_an_answer_to_a_whole_request_closes_at_once(runner: asyncio.Runner) -> None:
    protocol, wire = connected(runner)
    reported(runner, protocol, POST + b" " * 99)
    assert (wire.has_ended, wire.is_shut) == (False, True)


def test_what_still_comes_is_no_request_and_ends_somewhere(runner: asyncio.Runner) -> None:
    protocol, wire = connected(runner)
    reported(runner, protocol, POST)
    answered = wire.written
    reported(runner, protocol, b" " * 99 + POST)
    reported(runner, protocol, b" " * (MOST_UNREAD_BYTES - 99 - len(POST)))
    assert (wire.written, wire.is_shut) == (answered, False)
    reported(runner, protocol, b" ")
    assert (wire.written, wire.is_shut) == (answered, True)


def test_who_sends_slowly_is_left_after_a_time(runner: asyncio.Runner) -> None:
    protocol, wire = connected(runner)
    reported(runner, protocol, POST)
    until = protocol.timeout_keep_alive_task
    reported(runner, protocol, b" ")
    assert until is not None
    assert until is protocol.timeout_keep_alive_task
    assert until.when() - runner.get_loop().time() == pytest.approx(LINGERS_S, abs=5)
    protocol.timeout_keep_alive_handler()
    assert wire.is_shut


def test_a_server_that_stops_waits_for_nobody_who_was_answered(runner: asyncio.Runner) -> None:
    protocol, wire = connected(runner)
    reported(runner, protocol, POST)
    protocol.shutdown()
    assert wire.is_shut


@pytest.mark.parametrize(
    ("junk", "status"),
    [(b"HELLO\r\n\r\n", b"400"), (b"GET / HTTP/1.1\r\nx: " + b"a" * MAX_HEAD_BYTES, b"431")],
)
def test_what_is_no_http_is_answered_once_so_that_it_can_be_read(
    runner: asyncio.Runner, junk: bytes, status: bytes
) -> None:
    protocol, wire = connected(runner)
    reported(runner, protocol, junk)
    reported(runner, protocol, junk)
    assert wire.written.startswith(b"HTTP/1.1 " + status)
    assert wire.written.count(b"HTTP/1.1 " + status) == 1
    assert (wire.has_ended, wire.is_shut) == (True, False)


def test_junk_behind_a_request_that_is_not_answered_yet_closes(runner: asyncio.Runner) -> None:
    protocol, wire = connected(runner)
    reported(runner, protocol, POST.replace(b"content-length: 99", b"transfer-encoding: chunked") + b"zz\r\n")
    assert wire.is_shut


def test_an_answer_that_is_not_whole_is_no_answer_to_wait_for(runner: asyncio.Runner) -> None:
    protocol, wire = connected(runner, break_off)
    reported(runner, protocol, POST)
    assert (wire.has_ended, wire.is_shut) == (False, True)


def test_nothing_of_a_connection_that_is_gone_is_held(runner: asyncio.Runner) -> None:
    protocol, wire = connected(runner)
    reported(runner, protocol, POST)
    answers = protocol.cycle.transport
    protocol.connection_lost(ConnectionResetError())
    wire.is_shut = False
    answers.close()
    assert wire.is_shut
