"""`calltally alerts sink`: the sinks that get a tenant's alerts."""

from typing import Annotated, Final, TypeAlias

import typer

from calltally.calls.identity import parse_uuid
from calltally.cli.console.options import AsJson, Tenant
from calltally.cli.console.output import print_json, print_rows
from calltally.cli.console.session import read_once, write_once
from calltally.store.alerts.sinks import StoredAlertSink, drop_sink, list_sinks, need_sink
from calltally.store.db.operation import StoreOperation
from calltally.store.tenants.tenants import need_tenant
from calltally.web.api.alerts.schemas import sink_resource

SinkId: TypeAlias = Annotated[str, typer.Argument(help="The sink's id, as in the list.")]
commands: Final = typer.Typer(help="List, show and remove the sinks of alerts.", no_args_is_help=True)


@commands.command("list")
def list_all(tenant: Tenant, *, as_json: AsJson = False) -> None:
    """List a tenant's sinks with the result of the last notification."""
    print_rows([sink_resource(each) for each in read_once(_sinks(tenant))], as_json=as_json)


def _sinks(tenant: str) -> StoreOperation[list[StoredAlertSink]]:
    yield from need_tenant(tenant)
    return (yield from list_sinks(tenant))


@commands.command("show")
def show(tenant: Tenant, sink: SinkId) -> None:
    """Show a sink as JSON, without its secrets."""
    print_json(sink_resource(read_once(need_sink(tenant, parse_uuid(sink) or b""))))


@commands.command("remove")
def remove(tenant: Tenant, sink: SinkId) -> None:
    """Remove a sink with its waiting notifications."""
    write_once(drop_sink(tenant, parse_uuid(sink) or b""))
    typer.echo(f"Removed sink {sink} of {tenant}.")
