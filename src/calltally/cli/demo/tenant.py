"""Tenant of the demo in the database: its key, the secrets of its providers, its rules and its history."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

import msgspec
import uvloop

from calltally.alerts.model.finding import AlertKind
from calltally.alerts.model.rules import Mute, Rules, rules_as_values
from calltally.alerts.model.series import Dimension
from calltally.alerts.notify.notifier import sink_seal_name
from calltally.alerts.notify.sink_kinds import WEBHOOK, check_settings, public_settings
from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.open_store import opened_store
from calltally.bootstrap.vaults import open_vault
from calltally.calls.times import DAY_US
from calltally.cli.demo.history import OLD_AGENT, HistoryLoad, routes_at
from calltally.cli.demo.receiver import ALERTS_PATH
from calltally.cli.demo.receiver import PATH as RECEIVER
from calltally.cli.demo.senders import Sender, new_senders
from calltally.ingest.sample.traffic import TrafficPlan, plan_of
from calltally.settings.fields import Settings
from calltally.store.alerts.detector_state import put_rules, read_evaluation
from calltally.store.alerts.sinks import StoredAlertSink, add_sink, change_sink, list_sinks
from calltally.store.db.interface import Store
from calltally.store.tenants.api_keys import SCOPES, add_key, digest_of_key, find_key, mint_key, tenant_of_key
from calltally.store.tenants.routes import put_route
from calltally.store.tenants.tenants import Tenant, add_tenant, find_tenant, new_epoch
from calltally.store.tenants.vault import put_provider_secrets
from calltally.store.webhooks.endpoints import change_endpoint, endpoints_of

TENANT: Final = "demo"
_SECRET_BYTES: Final = 32
# A small tenant has few calls an hour. The old agent is silent, and a callback is unreadable, on purpose.
_RULES: Final = Rules(
    false_alarms_a_week=0.2,
    least_calls=10,
    mutes=(
        Mute(kind=AlertKind.SILENCE, dimension=Dimension.AGENT, value=OLD_AGENT),
        Mute(kind=AlertKind.DEAD_LETTERS),
    ),
)


class DemoTenant(NamedTuple):
    """Tenant that is ready for traffic: its key, the senders of callbacks, and the load of its history."""

    key: str
    senders: Mapping[str, Sender]
    plan: TrafficPlan
    load: HistoryLoad
    is_new: bool


def prepare_tenant(settings: Settings, url: str, *, seed: int, days: int) -> DemoTenant:
    """Create the missing parts of the tenant. Its history is still to be loaded up to now.

    Events are delivered to the service at `url`, which may have another port than at the last start.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_prepare(settings, url, seed, days * DAY_US))


async def _prepare(settings: Settings, url: str, seed: int, history_us: int) -> DemoTenant:
    async with opened_store(settings, wall_clock) as store:
        now_us, tenant = wall_clock(), await _tenant(store)
        key, senders = _kept_key(settings), new_senders()
        if await store.read(find_key(TENANT, digest_of_key(key))) is None:
            issued = mint_key(TENANT, tuple(SCOPES))._replace(text=key)
            await store.write(add_key(TENANT, issued, "demonstration", now_us))
        await _store_secrets(store, settings, senders)
        for endpoint in await store.read(endpoints_of(TENANT)):
            wanted = endpoint.settings._replace(url=url + RECEIVER)
            await store.write(change_endpoint(TENANT, endpoint.endpoint, wanted, now_us))
        await _put_sink(store, settings, url + ALERTS_PATH)
        plan = plan_of(seed, tenant.created_us, now_us)
        for route in routes_at(plan, now_us):
            await store.write(put_route(TENANT, route, now_us))
        await store.write(put_rules(TENANT, msgspec.json.encode(rules_as_values(_RULES)), now_us))
        loaded_us = (await store.read(read_evaluation(TENANT))).judged_us
        from_us = max(loaded_us or tenant.created_us - history_us, now_us - history_us)
        load = HistoryLoad(settings.database_url, TENANT, plan, from_us, now_us)
        return DemoTenant(key, senders, plan, load, is_new=not loaded_us)


async def _tenant(store: Store) -> Tenant:
    found = await store.read(find_tenant(TENANT))
    if found is not None:
        return found
    return await store.write(add_tenant(TENANT, "Demonstration", wall_clock(), new_epoch()))


def _kept_key(settings: Settings) -> str:
    """Return the key of the demo. It is kept in a file, because the store has only its digest."""
    path = Path(settings.database_url.removeprefix("sqlite:///")).with_suffix(".key")
    text = path.read_text(encoding="utf-8", errors="replace").strip() if path.exists() else ""
    if tenant_of_key(text) != TENANT:
        text = mint_key(TENANT, tuple(SCOPES)).text
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text + "\n")
    return text


async def _put_sink(store: Store, settings: Settings, url: str) -> None:
    """Store the destination of the alerts: before the history, so that its alerts are sent at the start."""
    sinks, now_us = await store.read(list_sinks(TENANT)), wall_clock()
    sink = sinks[0].sink if sinks else uuid4().bytes
    values = check_settings(WEBHOOK, {"url": url}, os.urandom(_SECRET_BYTES))
    sealed = open_vault(settings).seal(
        TENANT, sink_seal_name(sink), {"settings": msgspec.json.encode(values).decode()}
    )
    visible = msgspec.json.encode(public_settings(WEBHOOK, values))
    stored = StoredAlertSink(sink, WEBHOOK, "the demo's own receiver", visible, sealed)
    await store.write((change_sink if sinks else add_sink)(TENANT, stored, now_us))


async def _store_secrets(store: Store, settings: Settings, senders: Mapping[str, Sender]) -> None:
    vault = open_vault(settings)
    for provider, sender in senders.items():
        sealed = vault.seal(TENANT, provider, sender.stored)
        await store.write(put_provider_secrets(TENANT, provider, sealed, wall_clock()))
