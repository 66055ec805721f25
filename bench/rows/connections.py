"""New clients beside idle sockets and unfinished heads, at the usual bound and at one below their number."""

import asyncio
import resource
import socket
import time
from contextlib import ExitStack
from statistics import median
from typing import Final

from bench.client import get, load
from bench.lab import Lab
from bench.processes import service
from bench.rows.pages import page_path
from bench.table import Row, micros, within

_IDLE: Final = 2_000
_UNFINISHED: Final = 300
_CLIENTS: Final = 100
_MOST_S: Final = 1.0
_BOUNDS: Final = (4_096, 1_000)
_UNFINISHED_HEAD: Final = b"GET / HTTP/1.1\r\nhost: x\r\n"


async def connections(lab: Lab) -> list[Row]:
    """A page of 25 for each of a hundred clients, one after the other, each on a connection of its own."""
    dataset = await lab.dataset()
    rows = []
    for bound in _BOUNDS:
        more = {"MAX_CONNECTIONS": str(bound)}
        async with service(dataset.url, probe=page_path(25), key=dataset.key, more=more) as server:
            with ExitStack() as held:
                await asyncio.to_thread(_open, held, server.port)
                page = get(page_path(25), server.port, dataset.key)
                took = [await _new_client(server.port, server.pid, page) for _ in range(_CLIENTS)]
        rows.append(_row(bound, took))
    return rows


def _open(held: ExitStack, port: int) -> None:
    # After the server was begun, which raises its own limit.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for number in range(_IDLE + _UNFINISHED):
        opened = held.enter_context(socket.create_connection(("127.0.0.1", port)))
        opened.sendall(_UNFINISHED_HEAD if number % (_IDLE // _UNFINISHED + 1) == 0 else b"")


async def _new_client(port: int, pid: int, page: bytes) -> float:
    started = time.perf_counter()
    await load(port, pid, iter([page]), connections=1)
    return time.perf_counter() - started


def _row(bound: int, took: list[float]) -> Row:
    return within(
        f"new client beside {_IDLE:,} idle sockets and {_UNFINISHED} unfinished heads, bound {bound:,}",
        f"{micros(median(took))}, slowest {micros(max(took))}",
        target=f"at most {_MOST_S:g} s",
        met=max(took) <= _MOST_S,
    )
