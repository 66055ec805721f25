"""`calltally db`: the database itself: on many machines, and after a restore."""

import asyncio
from typing import Annotated, Final

import msgspec
import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.open_store import load_settings
from calltally.calls.errors import Misconfigured
from calltally.cli.console.output import AsJson, print_json, print_rows
from calltally.cli.console.session import with_store
from calltally.store.backends.open import check_schema, open_store
from calltally.store.backends.postgres.citus import Survey, distribute, survey
from calltally.store.db.interface import Store
from calltally.store.maintenance.new_epoch import Begun, begin_epoch
from calltally.store.tenants.tenants import admin_list_tenants, new_epoch

commands: Final = typer.Typer(help="Spread the database, and name its ledgers anew.", no_args_is_help=True)
_NO_POSTGRES: Final = "it is SQLite, a file on one machine: run on PostgreSQL first"
_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")
_UNIT: Final = 1000


class _Line(msgspec.Struct, frozen=True):
    """What is printed of a table."""

    table: str
    about_rows: str
    size: str
    is_to: str


@commands.command("distribute")
def distribute_tables(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what is missing and what would move.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Spread the tables over the nodes of a Citus cluster, by tenant. Safe to repeat after an interruption.

    Stop all servers and workers first. Says all that is missing at once, and then changes nothing.
    """
    done = asyncio.run(_distribute(check=check, as_json=as_json))
    if as_json:
        print_json(done)
    if done.missing:
        for missing in done.missing:
            typer.echo(f"calltally: {missing}", err=True)
        raise typer.Exit(1)


async def _distribute(*, check: bool, as_json: bool) -> Survey:
    store = open_store(load_settings().database_url, wall_clock)
    try:
        found = await _survey(store)
        if not as_json:
            _print(found)
        if not check and not found.missing:
            await _move(store, found, as_json=as_json)
        return found
    finally:
        await store.close()


async def _survey(store: Store) -> Survey:
    if store.dialect == "sqlite":
        return Survey([_NO_POSTGRES], [])
    found = await store.read(survey())
    try:
        await check_schema(store)
    except Misconfigured as fault:
        return Survey([*found.missing, fault.detail], found.tables)
    return found


async def _move(store: Store, found: Survey, *, as_json: bool) -> None:
    for table in found.tables:
        if table.moves:
            await store.write(distribute(table.table))
            typer.echo(f"moved {table.table}", err=as_json)
    typer.echo("All tables are spread by tenant. Start the servers and workers again.", err=as_json)


def _print(found: Survey) -> None:
    lines = [
        _Line(each.table, f"{each.rows:,}", _size(each.bytes), "move" if each.moves else "stay")
        for each in found.tables
    ]
    print_rows(lines, as_json=False)


def _size(size: float) -> str:
    unit = 0
    while size >= _UNIT and unit < len(_UNITS) - 1:
        size, unit = size / _UNIT, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit else f"{size:.0f} {_UNITS[unit]}"


@commands.command("new-epoch")
def begin_epochs(
    *,
    tenant: Annotated[list[str] | None, typer.Option(help="Only this tenant; repeat for more.")] = None,
    as_json: AsJson = False,
) -> None:
    """Begin a new epoch of the ledgers, after a restore or a failover that may have lost commits.

    Snapshots, holds and feeds from before then answer 410, and their followers start again.
    """
    begun = with_store(lambda store, _settings: _begin(store, tenant or []))
    print_rows(begun, as_json=as_json)
    if not as_json:
        typer.echo("Who follows them by snapshot or feed gets 410 once, and starts again.", err=True)


async def _begin(store: Store, named: list[str]) -> list[Begun]:
    """Each tenant in a transaction of its own: they may be on different machines."""
    tenants = named or [tenant.tenant for tenant in await store.read(admin_list_tenants())]
    return [await store.write(begin_epoch(tenant, new_epoch())) for tenant in tenants]
