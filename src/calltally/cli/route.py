"""`calltally route`: which numbers belong together, and which agent answers them."""

from typing import Annotated, Final

import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.cli.console.output import AsJson, print_rows
from calltally.cli.console.session import read_once, write_once
from calltally.store.tenants.routes import checked_route, list_routes, put_route
from calltally.web.api.admin.schemas import show_route

Tenant = Annotated[str, typer.Argument(help="The tenant's id.")]

commands: Final = typer.Typer(help="Set and list routes.", no_args_is_help=True)


@commands.command("put")
def put(
    tenant: Tenant,
    route: Annotated[str, typer.Argument(help="The route's key.")],
    *,
    number: Annotated[
        list[str] | None, typer.Option(help="A number of it; repeat it for more. They replace those it has.")
    ] = None,
    agent: Annotated[str | None, typer.Option(help="The key of the agent that answers.")] = None,
    provider: Annotated[str | None, typer.Option(help="Who carries its calls.")] = None,
) -> None:
    """Make a route what the options say. A number can be of one route only."""
    new = checked_route(route, number or [], agent=agent, provider=provider)
    write_once(put_route(tenant, new, wall_clock()))
    numbers = "1 number" if len(new.numbers) == 1 else f"{len(new.numbers)} numbers"
    typer.echo(f"Route {route} of {tenant} has {numbers}.")


@commands.command("list")
def list_all(tenant: Tenant, *, as_json: AsJson = False) -> None:
    """List a tenant's routes with their numbers."""
    print_rows([show_route(route) for route in read_once(list_routes(tenant))], as_json=as_json)
