"""`calltally endpoint`: the webhook endpoints of a tenant."""

from typing import Annotated, Final, TypeAlias

import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.calls.identity import parse_uuid
from calltally.cli.console.options import AsJson, Tenant
from calltally.cli.console.output import print_json, print_rows
from calltally.cli.console.session import read_once, write_once
from calltally.store.db.operation import StoreOperation
from calltally.store.tenants.tenants import need_tenant
from calltally.store.webhooks.endpoints import (
    Endpoint,
    delete_endpoint,
    endpoints_of,
    need_endpoint,
    pause_endpoint,
    resume_endpoint,
)
from calltally.web.api.webhooks.schemas import endpoint_resource

EndpointId: TypeAlias = Annotated[str, typer.Argument(help="The endpoint's id, as in the list.")]
commands: Final = typer.Typer(
    help="List, show, pause, resume and remove webhook endpoints.", no_args_is_help=True
)
_REASON: Final = "paused by the command line"


@commands.command("list")
def list_all(tenant: Tenant, *, as_json: AsJson = False) -> None:
    """List a tenant's webhook endpoints."""
    print_rows([endpoint_resource(each) for each in read_once(_endpoints(tenant))], as_json=as_json)


def _endpoints(tenant: str) -> StoreOperation[list[Endpoint]]:
    yield from need_tenant(tenant)
    return (yield from endpoints_of(tenant))


@commands.command("show")
def show(tenant: Tenant, endpoint: EndpointId) -> None:
    """Show an endpoint as JSON, without its secret."""
    print_json(endpoint_resource(read_once(need_endpoint(tenant, _id(endpoint)))))


@commands.command("pause")
def pause(tenant: Tenant, endpoint: EndpointId) -> None:
    """Pause an endpoint. Its events wait until it is resumed."""
    paused = write_once(pause_endpoint(tenant, _id(endpoint), _REASON, wall_clock()))
    typer.echo(f"Paused {paused.settings.url}. Its events wait; `calltally endpoint resume` delivers them.")


@commands.command("resume")
def resume(tenant: Tenant, endpoint: EndpointId) -> None:
    """Resume an endpoint. Waiting events are delivered first."""
    resumed = write_once(resume_endpoint(tenant, _id(endpoint), wall_clock()))
    typer.echo(f"Resumed {resumed.settings.url}.")


@commands.command("remove")
def remove(tenant: Tenant, endpoint: EndpointId) -> None:
    """Remove an endpoint with its waiting deliveries."""
    write_once(delete_endpoint(tenant, _id(endpoint), wall_clock()))
    typer.echo(f"Removed endpoint {endpoint} of {tenant}.")


def _id(endpoint: str) -> bytes:
    return parse_uuid(endpoint) or b""
