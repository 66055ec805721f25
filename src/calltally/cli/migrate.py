"""`calltally migrate`: creation and upgrade of the database."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Final, TypeAlias

import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.open_store import load_settings
from calltally.bootstrap.vaults import open_vault
from calltally.calls.errors import DamagedStore, Misconfigured
from calltally.calls.plurals import counted
from calltally.cli.console.session import chosen_tenants, with_store
from calltally.ingest.reread import Rereader
from calltally.providers.generic.mapping_packs import pack_names, pack_text
from calltally.providers.generic.signature import MAPPING
from calltally.providers.registry import GENERIC, PROVIDERS, registered_name
from calltally.settings.fields import Settings
from calltally.store.analytics.quality_repair import measure_calls
from calltally.store.backends.open import migrate as migrate_database
from calltally.store.backends.open import schema_of, sqlite_path
from calltally.store.backends.schema import HEAD
from calltally.store.db.interface import Store
from calltally.store.db.operation import StoreOperation
from calltally.store.ledger.text_index import fill_texts
from calltally.store.maintenance.refold_all import CHUNK as REFOLD_CHUNK
from calltally.store.maintenance.refold_all import begin_refold, refold_calls, refold_position
from calltally.store.rollups.alert_steps import keep_steps_from, repair_steps, step_differences, step_windows
from calltally.store.tenants.vault import secrets_of_tenant

# First schema with a full-text search.
_FIRST_WITH_SEARCH: Final = "0002"
# First schema with the counts of known outcomes, which change the measures of all earlier calls.
_FIRST_WITH_KNOWN_OUTCOMES: Final = "0016"
# First schema with the present columns of the steps of alerts.
_FIRST_WITH_STEPS: Final = "0018"
# The schema before an interrupted migration is not recorded, so assume the oldest.
_OLDEST: Final = "0000"


Refold: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--refold",
        help="Recompute all calls. Needed if nodes of the earlier version wrote calls during the upgrade.",
    ),
]


def migrate(*, refold: Refold = False) -> None:
    """Create the database if it is missing, and upgrade its schema to this version. Safe to repeat.

    If this version derives other records from the same facts, the stored bodies are then parsed again and all
    calls are recomputed. After an interruption, the next run continues. Other data that
    earlier versions did not store is computed in the same step.
    """
    migrate_to_head(load_settings(), refold=refold)


def migrate_to_head(settings: Settings, *, refold: bool = False) -> None:
    """Migrate the database of the given settings, with the data that earlier versions did not store."""
    before = asyncio.run(schema_of(settings.database_url, wall_clock))
    migrate_database(settings.database_url)
    if sqlite_path(settings.database_url) is not None:
        open_vault(settings)
    is_unfinished = before == HEAD and with_store(lambda store, _settings: _is_unfinished(store), settings)
    since = _OLDEST if is_unfinished else before
    if since is not None:
        with_store(lambda store, _settings: fill(store, since), settings)
    folded = with_store(lambda store, opened: _refold(store, opened, is_requested=refold), settings)
    typer.echo(
        f"The schema is at {HEAD}."
        + (f" {counted(folded, 'call was', 'calls were')} recomputed." if folded else "")
    )


async def _is_unfinished(store: Store) -> bool:
    """Decide whether a migration was interrupted after its schema step: refolding is its last step."""
    tenants = await chosen_tenants(store)
    return any([await store.read(refold_position(each)) is not None for each in tenants])


async def fill(store: Store, since: str) -> None:
    """Write the data that earlier releases did not write. Each part adds only missing rows."""
    if since < _FIRST_WITH_SEARCH:
        await _in_chunks(store, fill_texts)
    if since < _FIRST_WITH_KNOWN_OUTCOMES:
        await _in_chunks(store, partial(measure_calls, all_calls=True))
    if since < _FIRST_WITH_STEPS:
        # The steps count what the measures say.
        await _fill_steps(store, wall_clock())


async def _refold(store: Store, settings: Settings, *, is_requested: bool) -> int:
    """Recompute the calls of earlier releases, a few hundred per transaction, and return their number."""
    folded = 0
    for tenant in await chosen_tenants(store):
        if is_requested:
            await store.write(begin_refold(tenant))
        if await store.read(refold_position(tenant)) is None:
            continue
        reread = Rereader(PROVIDERS, [*await _mappings(store, settings, tenant), *_packs()])
        while more := await store.write(refold_calls(tenant, REFOLD_CHUNK, wall_clock(), reread)):
            folded += more
    return folded


async def _mappings(store: Store, settings: Settings, tenant: str) -> list[str]:
    """Return the mappings that a tenant stored; none without the key of its secrets."""
    every = await store.read(secrets_of_tenant(tenant))
    stored = [each for each in every if registered_name(each[0]) == GENERIC.name]
    try:
        vault = open_vault(settings) if stored else None
        opened = [vault.open(tenant, name, sealed) for name, sealed in stored] if vault else []
    except (Misconfigured, DamagedStore) as fault:
        typer.echo(f"Calls of {tenant} that a mapping read keep their stored fields: {fault}", err=True)
        return []
    return [secrets[MAPPING] for secrets in opened if secrets.get(MAPPING)]


def _packs() -> list[str]:
    return [pack_text(name) for name in pack_names()]


async def _in_chunks(store: Store, operation: Callable[[str, bytes], StoreOperation[bytes | None]]) -> None:
    """Run an operation over the calls of earlier releases, a few hundred per transaction."""
    for tenant in await chosen_tenants(store):
        after: bytes | None = b""
        while after is not None:
            after = await store.write(operation(tenant, after))


async def _fill_steps(store: Store, now_us: int) -> None:
    """Fill the steps of the weeks that detectors learn from, one day per transaction."""
    for tenant in await chosen_tenants(store):
        await store.write(keep_steps_from(tenant, now_us))
        for window_s in await store.read(step_windows(tenant), long=True):
            is_filled = False
            while not is_filled:
                missing = await store.read(step_differences(tenant, window_s), long=True)
                is_filled = await store.write(repair_steps(tenant, missing))
