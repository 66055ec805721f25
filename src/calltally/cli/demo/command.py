"""`calltally demo`: a service with a month of sample calls and live ones, to try the pages and the API."""

import asyncio
import gc
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.open_store import load_settings
from calltally.bootstrap.service import open_service
from calltally.calls.errors import Misconfigured, Unavailable
from calltally.cli.demo.api import DemoApi
from calltally.cli.demo.history import load_history
from calltally.cli.demo.live import LiveTraffic
from calltally.cli.demo.receiver import DemoReceiver
from calltally.cli.demo.tenant import DemoTenant, prepare_tenant
from calltally.cli.import_.command import COLLECT_AFTER
from calltally.cli.runtime.malloc import keep_freed_memory
from calltally.cli.serve.command import listen, run_server
from calltally.logs import set_up_logs
from calltally.net import HttpClient
from calltally.settings.fields import Settings
from calltally.settings.reading import given_settings
from calltally.store.backends.open import migrate
from calltally.store.backends.sqlite.connection import sole_service

_FOLDER: Final = Path("var")
_DATABASE: Final = _FOLDER / "demo.db"
_FILES: Final = _FOLDER / "demo-files"
# Any address of this machine stands for all; a request needs one.
_LOOPBACKS: Final[Mapping[str, str]] = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (not bound here)


def demo(
    *,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="The TCP port to listen on; overrides CALLTALLY_PORT."),
    ] = None,
    days: Annotated[int, typer.Option(min=2, max=90, help="Days of sample calls in a new database.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample calls in a new database.")] = 4,
) -> None:
    """Serve a demo: a month of sample calls with alerts and jobs, and live calls while it runs.

    It always uses the database var/demo.db. The first start fills it; a later start adds the calls up to now.
    """
    settings = _demo_settings(load_settings(), port)
    set_up_logs(settings.log_format, "warning")
    gc.set_threshold(COLLECT_AFTER)
    keep_freed_memory()
    with listen(settings.host, settings.port) as listening:
        migrate(settings.database_url)
        with sole_service(_DATABASE):
            tenant = prepare_tenant(settings, _url(listening), seed=seed, days=days)
            what = (
                f"{days} days of sample calls" if tenant.is_new else "the sample calls since the last start"
            )
            typer.echo(f"Loading {what} ...", err=True)
            load_history(tenant.load)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_serve(settings, listening, tenant))


def _demo_settings(settings: Settings, port: int | None) -> Settings:
    """Return the settings with the demo's database and files. Raises Misconfigured for another database."""
    url = f"sqlite:///{_DATABASE}"
    given = given_settings(Path.cwd()).get("database_url")
    if given is not None and given.value != url:
        message = f"the demo uses its own database, {_DATABASE}, but {given.source} names another one"
        raise Misconfigured(f"{message}: unset it for the demo, or run `calltally serve` for that database")
    changes = {
        "database_url": url,
        "files_folder": _FILES,
        "public_url": None,
        "read_url": None,
        "embedded_worker": True,
        "rate_alerts": True,
        # The receiver of webhooks listens on this machine.
        "outgoing_allow_http": True,
        "outgoing_allow_networks": "127.0.0.0/8",
    }
    return settings.model_copy(update=changes if port is None else {**changes, "port": port})


async def _serve(settings: Settings, listening: socket.socket, tenant: DemoTenant) -> None:
    url, service = _url(listening), await open_service(settings)
    live = LiveTraffic(url, tenant)
    traffic = asyncio.create_task(asyncio.to_thread(live.run))

    async def end_traffic() -> None:
        live.stop()
        await traffic

    app = DemoReceiver(service.app, wall_clock)
    server = asyncio.create_task(run_server(app, listening, settings, end_traffic))
    try:
        await asyncio.to_thread(_present, url, tenant, live)
    except Unavailable:
        signal.raise_signal(signal.SIGTERM)
        await server
        raise
    await server


def _present(url: str, tenant: DemoTenant, live: LiveTraffic) -> None:
    """Create the objects of the API, start the live calls, and print the links and commands."""
    with HttpClient() as client:
        api = DemoApi(url, tenant, client)
        api.create()
        live.start()
        api.wait_for_jobs()
        _print_guide(url, tenant.key, list(api.pages()))


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    host = _LOOPBACKS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _print_guide(url: str, key: str, pages: Sequence[tuple[str, str]]) -> None:
    links = "".join(f"  {subject:<25}{page}\n" for subject, page in pages)
    typer.echo(
        f"The demo is served on {url} until you press Ctrl-C. Sign in with this key:\n\n"
        f"  {key}\n\n"
        f"Look at:\n{links}\n"
        "The list of calls in the API:\n\n"
        f'curl -sS "{url}/api/v1/call-logs?limit=25&offset=0" \\\n'
        f'  -H "Authorization: Bearer {key}"\n\n'
        f"To start over, stop the demo and run: rm -r {_DATABASE}* {_FILES}"
    )
