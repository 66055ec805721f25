"""`calltally tenant`: the tenants of this service."""

import sys
from typing import Annotated, Final

import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.calls.errors import InvalidInput
from calltally.calls.filters import CallFilter
from calltally.calls.list_query import ListQuery
from calltally.calls.plurals import counted
from calltally.calls.times import DAY_US
from calltally.cli.console.options import AsJson, Tenant
from calltally.cli.console.output import print_result, print_rows
from calltally.cli.console.session import read_once, write_once
from calltally.cli.tenant_removal import remove
from calltally.store.listing.list_calls import list_calls
from calltally.store.tenants.tenants import (
    MAX_RETENTION_DAYS,
    add_tenant,
    admin_list_tenants,
    need_tenant,
    new_epoch,
    set_bridged_is_escalation,
    set_default_country,
    set_masking,
    set_retention,
)
from calltally.web.api.admin.schemas import tenant_resource

commands: Final = typer.Typer(help="Create, list, show, configure and remove tenants.", no_args_is_help=True)


@commands.command("add")
def add(
    tenant: Annotated[
        str, typer.Argument(help="The tenant's permanent id: lower-case letters, digits and single hyphens.")
    ],
    *,
    name: Annotated[str, typer.Option(help="A display name.")] = "",
    as_json: AsJson = False,
) -> None:
    """Create a tenant."""
    created = write_once(add_tenant(tenant, name, wall_clock(), new_epoch()))
    message = f"Created tenant {created.tenant}."
    print_result(tenant_resource(created), lambda _created: typer.echo(message), as_json=as_json)


@commands.command("list")
def list_all(*, as_json: AsJson = False) -> None:
    """List all tenants."""
    print_rows([tenant_resource(tenant) for tenant in read_once(admin_list_tenants())], as_json=as_json)


@commands.command("show")
def show(tenant: Tenant, *, as_json: AsJson = False) -> None:
    """Show a tenant and its settings."""
    print_rows([tenant_resource(read_once(need_tenant(tenant)))], as_json=as_json)


@commands.command("retention")
def retention(
    tenant: Tenant,
    *,
    days: Annotated[
        int | None, typer.Option(help="Maximum age of its calls and dead letters, in days.")
    ] = None,
    forever: Annotated[
        bool, typer.Option("--forever", help="Keep calls and dead letters without a limit.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count the calls that would be erased.")
    ] = False,
) -> None:
    """Set the retention of a tenant's calls. The worker permanently erases older calls.

    On a terminal it asks for confirmation if there are older calls.
    """
    if (days is None) != forever:
        raise InvalidInput.of("days", "give either --days N or --forever")
    older = _older_calls(tenant, days)
    if dry_run:
        typer.echo(f"Calls that would be erased: {older:,}.")
        return
    if older and sys.stdin.isatty():
        typer.confirm(f"This permanently erases {counted(older, 'call')}. Continue?", abort=True, err=True)
    write_once(set_retention(tenant, days))
    limit = "without a time limit" if days is None else f"for {counted(days, 'day')}"
    erased = f" Older calls, which the worker now erases: {older:,}." if older else ""
    typer.echo(f"The calls of {tenant} are kept {limit}.{erased}")


def _older_calls(tenant: str, days: int | None) -> int:
    read_once(need_tenant(tenant))
    if days is None or not 0 < days <= MAX_RETENTION_DAYS:
        return 0
    calls = CallFilter(to_us=max(wall_clock() - days * DAY_US, 0))
    return read_once(list_calls(tenant, ListQuery(filter=calls, limit=1))).total


@commands.command("masking")
def masking(
    tenant: Tenant,
    *,
    masks: Annotated[
        bool, typer.Option("--on/--off", help="Turn the masking of telephone numbers on or off.")
    ],
) -> None:
    """Turn the masking of telephone numbers on or off for keys without `pii:read`."""
    write_once(set_masking(tenant, masks=masks))
    readers = "Only keys with pii:read" if masks else "All keys that read calls"
    typer.echo(f"{readers} see the complete numbers of {tenant}.")


@commands.command("escalation")
def escalation(
    tenant: Tenant,
    *,
    bridged: Annotated[
        bool,
        typer.Option(
            "--bridged/--reported", help="Also count bridged transfers, or only reported escalations."
        ),
    ],
) -> None:
    """Set which calls count as escalated in quality reports."""
    write_once(set_bridged_is_escalation(tenant, counts=bridged))
    counted = "Reported escalations and bridged transfers" if bridged else "Only reported escalations"
    typer.echo(f"{counted} of {tenant} count as escalations in quality reports.")


@commands.command("country")
def country(
    tenant: Tenant,
    *,
    code: Annotated[
        str | None, typer.Option("--set", metavar="CODE", help="Two letters of ISO 3166-1, such as US or DE.")
    ] = None,
    none: Annotated[
        bool, typer.Option("--none", help="Compare national numbers by their last digits only.")
    ] = False,
) -> None:
    """Set the country of national numbers in searches."""
    if (code is None) != none:
        raise InvalidInput.of("country", "give either --set CODE or --none")
    chosen = code and code.upper()
    write_once(set_default_country(tenant, chosen))
    readings = f"as numbers of {chosen}" if chosen else "by their last digits only"
    typer.echo(f"Searches of {tenant} read national numbers {readings}.")


commands.command("remove")(remove)
