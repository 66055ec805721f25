"""`calltally db`: copy and distribution of the database, and new epochs after a restore."""

import asyncio
from typing import Annotated, Final

import msgspec
import typer
from rich.filesize import decimal

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.open_store import load_settings
from calltally.calls.errors import Misconfigured
from calltally.cli.console.options import AsJson, OnlyTenants
from calltally.cli.console.output import print_json, print_rows
from calltally.cli.console.session import chosen_tenants, with_store
from calltally.cli.db_copy import copy_database
from calltally.store.backends.open import check_schema, open_store
from calltally.store.backends.postgres.citus import CitusReadiness, distribute, read_citus_readiness
from calltally.store.db.interface import Store
from calltally.store.maintenance.new_epoch import NewEpoch, start_epoch
from calltally.store.tenants.tenants import new_epoch

commands: Final = typer.Typer(
    help="Copy or distribute the database, and begin new epochs after a restore.", no_args_is_help=True
)
commands.command("copy")(copy_database)
_NO_POSTGRES: Final = "the database is SQLite, a file on one machine; move to PostgreSQL first"


class _Line(msgspec.Struct, frozen=True):
    """Printed line about a table."""

    table: str
    about_rows: str
    size: str
    is_to: str


@commands.command("distribute")
def distribute_tables(
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Only print the missing requirements and the tables that would move."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Distribute the tables over the nodes of a Citus cluster, by tenant. Safe to repeat.

    Stop all servers and workers first. If anything is missing, the command lists it and changes nothing.
    """
    result = asyncio.run(_distribute(check=check, as_json=as_json))
    if as_json:
        print_json(result)
    if result.missing:
        for missing in result.missing:
            typer.echo(f"calltally: {missing}", err=True)
        raise typer.Exit(1)


async def _distribute(*, check: bool, as_json: bool) -> CitusReadiness:
    store = open_store(load_settings().database_url, wall_clock)
    try:
        found = await _survey(store)
        if not as_json:
            lines = [
                _Line(each.table, f"{each.rows:,}", decimal(each.bytes), "move" if each.moves else "stay")
                for each in found.tables
            ]
            print_rows(lines, as_json=False)
        if not check and not found.missing:
            for table in found.tables:
                if table.moves:
                    await store.write(distribute(table.table))
                    typer.echo(f"moved {table.table}", err=as_json)
            typer.echo(
                "All tables are distributed by tenant. Start the servers and workers again.", err=as_json
            )
        return found
    finally:
        await store.close()


async def _survey(store: Store) -> CitusReadiness:
    if store.dialect == "sqlite":
        return CitusReadiness([_NO_POSTGRES], [])
    found = await store.read(read_citus_readiness())
    try:
        await check_schema(store)
    except Misconfigured as fault:
        return CitusReadiness([*found.missing, fault.detail], found.tables)
    return found


@commands.command("new-epoch")
def begin_epochs(
    *,
    tenant: OnlyTenants = None,
    as_json: AsJson = False,
) -> None:
    """Start a new epoch, after a restore or after a failover that may have lost commits.

    Requests with an earlier snapshot, hold or feed position then get 410, so that their clients start again.
    """
    epochs = with_store(lambda store, _settings: _begin(store, tenant))
    print_rows(epochs, as_json=as_json)
    if not as_json:
        typer.echo("Clients that use a snapshot or the feed get 410 once, and start again.", err=True)


async def _begin(store: Store, chosen: list[str] | None) -> list[NewEpoch]:
    """Begin an epoch per tenant, each in its own transaction: tenants may be on different machines."""
    tenants = await chosen_tenants(store, chosen)
    return [await store.write(start_epoch(tenant, new_epoch())) for tenant in tenants]
