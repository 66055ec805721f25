"""`calltally serve`: the HTTP service, one process."""

import asyncio
import logging
import os
import signal
import socket
from typing import Final

import structlog
import uvicorn
import uvloop

from calltally.bootstrap import Application, load_settings, open_service
from calltally.calls.errors import Misconfigured
from calltally.cli.memory import keep_freed_memory
from calltally.cli.protocol import ProblemProtocol
from calltally.logs import set_up_logs
from calltally.settings import Settings

# Long enough for any answer but an endless stream, short of what supervisors wait before they kill.
_GRACE_S: Final = 8

log: Final = structlog.get_logger(__name__)


def serve() -> None:
    """Serve until told to stop by SIGTERM or SIGINT; answers under way are finished first."""
    settings = load_settings()
    keep_freed_memory()
    set_up_logs(settings.log_format, settings.log_level)
    # At info it says that it starts and stops, which we say ourselves.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    with (
        listen(settings.host, settings.port) as listening,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_serve(settings, listening))


async def _serve(settings: Settings, listening: socket.socket) -> None:
    service = await open_service(settings)
    host, port = listening.getsockname()[:2]
    log.info("listening", host=host, port=port, database=service.store.dialect)
    await run_server(service.app, listening, trust_proxy=settings.trust_proxy)
    log.info("stopped")


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


async def run_server(app: Application, listening: socket.socket, *, trust_proxy: bool) -> None:
    """Run the HTTP server itself; the one function to change for another server."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=trust_proxy,
        forwarded_allow_ips="*",
        http=ProblemProtocol,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=_GRACE_S,
    )
    _keep_signals_from_killing()
    await uvicorn.Server(config).serve(sockets=[listening])


def _keep_signals_from_killing() -> None:
    """Once done, uvicorn raises the signal that stopped it again; that must not end us before we are done."""
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda _number, _frame: None)
