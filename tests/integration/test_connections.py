"""Slow, idle and too many connections, over real sockets."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
import uvicorn
import uvloop
from uvicorn.server import ServerState

from calltally.cli.serve.connections import Connections, Timeouts
from calltally.cli.serve.http_protocol import ProblemProtocol
from calltally.web.bad_http import MAX_HEAD_BYTES

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n"
FILLING = b"GET / HTTP/1.1\r\nhost: x\r\nx-filling: "
# Long beside anything that a test does, short beside the suite.
NEVER_S = 600.0
SOON_S = 0.02
PATIENT = Timeouts(first_byte_s=NEVER_S, head_s=NEVER_S, body_s=NEVER_S)

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def application(_scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (an ASGI application)
    """Answer once the body is whole."""
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.request":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


async def until(is_so: Callable[[], bool]) -> None:
    """Turn the loop until it is so."""
    while not is_so():  # noqa: ASYNC110 (the server has no event for it)
        await asyncio.sleep(0)


class Server:
    """The protocol behind a port, in the loop of the test."""

    def __init__(
        self,
        timeouts: Timeouts = PATIENT,
        *,
        most: int = 100,
        keep_alive_s: float = NEVER_S,
        app: Any = application,  # noqa: ANN401 (an ASGI application)
    ) -> None:
        # The server takes fractions of a second too.
        config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_keep_alive=keep_alive_s)  # type: ignore[arg-type]
        self.state = ServerState()
        self._protocol = partial(
            ProblemProtocol, config, self.state, {}, connections=Connections(most, timeouts)
        )
        self._sockets = ExitStack()
        self.port = 0

    async def __aenter__(self) -> "Server":
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._sockets.close()
        self._server.close()
        for connection in list(self.state.connections):
            connection.transport.abort()
        await asyncio.gather(*self.state.tasks)

    @property
    def protocols(self) -> list[ProblemProtocol]:
        return [each for each in self.state.connections if isinstance(each, ProblemProtocol)]

    async def client(self, sent: bytes = b"") -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._sockets.callback(writer.close)
        writer.write(sent)
        return reader, writer

    def socket(self, sent: bytes = b"") -> socket.socket:
        """A socket that the loop does not read."""
        client = self._sockets.enter_context(socket.create_connection(("127.0.0.1", self.port)))
        client.sendall(sent)
        return client

    async def reaches(self, connections: int) -> None:
        await until(lambda: len(self.state.connections) == connections)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await test()

    faults = list[dict[str, Any]]()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.get_loop().set_exception_handler(lambda _loop, fault: faults.append(fault))
        runner.run(bounded())
    assert faults == []


async def answer(client: Client) -> bytes:
    """The first line of the next answer; its head and body are read."""
    head = await client[0].readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    await client[0].readexactly(int(length))
    return head.partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "pieces",
    [
        (FILLING + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n",),
        (FILLING, b"a" * MAX_HEAD_BYTES),
        (GET.replace(b" / ", b" /" + b"a" * MAX_HEAD_BYTES + b" "),),
        (GET + FILLING + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n",),
    ],
    ids=["whole", "unfinished", "url", "pipelined"],
)
def test_a_head_over_64_kib_is_answered_with_431(pieces: tuple[bytes, ...]) -> None:
    async def test() -> None:
        async with Server() as server:
            reader, writer = await server.client()
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            answered = await reader.read()
            assert b"HTTP/1.1 431 " in answered
            assert b"/docs/problems#head-too-large" in answered

    run(test)


def test_a_head_of_64_kib_is_taken_also_behind_a_long_body() -> None:
    large = FILLING + b"a" * (MAX_HEAD_BYTES - 100) + b"\r\n\r\n"

    async def test() -> None:
        async with Server() as server:
            client = await server.client(POST + b" " * 100_000 + large + large)
            assert [await answer(client) for _ in range(3)] == [b"HTTP/1.1 200 OK"] * 3

    run(test)


@pytest.mark.parametrize(
    ("timeouts", "sent", "answered"),
    [
        (PATIENT._replace(first_byte_s=SOON_S), b"", b""),
        (PATIENT._replace(head_s=SOON_S), GET[:-2], b"HTTP/1.1 408 Request Timeout"),
        (PATIENT._replace(body_s=SOON_S), POST + b" " * 100, b"HTTP/1.1 408 Request Timeout"),
    ],
    ids=["first byte", "head", "body"],
)
def test_a_client_that_stops_sending_is_left(timeouts: Timeouts, sent: bytes, answered: bytes) -> None:
    async def test() -> None:
        async with Server(timeouts) as server:
            reader, _ = await server.client(sent)
            assert (await reader.read()).partition(b"\r\n")[0] == answered

    run(test)


def test_a_head_that_comes_byte_by_byte_gets_no_more_time() -> None:
    async def test() -> None:
        async with Server(PATIENT._replace(head_s=SOON_S)) as server:
            reader, writer = await server.client(FILLING)
            ended = asyncio.ensure_future(reader.read())
            while not ended.done():
                writer.write(b"a")
                await asyncio.wait([ended], timeout=SOON_S / 4)
            assert ended.result().startswith(b"HTTP/1.1 408 ")

    run(test)


def test_a_body_that_is_slow_ends_and_one_that_is_quick_enough_does_not() -> None:
    async def test() -> None:
        async with Server() as server:
            protocol, (reader, _) = await _connected(server, POST)
            for _ in range(5):
                protocol.data_received(b" " * PATIENT.body_bytes)
                protocol.timeout_keep_alive_handler()
            protocol.data_received(b" " * (PATIENT.body_bytes - 1))
            protocol.timeout_keep_alive_handler()
            assert b"HTTP/1.1 408 " in await reader.read()

    run(test)


async def _connected(server: Server, sent: bytes) -> tuple[ProblemProtocol, Client]:
    """A client whose request the server has begun to read, and the server's side of it."""
    client = await server.client(sent)
    await server.reaches(1)
    [protocol] = server.protocols
    await until(lambda: protocol.cycle is not None)
    return protocol, client


