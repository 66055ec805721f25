"""`calltally route`: the routes of a tenant, with their numbers and agents."""

from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.calls.plurals import counted
from calltally.cli.console.options import AsJson, Tenant
from calltally.cli.console.output import print_result, print_rows
from calltally.cli.console.session import read_once, write_once
from calltally.store.db.operation import StoreOperation
from calltally.store.tenants.routes import (
    Route,
    checked_route,
    find_route,
    list_routes,
    need_route,
    put_route,
    remove_route,
)
from calltally.web.api.admin.schemas import RouteResource, route_resource

RouteKey: TypeAlias = Annotated[str, typer.Argument(help="The route's key.")]
commands: Final = typer.Typer(help="Set, list, show and remove routes.", no_args_is_help=True)


@commands.command("put")
def put(
    tenant: Tenant,
    route: RouteKey,
    *,
    number: Annotated[
        list[str] | None,
        typer.Option(help="A number of the route. Repeat for more. They replace the route's numbers."),
    ] = None,
    agent: Annotated[
        str | None, typer.Option(help='The key of the agent that answers its calls; "" removes it.')
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help='The provider that carries its calls; "" removes it.')
    ] = None,
) -> None:
    """Create or change a route. Omitted options change nothing. A number can belong to only one route."""
    new = write_once(_change_route(tenant, route, number, {"agent": agent, "provider": provider}))
    typer.echo(f"Route {route} of {tenant} has {counted(len(new.numbers), 'number')}.")


def _change_route(
    tenant: str, route: str, numbers: list[str] | None, words: Mapping[str, str | None]
) -> StoreOperation[Route]:
    """Replace the given parts of a route; None keeps a part, and an empty word removes it."""
    old = (yield from find_route(tenant, route)) or Route(route, ())
    kept = {name: getattr(old, name) if word is None else word or None for name, word in words.items()}
    new = checked_route(route, old.numbers if numbers is None else numbers, **kept)
    yield from put_route(tenant, new, wall_clock())
    return new


@commands.command("list")
def list_all(tenant: Tenant, *, as_json: AsJson = False) -> None:
    """List a tenant's routes with their numbers."""
    print_rows([route_resource(route) for route in read_once(list_routes(tenant))], as_json=as_json)


@commands.command("show")
def show(tenant: Tenant, route: RouteKey, *, as_json: AsJson = False) -> None:
    """Show a route with all its numbers, one a line."""
    found = read_once(need_route(tenant, route))
    print_result(route_resource(found), _print_route, as_json=as_json)


@commands.command("remove")
def remove(tenant: Tenant, route: RouteKey) -> None:
    """Remove a route, and free its numbers. Its calls keep the route's key."""
    write_once(remove_route(tenant, route))
    typer.echo(f"Removed route {route} of {tenant}.")


def _print_route(route: RouteResource) -> None:
    typer.echo(f"Route {route.route}: agent {route.agent or '-'}, provider {route.provider or '-'}")
    for number in route.numbers:
        typer.echo(number)
