"""Options of `calltally quality`, and the query parameters made from them."""

from typing import Annotated, Final, NamedTuple

import typer

from calltally.client.wire import QueryParams

# Query parameters in the order of the server's reference, each with its option.
_OPTION_BY_PARAMETER: Final = {
    "from": "from_",
    "to": "to",
    "group_by": "group_by",
    "compare": "compare",
    "tz": "tz",
    "status": "status",
    "direction": "direction",
    "route": "route",
    "provider": "provider",
    "agent": "agent",
    "tenant": "tenant",
}


class QualityOptions(NamedTuple):
    """Options of the command, one per field."""

    base_url: Annotated[
        str | None,
        typer.Option(
            envvar="CALLTALLY_BASE_URL",
            help="Address of a server, such as https://calls.example.com. Default: the local store.",
        ),
    ] = None
    key: Annotated[
        str | None,
        typer.Option(
            envvar="CALLTALLY_API_KEY",
            help="An API key. Prefer the environment variable: options are visible to others.",
        ),
    ] = None
    tenant: Annotated[
        str | None, typer.Option(help="Only calls of this tenant. Default for the local store: all.")
    ] = None
    from_: Annotated[
        str | None,
        typer.Option("--from", help="Calls created at or after this time. Default: seven days before --to."),
    ] = None
    to: Annotated[str | None, typer.Option(help="Calls created before this time. Default: now.")] = None
    group_by: Annotated[
        str | None,
        typer.Option(help="Up to three keys to group by, such as route,day. At most one is a time step."),
    ] = None
    compare: Annotated[
        str | None, typer.Option(help="Window to compare with: previous, same_weekday, or FROM..TO.")
    ] = None
    tz: Annotated[
        str | None, typer.Option(help="Time zone of the time steps, such as Europe/Berlin. Default: UTC.")
    ] = None
    status: Annotated[list[str] | None, typer.Option(help="Only calls in this state. Repeat for more.")] = (
        None
    )
    direction: Annotated[
        str | None, typer.Option(help="Only calls in this direction: inbound or outbound.")
    ] = None
    route: Annotated[str | None, typer.Option(help="Only calls of this route.")] = None
    provider: Annotated[str | None, typer.Option(help="Only calls of this provider.")] = None
    agent: Annotated[str | None, typer.Option(help="Only calls of this voice agent.")] = None
    rate: Annotated[
        list[str] | None, typer.Option(help="A rate to print, such as answer_rate. Repeat for more.")
    ] = None
    format: Annotated[str, typer.Option(help="Output format: table, json or csv.")] = "table"


def query_pairs(options: QualityOptions) -> QueryParams:
    """Return the query parameters. A table of groups needs no percentiles, the slowest part."""
    pairs: list[tuple[str, str]] = []
    for name, field in _OPTION_BY_PARAMETER.items():
        value = getattr(options, field)
        values = value if isinstance(value, list) else [value] if value is not None else []
        pairs += [(name, each) for each in values]
    is_group_table = options.format == "table" and options.group_by is not None
    return [
        *pairs,
        ("percentiles", "false" if is_group_table else "true"),
        ("format", "csv" if options.format == "csv" else "json"),
    ]
