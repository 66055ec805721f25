"""`calltally migrate`: the database, as this version needs it."""

import asyncio
from typing import Annotated, Final, TypeAlias

import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.open_store import load_settings
from calltally.bootstrap.vaults import open_vault
from calltally.cli.console.session import with_store
from calltally.store.analytics.quality_repair import measure_calls
from calltally.store.backends.open import migrate as migrate_database
from calltally.store.backends.open import schema_of, sqlite_path
from calltally.store.backends.schema import HEAD
from calltally.store.db.interface import Store
from calltally.store.ledger.text_index import fill_texts
from calltally.store.maintenance.refold_all import CHUNK as REFOLD_CHUNK
from calltally.store.maintenance.refold_all import begin_refold, refold_calls
from calltally.store.maintenance.refold_progress import refold_place
from calltally.store.rollups.alert_steps import differences, keep_steps_from, repair_steps, step_windows
from calltally.store.tenants.tenants import admin_list_tenants

# The first schema with a search.
_SEARCHED: Final = "0002"
# The first one with roll-ups of quality.
_MEASURED: Final = "0006"
# The first one with steps that alerts are judged by.
_STEPPED: Final = "0005"
# Which one there was before a migration that was broken off, nobody knows any more: the oldest.
_UNKNOWN: Final = "0000"


Refold: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--refold",
        help="Fold every call anew from its facts: after nodes of the version before wrote beside this one.",
    ),
]


def migrate(*, refold: Refold = False) -> None:
    """Make the database where it is missing, and bring its schema to this version. Safe to repeat.

    Where the new version makes other records of the same facts, all calls are then folded anew; that may be
    stopped, and goes on where it was; so does what else former versions did not write.
    """
    settings = load_settings()
    before = asyncio.run(schema_of(settings.database_url, wall_clock))
    migrate_database(settings.database_url)
    if sqlite_path(settings.database_url) is not None:
        open_vault(settings)
    is_unfinished = before == HEAD and with_store(lambda store, _settings: _is_unfinished(store))
    since = _UNKNOWN if is_unfinished else before
    if since is not None:
        with_store(lambda store, _settings: _fill(store, since))
    folded = with_store(lambda store, _settings: _refold(store, is_asked=refold))
    typer.echo(f"The schema is at {HEAD}." + (f" {folded} calls were folded anew." if folded else ""))


async def _is_unfinished(store: Store) -> bool:
    """Whether a migration was broken off behind its schema: folding anew is the last that it does."""
    tenants = await store.read(admin_list_tenants())
    return any([await store.read(refold_place(each.tenant)) is not None for each in tenants])


async def _fill(store: Store, since: str) -> None:
    """What releases before a schema did not write. Each looks for what is missing: safe to repeat."""
    if since < _SEARCHED:
        await _index_words(store)
    if since < _STEPPED:
        await _fill_steps(store, wall_clock())
    if since < _MEASURED:
        await _measure_calls(store)


async def _refold(store: Store, *, is_asked: bool) -> int:
    """Calls that the former fold made, a few hundred a transaction, beside all else; how many there were."""
    folded = 0
    for tenant in await store.read(admin_list_tenants()):
        if is_asked:
            await store.write(begin_refold(tenant.tenant))
        while more := await store.write(refold_calls(tenant.tenant, REFOLD_CHUNK, wall_clock())):
            folded += more
    return folded


async def _index_words(store: Store) -> None:
    """Summaries from before there was a search; a few hundred calls a transaction, beside all else."""
    for tenant in await store.read(admin_list_tenants()):
        after: bytes | None = b""
        while after is not None:
            after = await store.write(fill_texts(tenant.tenant, after))


async def _measure_calls(store: Store) -> None:
    """Calls from before there were roll-ups; a few hundred a transaction, beside all else."""
    for tenant in await store.read(admin_list_tenants()):
        after: bytes | None = b""
        while after is not None:
            after = await store.write(measure_calls(tenant.tenant, after))


async def _fill_steps(store: Store, now_us: int) -> None:
    """Of the weeks that detectors learn from, a day a transaction, beside all else."""
    for tenant in await store.read(admin_list_tenants()):
        await store.write(keep_steps_from(tenant.tenant, now_us))
        for window_s in await store.read(step_windows(tenant.tenant), long=True):
            is_filled = False
            while not is_filled:
                lacking = await store.read(differences(tenant.tenant, window_s), long=True)
                is_filled = await store.write(repair_steps(tenant.tenant, lacking))