def test_a_body_that_the_service_does_not_read_is_not_slow() -> None:
    async def test() -> None:
        read = asyncio.Event()

        async def late(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (an ASGI application)
            await read.wait()
            await application(scope, receive, send)

        async with Server(app=late) as server:
            protocol, client = await _connected(server, POST + b" " * 99_000)
            await until(lambda: protocol.flow.read_paused)
            for _ in range(3):
                protocol.timeout_keep_alive_handler()
            read.set()
            client[1].write(b" " * 1_000)
            assert await answer(client) == b"HTTP/1.1 200 OK"

    run(test)


def test_no_timeout_runs_during_a_response() -> None:
    async def test() -> None:
        go = asyncio.Event()

        async def late(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (an ASGI application)
            await go.wait()
            await application(scope, receive, send)

        timeouts = PATIENT._replace(head_s=SOON_S, body_s=SOON_S)
        async with Server(timeouts, keep_alive_s=SOON_S, app=late) as server:
            # Part of a next head, too: it waits for the answer.
            protocol, client = await _connected(server, GET + GET[:-2])
            assert protocol.timeout_keep_alive_task is None
            go.set()
            assert await answer(client) == b"HTTP/1.1 200 OK"
            assert await answer(client) == b"HTTP/1.1 408 Request Timeout"

    run(test)


def test_an_idle_connection_ends_after_the_keep_alive_time() -> None:
    async def test() -> None:
        async with Server(keep_alive_s=SOON_S) as server:
            client = await server.client(GET)
            assert await answer(client) == b"HTTP/1.1 200 OK"
            # An empty line in front of the next request is no request.
            client[1].write(b"\r\n")
            assert await client[0].read() == b""

    run(test)


@pytest.mark.parametrize("started", [b"", GET], ids=["first", "kept"])
def test_a_request_that_has_arrived_is_read_before_its_connection_is_closed(started: bytes) -> None:
    async def test() -> None:
        async with Server() as server:
            client = server.socket(started)
            await server.reaches(1)
            if started:
                assert (await received(client)).startswith(b"HTTP/1.1 200 ")
            [protocol] = server.protocols
            # Within one turn, as after a stall of the loop: the request arrives, and the time is up.
            client.send(GET)
            protocol.timeout_keep_alive_handler()
            assert (await received(client)).startswith(b"HTTP/1.1 200 ")

    run(test)


async def received(client: socket.socket) -> bytes:
    """One answer, or what comes before the end."""
    loop, pieces = asyncio.get_running_loop(), [b""]
    client.setblocking(False)  # noqa: FBT003 (the socket's own signature)
    while not pieces[-1].endswith(b"\r\n\r\nok") and (piece := await loop.sock_recv(client, 65_536)):
        pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize("exc", [None, ConnectionResetError()])
def test_no_timer_outlives_its_connection(exc: Exception | None) -> None:
    async def test() -> None:
        async with Server() as server:
            protocol, client = await _connected(server, GET)
            assert await answer(client) == b"HTTP/1.1 200 OK"
            timer = protocol.timeout_keep_alive_task
            assert timer is not None
            protocol.connection_lost(exc)
            assert timer.cancelled()
            protocol.transport.abort()

    run(test)


def test_idle_sockets_and_unfinished_heads_leave_a_new_client_answered() -> None:
    async def test() -> None:
        async with Server(most=20) as server:
            for number in range(60):
                server.socket(GET[:-2] if number % 3 == 0 else b"")
            await server.reaches(20)
            assert await answer(await server.client(GET)) == b"HTTP/1.1 200 OK"
            assert len(server.state.connections) == 20

    run(test)


def test_the_longest_wait_makes_room_and_a_running_request_does_not() -> None:
    async def test() -> None:
        async with Server(most=3) as server:
            _, posting = await _connected(server, POST)
            first, second = await server.client(), await server.client()
            await server.reaches(3)
            # The second has waited for longer, since the first was answered.
            first[1].write(GET)
            assert await answer(first) == b"HTTP/1.1 200 OK"
            assert await answer(await server.client(GET)) == b"HTTP/1.1 200 OK"
            assert await second[0].read() == b""
            for client, sent in ((first, GET), (posting, b" " * 100_000)):
                client[1].write(sent)
                assert await answer(client) == b"HTTP/1.1 200 OK"

    run(test)


def test_a_connection_over_the_bound_is_refused_in_words() -> None:
    async def test() -> None:
        async with Server(most=2) as server:
            posting = [await server.client(POST) for _ in range(2)]
            await server.reaches(2)
            await until(lambda: all(protocol.cycle for protocol in server.protocols))
            for _ in range(3):
                reader, writer = await server.client()
                refused = await reader.read()
                assert refused.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
                assert b"\r\nretry-after: 1\r\n" in refused
                writer.close()
            for client in posting:
                client[1].write(b" " * 100_000)
                assert await answer(client) == b"HTTP/1.1 200 OK"

    run(test)
