"""`calltally tenant remove`: the removal of a tenant with all its data."""

import asyncio
import sys
from collections import Counter
from typing import Annotated, Final

import msgspec
import typer

from calltally.bootstrap.clocks import steady_clock, wall_clock
from calltally.bootstrap.outbound import erasure_ledger, job_folders
from calltally.calls.errors import InvalidInput
from calltally.calls.plurals import counted
from calltally.calls.times import SECOND_US
from calltally.cli.console.options import AsJson, Tenant
from calltally.cli.console.output import aligned, print_json, print_result
from calltally.cli.console.session import with_store
from calltally.settings.fields import Settings
from calltally.store.db.interface import Store
from calltally.store.maintenance.tenant_removal import (
    SETTLE_US,
    TenantRows,
    begin_removal,
    count_tenant_rows,
    finish_removal,
    need_stored_tenant,
)
from calltally.web.api.admin.schemas import TenantContents

# A few milliseconds: a service on the same database waits this long.
_BATCH: Final = 500
_POLL_S: Final = 1.0


class RemovedTenant(msgspec.Struct, frozen=True):
    """A removed tenant, and the number of its removed rows by table."""

    tenant: str
    removed_rows: dict[str, int]


def remove(
    tenant: Tenant,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be removed, by table.")
    ] = False,
    confirm: Annotated[
        str | None, typer.Option(help="The tenant's id once more, instead of the prompt.", metavar="TENANT")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remove a tenant with all its data: calls, facts, keys, secrets, alerts, exports. It cannot be undone.

    Its keys and callbacks are refused within five seconds. The rows are removed in small batches while the
    service runs. After an interruption, the same command continues, and so does the worker.
    """
    if dry_run or confirm is None:
        contents = with_store(lambda store, _settings: _contents(store, tenant))
        if dry_run:
            print_result(contents, _print_contents, as_json=as_json)
            return
        _print_contents(contents, err=True)
        confirm = _prompt(tenant)
    if confirm != tenant:
        raise InvalidInput.of("confirm", f"nothing was removed: the confirmation is not {tenant}")
    removed = with_store(lambda store, settings: _remove(store, settings, tenant))
    if as_json:
        print_json(removed)
    else:
        typer.echo(f"Removed tenant {tenant} with {counted(sum(removed.removed_rows.values()), 'row')}.")


async def _contents(store: Store, tenant: str) -> TenantContents:
    return TenantContents(tenant, await store.read(count_tenant_rows(tenant), long=True))


def _print_contents(contents: TenantContents, *, err: bool = False) -> None:
    total = sum(contents.rows.values())
    table = [[name, f"{rows:,}"] for name, rows in contents.rows.items()]
    for line in aligned([["table", "rows"], *table, ["total", f"{total:,}"]], left=1):
        typer.echo(line, err=err)


def _prompt(tenant: str) -> str:
    """Return the typed confirmation. Raises InvalidInput without a terminal."""
    if not sys.stdin.isatty():
        message = f"nothing was removed: confirm with --confirm {tenant}, or run the command on a terminal"
        raise InvalidInput.of("confirm", message)
    typed: str = typer.prompt(f"This cannot be undone. Type {tenant} to remove it for good", err=True)
    return typed


async def _remove(store: Store, settings: Settings, tenant: str) -> RemovedTenant:
    await store.read(need_stored_tenant(tenant))
    began_us, erasures = wall_clock(), erasure_ledger(settings)
    if erasures is not None:
        erasures.add_tenant(tenant, began_us)
    await store.write(begin_removal(tenant, began_us))
    removed: Counter[str] = Counter()
    await _remove_rows(store, tenant, removed)
    folders = job_folders(settings)
    if folders is not None:
        await asyncio.to_thread(folders.remove_tenant, tenant)
    if not await store.write(finish_removal(tenant, wall_clock())):
        waited = f"up to {SETTLE_US // SECOND_US} s"
        typer.echo(
            f"All rows are removed. Waiting {waited} until running services have noticed it.", err=True
        )
        await _finish(store, tenant, removed)
    return RemovedTenant(tenant, dict(removed))


async def _finish(store: Store, tenant: str, removed: Counter[str]) -> None:
    """Remove what services have written since, until none can write any more."""
    while not await store.write(finish_removal(tenant, wall_clock())):
        await asyncio.sleep(_POLL_S)
        await _remove_rows(store, tenant, removed)


async def _remove_rows(store: Store, tenant: str, removed: Counter[str]) -> None:
    """Remove the rows of all tables, and print each table when it is empty."""
    rows = TenantRows(tenant)
    table, in_table = rows.table, 0
    while rows.table is not None:
        began_us = steady_clock()
        count = await store.write(rows.remove_batch(_BATCH))
        if rows.table != table:
            if table is not None and in_table:
                typer.echo(f"{table}: {counted(in_table, 'row')} removed", err=True)
            table, in_table = rows.table, 0
        if count and table is not None:
            in_table += count
            removed[table] += count
        # As long as the batch: half of the time is left to a service on the same database.
        await asyncio.sleep((steady_clock() - began_us) / SECOND_US)
