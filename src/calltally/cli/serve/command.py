"""`calltally serve`: the HTTP service, in one process or several."""

import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, cast

import typer
import uvicorn
import uvloop

from calltally.bootstrap.open_store import create_first_database, load_settings
from calltally.bootstrap.service import Application, Service, open_service
from calltally.bootstrap.traces import are_traces_configured, export_traces
from calltally.calls.errors import Misconfigured
from calltally.cli.runtime.gc import freeze_loaded_objects, gc_paused
from calltally.cli.runtime.malloc import keep_freed_memory
from calltally.cli.serve.connections import connections_of
from calltally.cli.serve.http_protocol import ProblemProtocol
from calltally.cli.serve.process_group import Processes
from calltally.logs import get_logger, set_up_logs
from calltally.multiprocess import Member, ProcessGroup
from calltally.settings.fields import MOST_WORKERS, Settings
from calltally.store.backends.open import sqlite_path
from calltally.store.backends.sqlite.connection import sole_service
from calltally.web.request.long_poll import ON_STOP

# Long enough for every response except an endless stream, and shorter than supervisors wait before a kill.
_GRACE_S: Final = 8
_BACKLOG: Final = 2048
# By default, a thread that formats rows of a stream holds the interpreter for 5 ms whenever the event loop
# needs it. This value lowered the p99 of a first page during a CSV stream by a fifth to a half.
_SWITCH_S: Final = 0.0005

BeforeStop: TypeAlias = Callable[[], Awaitable[None]]

log: Final = get_logger(__name__)


def serve(
    *,
    host: Annotated[
        str | None, typer.Option(help="The address to listen on; overrides CALLTALLY_HOST.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="The TCP port to listen on; overrides CALLTALLY_PORT."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            max=MOST_WORKERS,
            help="Number of server processes; overrides CALLTALLY_WORKERS. More than 1 needs PostgreSQL.",
        ),
    ] = None,
    no_worker: Annotated[
        bool,
        typer.Option(
            "--no-worker",
            help="Do no background work (deliveries, alerts, retention, jobs): `calltally worker` does it."
            " Same as CALLTALLY_EMBEDDED_WORKER=false.",
        ),
    ] = False,
) -> None:
    """Run the HTTP service until SIGTERM or SIGINT; responses in progress are finished first."""
    overrides = {
        "host": host,
        "port": port,
        "workers": workers,
        "embedded_worker": False if no_worker else None,
    }
    given = {name: value for name, value in overrides.items() if value is not None}
    settings = load_settings().model_copy(update=given)
    keep_freed_memory()
    set_up_logs(settings.log_format, settings.log_level)
    if not settings.embedded_worker:
        log.info("no background work here: nothing is delivered unless `calltally worker` runs")
    # At level info, uvicorn logs its start and stop, which we log ourselves.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    if settings.workers > 1:
        _serve_by_several(settings)
        return
    with listen(settings.host, settings.port) as listening:
        _create_database(settings)
        _run(_serve(settings, listening))


def _create_database(settings: Settings) -> None:
    # A warning, so that a service that runs in the wrong folder is noticed.
    if path := create_first_database(settings):
        log.warning(
            "created an empty database",
            path=str(path),
            detail="next: calltally tenant add NAME; calltally key add NAME --scope calls:read",
        )


def _run(work: Coroutine[Any, Any, None]) -> None:
    sys.setswitchinterval(_SWITCH_S)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


async def _serve(settings: Settings, listening: socket.socket) -> None:
    with sole_service(sqlite_path(settings.database_url)):
        service = await _open(settings)
        _log_address(listening, database=service.store.dialect)
        await _run_traced(service, listening)
    log.info("stopped")


async def _run_traced(service: Service, listening: socket.socket) -> None:
    end_traces = export_traces(os.environ)
    try:
        await run_server(service.app, listening, service.settings)
    finally:
        end_traces()


async def _open(settings: Settings, member: Member | None = None) -> Service:
    with gc_paused():
        service = await open_service(settings, member=member)
    freeze_loaded_objects()
    return service


def _serve_by_several(settings: Settings) -> None:
    if sqlite_path(settings.database_url) is not None:
        message = (
            "SQLite allows one server process: leave out --workers and CALLTALLY_WORKERS, or use PostgreSQL"
        )
        raise Misconfigured(message)
    parent, sockets = os.getpid(), listen_on_each(settings)
    # Report errors of the settings or the database here, once instead of once per process.
    asyncio.run(_try_out(settings))
    with tempfile.TemporaryDirectory(prefix="calltally-", ignore_cleanup_errors=True) as folder:
        group = ProcessGroup(settings.workers, Path(folder))

        def work(worker: int, listening: socket.socket) -> None:
            group.record_worker(worker, os.getpid())
            _run(_serve_in_group(settings, listening, Member(group, worker, parent)))

        _log_address(sockets[0], database="postgres", workers=settings.workers)
        code = Processes(sockets, work).run()
    if code:
        raise typer.Exit(code)
    log.info("stopped")


async def _try_out(settings: Settings) -> None:
    are_traces_configured(os.environ)
    service = await open_service(settings)
    await service.store.close()


async def _serve_in_group(settings: Settings, listening: socket.socket, member: Member) -> None:
    await _run_traced(await _open(settings, member), listening)


def _log_address(listening: socket.socket, **fields: object) -> None:
    host, port = listening.getsockname()[:2]
    log.info("listening", host=host, port=port, **fields)


def listen(host: str, port: int, *, is_shared: bool = False) -> socket.socket:
    """Return a bound socket. Call it before anything else is opened. Raises Misconfigured.

    With `is_shared`, several sockets can be bound to the port: the kernel distributes connections among them.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG, reuse_port=is_shared)
    except OSError as fault:
        # Python adds the address to some of these messages, and ours has it already.
        why = os.strerror(fault.errno) if fault.errno and fault.errno > 0 else fault.strerror
        message = f"cannot listen on {host} port {port} ({why}): set CALLTALLY_HOST or CALLTALLY_PORT"
        raise Misconfigured(message) from fault


def listen_on_each(settings: Settings) -> list[socket.socket]:
    """Return a socket for each worker. Raises Misconfigured, also if another server uses the port."""
    with listen(settings.host, settings.port) as only:
        port = only.getsockname()[1]
    return [listen(settings.host, port, is_shared=True) for _ in range(settings.workers)]


async def run_server(
    app: Application, listening: socket.socket, settings: Settings, before_stop: BeforeStop | None = None
) -> None:
    """Run the HTTP server, and `before_stop` before it stops. Only this function depends on uvicorn."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=settings.trust_proxy,
        forwarded_allow_ips="*",
        http=cast(Any, partial(ProblemProtocol, connections=connections_of(settings))),
        ws="none",
        lifespan="on",
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=_GRACE_S,
    )
    _keep_signals_from_killing()
    server = _Server(config)
    server.before_stop = before_stop
    await server.serve(sockets=[listening])


class _Server(uvicorn.Server):
    """Server that ends long polls at shutdown, before it waits for the responses in progress."""

    before_stop: BeforeStop | None = None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.before_stop is not None:
            await self.before_stop()
        if on_stop := self.lifespan.state.get(ON_STOP):
            await on_stop()
        await super().shutdown(sockets)


def _keep_signals_from_killing() -> None:
    """Ignore the signals that uvicorn raises again after its shutdown: our own clean-up is not done yet."""
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda _number, _frame: None)
