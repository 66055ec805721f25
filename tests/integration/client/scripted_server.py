"""Server that runs one scripted action per connection: respond, hang up, be slow."""

import json
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any, NamedTuple, TypeAlias

HOST = "127.0.0.1"
TIMEOUT_S = 10


class ReceivedRequest(NamedTuple):
    """One received request."""

    line: str
    headers: dict[str, str]
    body: bytes


Action: TypeAlias = Callable[[socket.socket, Event], None]


def respond(status: int, body: bytes = b"", **headers: str) -> Action:
    """Return the action that sends a whole response."""

    def action(connection: socket.socket, _done: Event) -> None:
        connection.sendall(head(status, {"content-length": str(len(body)), **headers}) + body)

    return action


def respond_json(value: Any, **headers: str) -> Action:  # noqa: ANN401 (any JSON value)
    """Return the action that sends a JSON response."""
    return respond(200, json.dumps(value).encode(), **{"content-type": "application/json", **headers})


def head(status: int, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Planned\r\nconnection: close\r\n{lines}\r\n".encode()


def reset(connection: socket.socket, _done: Event) -> None:
    """Reset the connection, so that the client gets an error instead of an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(_connection: socket.socket, _done: Event) -> None:
    """Close without a response."""


def hang(_connection: socket.socket, done: Event) -> None:
    """Never respond."""
    done.wait(TIMEOUT_S)


def cut(sent: bytes, *, length: int | None = None, **headers: str) -> Action:
    """Return the action that sends an incomplete body, by its length or without the last chunk."""

    def action(connection: socket.socket, _done: Event) -> None:
        if length is None:
            framed = {"transfer-encoding": "chunked", **headers}
            connection.sendall(head(200, framed) + b"%x\r\n%b\r\n" % (len(sent), sent))
        else:
            connection.sendall(head(200, {"content-length": str(length), **headers}) + sent)

    return action


def trickle(connection: socket.socket, done: Event) -> None:
    """Send a body without end in small chunks."""
    with suppress(OSError):
        connection.sendall(head(200, {"transfer-encoding": "chunked"}))
        while not done.wait(0.01):
            connection.sendall(b"1\r\n \r\n")


class ScriptedServer:
    """Server with its base URL and the received requests."""

    def __init__(self, actions: Sequence[Action]) -> None:
        self._actions = actions
        self._listener = socket.create_server((HOST, 0))
        self._listener.settimeout(TIMEOUT_S)
        self.base = f"http://{HOST}:{self._listener.getsockname()[1]}"
        self.received: list[ReceivedRequest] = []
        self.done = Event()

    def run(self) -> None:
        with self._listener, suppress(OSError):
            for action in self._actions:
                connection, _ = self._listener.accept()
                with connection:
                    self.received.append(_read(connection))
                    action(connection, self.done)

    def stop(self) -> None:
        self.done.set()
        # On some systems, closing a socket does not wake a thread that waits for it.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def scripted_server(*actions: Action) -> Iterator[ScriptedServer]:
    """Serve these actions, one per connection."""
    server = ScriptedServer(actions)
    thread = Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


def _read(connection: socket.socket) -> ReceivedRequest:
    with connection.makefile("rb") as reader:
        line = reader.readline().decode().strip()
        headers: dict[str, str] = {}
        while field := reader.readline().decode().strip():
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        return ReceivedRequest(line, headers, reader.read(int(headers.get("content-length", "0"))))
