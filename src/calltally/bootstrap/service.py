"""Composition of the service: store, keys, limits, application, and possibly an embedded worker."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple, TypeAlias

from calltally.bootstrap.clocks import steady_clock, wall_clock
from calltally.bootstrap.examination import examine_installation
from calltally.bootstrap.outbound import erasure_ledger, job_folders, mail_sender, outgoing_policy
from calltally.bootstrap.vaults import check_secrets, open_vault
from calltally.bootstrap.workers import make_worker
from calltally.logs import get_logger
from calltally.multiprocess import Member
from calltally.net.http_client import OutgoingClient
from calltally.settings.fields import Settings, secret_text
from calltally.store.backends.open import check_schema, open_store, sqlite_path
from calltally.store.backends.postgres.options import PostgresOptions
from calltally.store.backends.sqlite.network_mounts import network_file_system
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock
from calltally.store.tenants.vault import Vault
from calltally.web.app import create_app
from calltally.web.auth.key_uses import KeyUses
from calltally.web.auth.keyring import KeyRing
from calltally.web.auth.token_bucket import RateLimits
from calltally.web.lifespan import LifespanTask
from calltally.web.metrics.metrics import Metrics
from calltally.web.metrics.multiprocess import MultiprocessMetrics
from calltally.web.request.dependencies import Dependencies
from calltally.worker.presence import watch_for_worker
from calltally.worker.throttle import wait_for_stop

_ATTEND_S: Final = 1.0

Application: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

log: Final = get_logger(__name__)


class Service(NamedTuple):
    """Service that is ready to serve. The application closes the store when its server stops."""

    settings: Settings
    store: Store
    clock: Clock
    app: Application


async def open_service(
    settings: Settings, clock: Clock = wall_clock, member: Member | None = None
) -> Service:
    """Assemble the service for `serve`. Raises Misconfigured with instructions."""
    heads = member.group.heads if member else None
    options = PostgresOptions(settings.database_connections, settings.read_url, heads)
    store = open_store(settings.database_url, clock, options)
    try:
        await check_schema(store)
        # Behind the schema: a key is made only for a database of which it is certain that it holds no secret.
        vault = open_vault(settings)
        await check_secrets(settings, store)
    except BaseException:
        await store.close()
        raise
    _warn_of_a_network(settings)
    parts = _parts(settings, store, vault, clock=clock, member=member)
    app = _with_worker(settings, parts, create_app(parts))
    return Service(settings, store, clock, _attended(app, parts, member) if member else app)


def _warn_of_a_network(settings: Settings) -> None:
    path = sqlite_path(settings.database_url)
    if path is not None and (kind := network_file_system(path)):
        log.warning("the database is on a network file system", type=kind, path=str(path))


def _attended(app: Application, parts: Dependencies, member: Member) -> Application:
    """Make the process share its metrics with the other processes, and end with its parent."""

    async def attend(stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                parts.metrics.refresh()
            except Exception:
                # It must not end the loop that checks the parent.
                log.exception("the metrics of this process cannot be shared")
            if os.getppid() != member.parent:
                signal.raise_signal(signal.SIGTERM)
                return
            await wait_for_stop(stop, _ATTEND_S)

    return LifespanTask(app, attend)


def _with_worker(settings: Settings, parts: Dependencies, app: Application) -> Application:
    """Do the background work in every serving process; leases share it out. Else watch for a worker."""
    if not settings.embedded_worker:
        return LifespanTask(app, lambda stop: watch_for_worker(parts.store, parts.clock, stop))
    return LifespanTask(
        app, lambda stop: make_worker(settings, parts.store, parts.clock, stop, parts.metrics).run()
    )


def _parts(
    settings: Settings,
    store: Store,
    vault: Vault,
    *,
    clock: Clock,
    member: Member | None,
) -> Dependencies:
    shared_limits = member.group.limits if member else None
    return Dependencies(
        store=store,
        clock=clock,
        key_uses=KeyUses(store, clock),
        keys=KeyRing(store, steady_clock, secret_text(settings.admin_key)),
        limits=RateLimits(settings.rate_limit_per_minute, steady_clock, shared_limits),
        vault=vault,
        public_url=settings.public_url,
        trust_proxy=settings.trust_proxy,
        folders=job_folders(settings),
        erasures=erasure_ledger(settings),
        metrics_by_tenant=settings.metrics_by_tenant,
        outgoing=OutgoingClient(outgoing_policy(settings)),
        send_mail=mail_sender(settings),
        examine=lambda: examine_installation(settings, store, clock()),
        metrics=MultiprocessMetrics(member) if member else Metrics(),
    )
