"""Servers to measure: each a process of its own on loopback, ended by its own number."""

import asyncio
import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from bench.client import get, load

_READY_S: Final = 30.0
_STOP_S: Final = 10.0
_POLL_S: Final = 0.002
# Our settings; and what is installed has its bytecode, where a checkout that may not keep any would
# compile all of our modules at each start.
NOT_KEPT: Final = ("CALLTALLY_", "PYTHONDONTWRITEBYTECODE")


class Missing(Exception):
    """A package is not installed without which a line cannot be measured."""


class Server(NamedTuple):
    """A server that answers: its port, its process, and how long its first answer took."""

    port: int
    pid: int
    first_answer_s: float


def need(*packages: str) -> None:
    """Raises Missing, with what to do, unless all of `packages` can be imported."""
    absent = [package for package in packages if importlib.util.find_spec(package) is None]
    if absent:
        raise Missing(f"not installed: {', '.join(absent)}; `make bench` installs it")


@asynccontextmanager
async def service(
    url: str, *, probe: str, key: str, more: Mapping[str, str] | None = None
) -> AsyncIterator[Server]:
    """Calltally itself, as `calltally serve` runs it, without a rate limit and with `more` settings."""
    settings = {"DATABASE_URL": url, "RATE_LIMIT_PER_MINUTE": "0", "LOG_LEVEL": "error", **(more or {})}
    environment = {f"CALLTALLY_{name}": value for name, value in settings.items()}
    port = free_port()
    command = ["-m", "calltally", "serve"]
    async with _serving(
        command, {**environment, "CALLTALLY_PORT": str(port)}, port=port, probe=get(probe, port, key)
    ) as server:
        yield server


@asynccontextmanager
async def application(
    module: str, environment: Mapping[str, str], *, probe: str = "/", key: str = ""
) -> AsyncIterator[Server]:
    """One of `bench.apps`, on the same HTTP server as ours."""
    port = free_port()
    command = ["-m", "bench.serving", f"bench.apps.{module}", str(port)]
    async with _serving(command, environment, port=port, probe=get(probe, port, key)) as server:
        yield server


@asynccontextmanager
async def datasette(path: Path, *, probe: str) -> AsyncIterator[Server]:
    """Datasette on a file, which it may take to be immutable: its fastest way."""
    need("datasette")
    port = free_port()
    options = [*("--setting", "sql_time_limit_ms", "60000"), *("--setting", "num_sql_threads", "1")]
    command = ["-m", "datasette", "serve", "-i", str(path), "-p", str(port), *options]
    async with _serving(command, {}, port=port, probe=get(probe, port)) as server:
        yield server


@asynccontextmanager
async def _serving(
    arguments: Sequence[str], environment: Mapping[str, str], *, port: int, probe: bytes
) -> AsyncIterator[Server]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_KEPT)}
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: ASYNC220 - nothing else is under way that it could hold up
            [sys.executable, *arguments],
            env={**kept, **environment},
            stdout=subprocess.DEVNULL,
            stderr=output,
        )
        try:
            if not await _answers(process, port, probe, started + _READY_S):
                output.seek(0)
                raise RuntimeError(f"the server does not answer: {_last_line(output.read())}")
            yield Server(port, process.pid, time.perf_counter() - started)
        finally:
            await asyncio.to_thread(_stop, process)


async def _answers(process: "subprocess.Popen[bytes]", port: int, probe: bytes, until: float) -> bool:
    while process.poll() is None and time.perf_counter() < until:
        try:
            async with asyncio.timeout(until - time.perf_counter()):
                await load(port, process.pid, iter([probe]), connections=1)
        except ConnectionError:
            await asyncio.sleep(_POLL_S)
        else:
            return True
    return False


def _last_line(output: bytes) -> str:
    return (output.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
