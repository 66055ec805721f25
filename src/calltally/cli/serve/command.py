"""`calltally serve`: the HTTP service, in one process or several."""

import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer
import uvicorn
import uvloop

from calltally.bootstrap.open_store import load_settings
from calltally.bootstrap.service import Application, Service, open_service
from calltally.calls.errors import Misconfigured
from calltally.cli.runtime.gc import keep_what_is_there, nothing_collected
from calltally.cli.runtime.malloc import keep_freed_memory
from calltally.cli.serve.connections import connections_of
from calltally.cli.serve.http_protocol import ProblemProtocol
from calltally.cli.serve.process_group import Processes
from calltally.cli.serve.socket_sharing import Accepting
from calltally.logs import get_logger, set_up_logs
from calltally.multiprocess import Crew, Member
from calltally.settings import MOST_WORKERS, Settings
from calltally.store.backends.open import sqlite_path
from calltally.web.request.long_poll import ON_STOP

# Long enough for any answer but an endless stream, short of what supervisors wait before they kill.
_GRACE_S: Final = 8
# Of several processes none takes a connection while it has so many more than another.
_FAIR: Final = 2
# By default a thread that makes a stream's rows keeps the interpreter from the loop for 5 ms at a time, at
# each of the several points where a page waits: a first page's p99 beside CSV came down by a fifth to a half.
_SWITCH_S: Final = 0.0005

log: Final = get_logger(__name__)


def serve(
    *,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, max=MOST_WORKERS, help="How many processes; or set CALLTALLY_WORKERS."
        ),
    ] = None,
    no_worker: Annotated[
        bool,
        typer.Option(
            "--no-worker",
            help="Leave deliveries, alerts, retention and jobs to `calltally worker`;"
            " or set CALLTALLY_EMBEDDED_WORKER=false.",
        ),
    ] = False,
) -> None:
    """Serve until told to stop by SIGTERM or SIGINT; answers under way are finished first."""
    settings = load_settings()
    if workers is not None:
        settings = settings.model_copy(update={"workers": workers})
    if no_worker:
        settings = settings.model_copy(update={"embedded_worker": False})
    keep_freed_memory()
    set_up_logs(settings.log_format, settings.log_level)
    if not settings.embedded_worker:
        log.info("no background work here: nothing is delivered unless `calltally worker` runs")
    # At info it says that it starts and stops, which we say ourselves.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    with listen(settings.host, settings.port) as listening:
        if settings.workers == 1:
            _run(_serve(settings, listening))
            return
        code = _serve_by_several(settings, listening)
    if code:
        raise typer.Exit(code)
    log.info("stopped")


def _run(work: Coroutine[Any, Any, None]) -> None:
    sys.setswitchinterval(_SWITCH_S)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


async def _serve(settings: Settings, listening: socket.socket) -> None:
    service = await _open(settings)
    _tell(listening, database=service.store.dialect)
    await run_server(service.app, listening, settings)
    log.info("stopped")


async def _open(settings: Settings, member: Member | None = None) -> Service:
    with nothing_collected():
        service = await open_service(settings, member=member)
    keep_what_is_there()
    return service


def _serve_by_several(settings: Settings, listening: socket.socket) -> int:
    parent = os.getpid()
    with tempfile.TemporaryDirectory(prefix="calltally-", ignore_cleanup_errors=True) as folder:
        crew = Crew(settings.workers, Path(folder))

        def work(place: int) -> None:
            _run(_serve_beside_others(settings, listening, Member(crew, place, parent)))

        def began() -> None:
            database = "sqlite" if sqlite_path(settings.database_url) else "postgres"
            _tell(listening, database=database, workers=settings.workers)

        return Processes(crew, work).run(began, listening.close)


async def _serve_beside_others(settings: Settings, listening: socket.socket, member: Member) -> None:
    service = await _open(settings, member)
    await run_server(service.app, listening, settings, member=member)


def _tell(listening: socket.socket, **told: object) -> None:
    host, port = listening.getsockname()[:2]
    log.info("listening", host=host, port=port, **told)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket, before anything else is opened. Raises Misconfigured."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as fault:
        # To some faults Python adds the address in its own words; we name it ourselves.
        why = os.strerror(fault.errno) if fault.errno and fault.errno > 0 else fault.strerror
        message = f"cannot listen on {host} port {port} ({why}): set CALLTALLY_HOST or CALLTALLY_PORT"
        raise Misconfigured(message) from fault


async def run_server(
    app: Application, listening: socket.socket, settings: Settings, *, member: Member | None = None
) -> None:
    """Run the HTTP server itself, beside others on the same socket if it is a `member`.

    The one function to change for another server.
    """
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
    server = _Server(config) if member is None else _ServerBesideOthers(config, member)
    await server.serve(sockets=[listening])


class _Server(uvicorn.Server):
    """Lets those go who wait for news before it waits for the answers that are under way."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if on_stop := self.lifespan.state.get(ON_STOP):
            await on_stop()
        await super().shutdown(sockets)


class _ServerBesideOthers(_Server):
    """Leaves the others their share of the connections."""

    def __init__(self, config: uvicorn.Config, member: Member) -> None:
        super().__init__(config)
        self._member = member

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([])
        if self.started:
            accepting: list[Any] = [
                Accepting(each, self._protocol, self._has_enough) for each in sockets or ()
            ]
            self.servers = accepting
            self._member.crew.take_place(self._member.place, os.getpid())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._member.crew.leave_place(self._member.place)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        protocol: Any = self.config.http_protocol_class
        made: asyncio.Protocol = protocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    async def on_tick(self, counter: int) -> bool:
        self._tell_connections()
        return await super().on_tick(counter)

    def _has_enough(self) -> bool:
        self._tell_connections()
        return self._member.crew.lead_of(self._member.place) >= _FAIR

    def _tell_connections(self) -> None:
        self._member.crew.tell_connections(self._member.place, len(self.server_state.connections))


def _keep_signals_from_killing() -> None:
    """Once done, uvicorn raises the signal that stopped it again; that must not end us before we are done."""
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda _number, _frame: None)
