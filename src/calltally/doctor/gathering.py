"""Gathering of the facts: reads of the database and of the files beside it. It changes nothing."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from calltally.calls.errors import CalltallyError, Misconfigured
from calltally.calls.filters import CallFilter
from calltally.calls.list_query import ListQuery
from calltally.calls.times import DAY_US, SECOND_US
from calltally.doctor.facts import ConnectionLimits, Disk, Facts, Growth, OpenFile, ProviderContact
from calltally.settings.fields import Settings
from calltally.store.backends.open import check_schema, sqlite_path
from calltally.store.db.interface import Store
from calltally.store.db.operation import execute
from calltally.store.listing.seek import Seek
from calltally.store.maintenance.expected_indexes import meta_missing_indexes
from calltally.store.maintenance.key_rotation import failing_secrets, newest_secrets
from calltally.store.maintenance.refold_all import refold_position
from calltally.store.maintenance.worker_presence import admin_missing_worker, missing_worker_text
from calltally.store.overview.activity import configured_providers
from calltally.store.rollups.call_counters import ALL
from calltally.store.tenants.dead_letters import failures_since
from calltally.store.tenants.tenants import admin_list_tenants
from calltally.store.tenants.vault import Vault

# Beside the database of SQLite, as `bootstrap.vaults` makes it.
KEY_FILE: Final = "secret.key"
_WRITER_CONNECTIONS: Final = 1
_WEEK_US: Final = 7 * DAY_US
_OTHERS: Final = 0o077
_PERMISSIONS: Final = 0o777


class Installation(NamedTuple):
    """Installation to examine. `vault` is called only where secrets are stored: it may make a key."""

    settings: Settings
    store: Store
    vault: Callable[[], Vault]


async def gather_facts(installation: Installation, now_us: int) -> Facts:
    """Gather the facts. Without a schema of this version, those of the database's contents are missing."""
    settings, store, _vault = installation
    facts = _machine_facts(settings, Facts(now_us, "SQLite", public_url=settings.public_url))
    if store.dialect != "sqlite":
        facts = await _server_facts(installation, facts)
    try:
        await check_schema(store)
    except Misconfigured as fault:
        return facts._replace(schema_fault=fault.detail)
    return await _stored_facts(installation, facts)


def _machine_facts(settings: Settings, facts: Facts) -> Facts:
    """Add the facts of the files and their disks; those of PostgreSQL are on another machine."""
    path = sqlite_path(settings.database_url)
    folders = [each for each in (path and path.parent, settings.files_folder) if each and each.exists()]
    facts = facts._replace(disks=[Disk(str(each), shutil.disk_usage(each).free) for each in folders])
    if path is None:
        return facts
    wal = path.with_name(f"{path.name}-wal")
    wal_bytes = wal.stat().st_size if wal.exists() else 0
    return facts._replace(wal_bytes=wal_bytes, open_files=list(_open_files(path)))


def _open_files(database: Path) -> Iterator[OpenFile]:
    companions = [database.with_name(database.name + suffix) for suffix in ("", "-wal", "-shm")]
    for path in (*companions, database.parent / KEY_FILE):
        mode = path.stat().st_mode & _PERMISSIONS if path.exists() else 0
        if mode & _OTHERS:
            yield OpenFile(str(path), mode)


async def _server_facts(installation: Installation, facts: Facts) -> Facts:
    settings, store, _vault = installation
    [(clock_us, version, accepted, in_use)] = await store.read(execute("meta_server_state"))
    tables = [table for (table,) in await store.read(execute("meta_tables_without_rights"))]
    by_node = settings.workers * (settings.database_connections + _WRITER_CONNECTIONS)
    return facts._replace(
        database=f"PostgreSQL {version}",
        other_clocks={"the database": clock_us},
        tables_without_rights=tables,
        connections=ConnectionLimits(accepted, in_use, by_node),
    )


async def _stored_facts(installation: Installation, facts: Facts) -> Facts:
    store, now_us = installation.store, facts.now_us
    tenants = [each.tenant for each in await store.read(admin_list_tenants())]
    missing = await store.read(admin_missing_worker(now_us))
    return facts._replace(
        missing_indexes=await store.read(meta_missing_indexes(store.dialect)),
        write_fault=await _write_fault(store),
        missing_worker=missing_worker_text(missing) if missing else None,
        secret_faults=await _secret_faults(installation),
        tenants_to_refold=[each for each in tenants if await store.read(refold_position(each)) is not None],
        providers=[found for each in tenants for found in await _contacts(store, each, now_us)],
        growth=await _growth(store, tenants, now_us),
    )


async def _write_fault(store: Store) -> str | None:
    """Write an unchanged value, and return the error."""
    try:
        await store.write(execute("meta_try_write"))
    except CalltallyError as fault:
        return fault.detail
    return None


async def _secret_faults(installation: Installation) -> list[str]:
    stored = await installation.store.read(newest_secrets())
    try:
        return failing_secrets(installation.vault(), stored) if stored else []
    except Misconfigured as fault:
        return [fault.detail]


async def _contacts(store: Store, tenant: str, now_us: int) -> list[ProviderContact]:
    failures = await store.read(failures_since(tenant, (now_us - DAY_US) // SECOND_US))
    wrong = {provider: count for provider, count, _first_s in failures}
    received = await store.read(configured_providers(tenant))
    return [ProviderContact(tenant, name, at_us, wrong.get(name, 0)) for name, at_us in received.items()]


async def _growth(store: Store, tenants: Sequence[str], now_us: int) -> Growth:
    [(size,)] = await store.read(execute("meta_database_bytes"))
    week = ListQuery(filter=CallFilter(from_us=now_us - _WEEK_US))
    calls = [await store.read(Seek(tenant, ListQuery(), ALL).total()) for tenant in tenants]
    calls_of_week = [await store.read(Seek(tenant, week, ALL).total()) for tenant in tenants]
    return Growth(size, sum(calls), sum(calls_of_week))
