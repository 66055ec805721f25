"""`calltally demo`: a service with two days of sample calls, to try the dashboard and the API."""

import asyncio
import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import typer
import uvloop

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.open_store import load_settings, opened_store
from calltally.bootstrap.service import open_service
from calltally.bootstrap.vaults import open_vault
from calltally.calls.errors import Unavailable
from calltally.cli.demo.senders import Sender, new_senders
from calltally.cli.serve.command import listen, run_server
from calltally.ingest.sample.calls import (
    BOOKING_NUMBER,
    CALLS,
    SUPPORT_NUMBER,
    OwnEventBatch,
    SampleMessage,
)
from calltally.ingest.sample.traffic import last_event, sample
from calltally.logs import set_up_logs
from calltally.net import HttpClient, HttpResponse
from calltally.providers.twilio.words import NAME as TWILIO
from calltally.settings.fields import Settings
from calltally.store.backends.open import migrate, sqlite_path
from calltally.store.backends.sqlite.connection import sole_service
from calltally.store.db.interface import Store
from calltally.store.ledger.lookup import facts_of_call
from calltally.store.tenants.api_keys import add_key, digest_of_key, find_key, mint_key, tenant_of_key
from calltally.store.tenants.routes import checked_route, put_route
from calltally.store.tenants.tenants import Tenant, add_tenant, find_tenant, new_epoch
from calltally.store.tenants.vault import put_provider_secrets

TENANT: Final = "demo"
KEY_FILE: Final = "demo.key"
_SCOPES: Final = ("calls:read", "transcripts:read", "events:write")
_ROUTES: Final = (
    checked_route("support", [SUPPORT_NUMBER], agent="front-desk-agent", provider=TWILIO),
    checked_route("bookings", [BOOKING_NUMBER], agent="reminder-agent", provider=TWILIO),
)
# Any address of this machine stands for all; a request needs one.
_LOOPBACKS: Final[Mapping[str, str]] = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (not bound here)


class _Play(NamedTuple):
    """Sample messages that are still to be sent, the tenant's key, and the senders."""

    messages: list[SampleMessage]
    key: str
    senders: Mapping[str, Sender]


class _ServiceAddress(NamedTuple):
    """URL that the service listens on, and its public URL, which Twilio signs."""

    url: str
    public_url: str


def demo() -> None:
    """Serve a demo with sample calls, and print a request to try.

    The first start creates the database, a tenant `demo`, its routes and a key, and sends the sample calls
    through the signed callback endpoint. Later starts reuse them.
    """
    settings = load_settings()
    set_up_logs(settings.log_format, "warning")
    with (
        listen(settings.host, settings.port) as listening,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        migrate(settings.database_url)
        with sole_service(sqlite_path(settings.database_url)):
            runner.run(_demo(settings, listening))


async def _demo(settings: Settings, listening: socket.socket) -> None:
    play = await _prepare(settings)
    address = _service_address(settings, listening)
    service = await open_service(settings)
    serving = asyncio.create_task(run_server(service.app, listening, settings))
    try:
        await asyncio.to_thread(_send_all, play, address)
    except Unavailable:
        signal.raise_signal(signal.SIGTERM)
        await serving
        raise
    _print_request(address, play.key)
    await serving


async def _prepare(settings: Settings) -> _Play:
    """Create the missing parts of the demo tenant; return the messages that are still to be sent."""
    async with opened_store(settings, wall_clock) as store:
        tenant = await _tenant(store)
        database = sqlite_path(settings.database_url) or Path("var", "calltally.db")
        key = await asyncio.to_thread(_kept_key, database.with_name(KEY_FILE))
        await _store_key(store, key)
        # Based on the tenant's creation, so that an interrupted sample continues with the same messages.
        messages = sample(tenant.created_us)
        if await _is_played(store, messages):
            return _Play([], key, {})
        return _Play(messages, key, await _set_up(store, settings))


async def _tenant(store: Store) -> Tenant:
    found = await store.read(find_tenant(TENANT))
    if found is not None:
        return found
    return await store.write(add_tenant(TENANT, "Demonstration", wall_clock(), new_epoch()))


def _kept_key(path: Path) -> str:
    """Return the key of the demo. It is kept in a file, because the store has only its digest."""
    text = path.read_text(encoding="utf-8", errors="replace").strip() if path.exists() else ""
    if tenant_of_key(text) != TENANT:
        text = mint_key(TENANT, _SCOPES).text
        _write_secret(path, text)
    return text


async def _store_key(store: Store, text: str) -> None:
    if await store.read(find_key(TENANT, digest_of_key(text))) is None:
        key = mint_key(TENANT, _SCOPES)._replace(text=text)
        await store.write(add_key(TENANT, key, "demonstration", wall_clock()))


def _write_secret(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")


async def _is_played(store: Store, messages: list[SampleMessage]) -> bool:
    call_sid, event_id = last_event(messages)
    stored = await store.read(facts_of_call(TENANT, call_sid)) or []
    return any(each.fact.event_id == event_id for each in stored)


async def _set_up(store: Store, settings: Settings) -> Mapping[str, Sender]:
    """Store the routes and new secrets of the sample providers; return the senders."""
    for route in _ROUTES:
        await store.write(put_route(TENANT, route, wall_clock()))
    vault, senders = open_vault(settings), new_senders()
    for provider, sender in senders.items():
        sealed = vault.seal(TENANT, provider, sender.stored)
        await store.write(put_provider_secrets(TENANT, provider, sealed, wall_clock()))
    return senders


def _service_address(settings: Settings, listening: socket.socket) -> _ServiceAddress:
    host, port = listening.getsockname()[:2]
    host = _LOOPBACKS.get(host, host)
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return _ServiceAddress(url, settings.public_url or url)


def _send_all(play: _Play, address: _ServiceAddress) -> None:
    """Send the messages in order. Raises Unavailable if the service rejects one."""
    if play.messages:
        typer.echo(f"Sending {CALLS} sample calls to the service, only at the first start ...", err=True)
    try:
        with HttpClient() as client:
            for message in play.messages:
                _check(_send(client, message, play, address))
    except ConnectionError as fault:
        raise Unavailable(f"the sample calls could not be sent to the service: {fault}") from fault


def _send(client: HttpClient, message: SampleMessage, play: _Play, address: _ServiceAddress) -> HttpResponse:
    if isinstance(message, OwnEventBatch):
        headers = {"authorization": f"Bearer {play.key}"}
        return client.post_json(f"{address.url}/api/v1/events", message.events, headers)
    path = f"/api/v1/ingest/{message.provider}/{TENANT}"
    sender = play.senders[message.provider]
    body, headers = sender.signed(message, address.public_url + path, wall_clock())
    return client.post(address.url + path, body, headers)


def _check(answer: HttpResponse) -> None:
    # 202 would be a dead letter: accepted but not understood.
    if answer.status not in {200, 204}:
        excerpt = answer.body[:300].decode(errors="replace")
        raise Unavailable(f"the service answered {answer.status} to a sample call: {excerpt}")


def _print_request(address: _ServiceAddress, key: str) -> None:
    typer.echo(
        f"The demo is served on {address.url} until you press Ctrl-C. Its calls:\n\n"
        f'curl -sS "{address.url}/api/v1/call-logs?limit=25&offset=0" \\\n'
        f'  -H "Authorization: Bearer {key}"\n\n'
        f"In a browser, open {address.url}/calls and sign in with that key.\n"
    )
