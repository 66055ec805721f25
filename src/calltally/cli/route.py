"""`calltally route`: the routes of a tenant, with their numbers and agents."""

from typing import Annotated, Final

import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.cli.console.options import AsJson, Tenant
from calltally.cli.console.output import print_rows
from calltally.cli.console.session import read_once, write_once
from calltally.store.tenants.routes import checked_route, list_routes, put_route
from calltally.web.api.admin.schemas import route_resource

commands: Final = typer.Typer(help="Set and list routes.", no_args_is_help=True)


@commands.command("put")
def put(
    tenant: Tenant,
    route: Annotated[str, typer.Argument(help="The route's key.")],
    *,
    number: Annotated[
        list[str] | None,
        typer.Option(help="A number of the route. Repeat for more. They replace the route's numbers."),
    ] = None,
    agent: Annotated[str | None, typer.Option(help="The key of the agent that answers its calls.")] = None,
    provider: Annotated[str | None, typer.Option(help="The provider that carries its calls.")] = None,
) -> None:
    """Create or replace a route with the given options. A number can belong to only one route."""
    new = checked_route(route, number or [], agent=agent, provider=provider)
    write_once(put_route(tenant, new, wall_clock()))
    numbers = "1 number" if len(new.numbers) == 1 else f"{len(new.numbers)} numbers"
    typer.echo(f"Route {route} of {tenant} has {numbers}.")


@commands.command("list")
def list_all(tenant: Tenant, *, as_json: AsJson = False) -> None:
    """List a tenant's routes with their numbers."""
    print_rows([route_resource(route) for route in read_once(list_routes(tenant))], as_json=as_json)
