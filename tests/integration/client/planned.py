"""A server that does, connection by connection, what a test planned: answer, hang up, be slow."""

import json
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any, NamedTuple, TypeAlias

HOST = "127.0.0.1"
WAITS_S = 10


class Came(NamedTuple):
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


Act: TypeAlias = Callable[[socket.socket, Event], None]


def answer(status: int, body: bytes = b"", **headers: str) -> Act:
    """A whole answer."""

    def act(connection: socket.socket, _done: Event) -> None:
        connection.sendall(head(status, {"content-length": str(len(body)), **headers}) + body)

    return act


def tell(value: Any, **headers: str) -> Act:  # noqa: ANN401 (whatever JSON can say)
    """JSON."""
    return answer(200, json.dumps(value).encode(), **{"content-type": "application/json", **headers})


def head(status: int, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Planned\r\nconnection: close\r\n{lines}\r\n".encode()


def reset(connection: socket.socket, _done: Event) -> None:
    """Hang up so that the other side gets an error, not an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(_connection: socket.socket, _done: Event) -> None:
    """Close without a word."""


def hang(_connection: socket.socket, done: Event) -> None:
    """Never answer."""
    done.wait(WAITS_S)


def cut(sent: bytes, *, length: int | None = None, **headers: str) -> Act:
    """A body that ends too early: by its length, or without the chunk that ends it."""

    def act(connection: socket.socket, _done: Event) -> None:
        if length is None:
            framed = {"transfer-encoding": "chunked", **headers}
            connection.sendall(head(200, framed) + b"%x\r\n%b\r\n" % (len(sent), sent))
        else:
            connection.sendall(head(200, {"content-length": str(length), **headers}) + sent)

    return act


def trickle(connection: socket.socket, done: Event) -> None:
    """A body of which always a little more comes."""
    with suppress(OSError):
        connection.sendall(head(200, {"transfer-encoding": "chunked"}))
        while not done.wait(0.01):
            connection.sendall(b"1\r\n \r\n")


class Planned:
    """Where it is, and what came."""

    def __init__(self, acts: Sequence[Act]) -> None:
        self._acts = acts
        self._listening = socket.create_server((HOST, 0))
        self._listening.settimeout(WAITS_S)
        self.base = f"http://{HOST}:{self._listening.getsockname()[1]}"
        self.came: list[Came] = []
        self.done = Event()

    def run(self) -> None:
        with self._listening, suppress(OSError):
            for act in self._acts:
                connection, _ = self._listening.accept()
                with connection:
                    self.came.append(_read(connection))
                    act(connection, self.done)

    def stop(self) -> None:
        self.done.set()
        # On some systems to close what another thread waits at does not wake it.
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)


@contextmanager
def planned(*acts: Act) -> Iterator[Planned]:
    """Serve these acts, one for each connection."""
    server = Planned(acts)
    thread = Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


def _read(connection: socket.socket) -> Came:
    with connection.makefile("rb") as reader:
        line = reader.readline().decode().strip()
        headers: dict[str, str] = {}
        while written := reader.readline().decode().strip():
            name, _, value = written.partition(":")
            headers[name.lower()] = value.strip()
        return Came(line, headers, reader.read(int(headers.get("content-length", "0"))))
