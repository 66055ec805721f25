"""`calltally tenant`: who shares this service."""

from typing import Annotated, Final

import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.calls.errors import InvalidInput
from calltally.cli.console.output import AsJson, print_json, print_rows
from calltally.cli.console.session import read_once, write_once
from calltally.store.tenants.tenants import (
    add_tenant,
    admin_list_tenants,
    new_epoch,
    set_masking,
    set_retention,
)
from calltally.web.api.admin.schemas import show_tenant

commands: Final = typer.Typer(help="Make and list tenants.", no_args_is_help=True)


@commands.command("add")
def add(
    tenant: Annotated[
        str, typer.Argument(help="Its id, for good: lower-case letters, digits and single hyphens.")
    ],
    *,
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a tenant."""
    made = write_once(add_tenant(tenant, name, wall_clock(), new_epoch()))
    if as_json:
        print_json(show_tenant(made))
    else:
        typer.echo(f"Made tenant {made.tenant}.")


@commands.command("list")
def list_all(*, as_json: AsJson = False) -> None:
    """List all tenants."""
    print_rows([show_tenant(tenant) for tenant in read_once(admin_list_tenants())], as_json=as_json)


@commands.command("retention")
def retention(
    tenant: Annotated[str, typer.Argument(help="Whose calls.")],
    *,
    days: Annotated[int | None, typer.Option(help="How old its calls and dead letters may become.")] = None,
    forever: Annotated[bool, typer.Option("--forever", help="Keep them all.")] = False,
) -> None:
    """Say how long a tenant's calls are kept. What is older is erased by the worker, and cannot come back."""
    if (days is None) != forever:
        raise InvalidInput.of("days", "say either --days N or --forever")
    write_once(set_retention(tenant, days))
    kept = "for ever" if days is None else f"for {days} days"
    typer.echo(f"The calls of {tenant} are kept {kept}.")


@commands.command("masking")
def masking(
    tenant: Annotated[str, typer.Argument(help="Whose numbers.")],
    *,
    masks: Annotated[bool, typer.Option("--on/--off", help="Whether they are masked.")],
) -> None:
    """Say whether whole telephone numbers are for keys with `pii:read` alone."""
    write_once(set_masking(tenant, masks=masks))
    who = "keys with pii:read alone" if masks else "all keys that read calls"
    typer.echo(f"Whole numbers of {tenant} are for {who}.")
