"""Options of `calltally quality`, and the query parameters made from them."""

from typing import Annotated, Final, NamedTuple

import typer

from calltally.cli.console.options import (
    Agent,
    ApiKey,
    CreatedTo,
    Direction,
    Provider,
    Route,
    Statuses,
    given_pairs,
)
from calltally.client.wire import QueryParams

# Query parameters in the order of the server's reference, each an option of the same name.
_PARAMETERS: Final = (
    *("from", "to", "group_by", "compare", "tz"),
    *("status", "direction", "route", "provider", "agent", "tenant"),
)


class QualityOptions(NamedTuple):
    """Options of the command, one per field."""

    base_url: Annotated[
        str | None,
        typer.Option(
            envvar="CALLTALLY_BASE_URL",
            help="Address of a server, such as https://calls.example.com. Default: the local store.",
        ),
    ] = None
    key: ApiKey = None
    tenant: Annotated[
        str | None, typer.Option(help="Only calls of this tenant. Default for the local store: all.")
    ] = None
    from_: Annotated[
        str | None,
        typer.Option("--from", help="Calls created at or after this time. Default: seven days before --to."),
    ] = None
    to: CreatedTo = None
    group_by: Annotated[
        str | None,
        typer.Option(
            help="Up to three keys to group by, such as route,day; at most one of them a time step."
        ),
    ] = None
    compare: Annotated[
        str | None, typer.Option(help="Window to compare with: previous, same_weekday, or FROM..TO.")
    ] = None
    tz: Annotated[
        str | None, typer.Option(help="Time zone of the time steps, such as Europe/Berlin. Default: UTC.")
    ] = None
    status: Statuses = None
    direction: Direction = None
    route: Route = None
    provider: Provider = None
    agent: Agent = None
    rate: Annotated[
        list[str] | None, typer.Option(help="A rate to print, such as answer_rate. Repeat for more.")
    ] = None
    format: Annotated[str, typer.Option(help="Output format: table, json or csv.")] = "table"


def query_pairs(options: QualityOptions) -> QueryParams:
    """Return the query parameters. A table of groups needs no percentiles, the slowest part."""
    is_group_table = options.format == "table" and options.group_by is not None
    return [
        *given_pairs(options, _PARAMETERS),
        ("percentiles", "false" if is_group_table else "true"),
        ("format", "csv" if options.format == "csv" else "json"),
    ]
