"""The options of `calltally quality`, and the parameters that they come to."""

from typing import Annotated, Final, NamedTuple

import typer

from calltally.client.wire import QueryParams

# In the order of the server's reference, each with the option that says it.
_SAID: Final = {
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
    """Each field is an option of its name."""

    base_url: Annotated[
        str | None,
        typer.Option(
            envvar="CALLTALLY_BASE_URL",
            help="A server, such as https://calls.example.com; without it the store here.",
        ),
    ] = None
    key: Annotated[
        str | None,
        typer.Option(envvar="CALLTALLY_API_KEY", help="An API key; in the environment nobody sees it."),
    ] = None
    tenant: Annotated[
        str | None, typer.Option(help="Only of this tenant; of the store, all if left out.")
    ] = None
    from_: Annotated[
        str | None, typer.Option("--from", help="Created at or after; seven days before --to if left out.")
    ] = None
    to: Annotated[str | None, typer.Option(help="Created before; now, if left out.")] = None
    group_by: Annotated[
        str | None, typer.Option(help="What to tell apart: up to three, as route,day; one is a step of time.")
    ] = None
    compare: Annotated[
        str | None, typer.Option(help="previous, same_weekday, or another window as FROM..TO.")
    ] = None
    tz: Annotated[str | None, typer.Option(help="The zone of steps of time, as Europe/Berlin; or UTC.")] = (
        None
    )
    status: Annotated[list[str] | None, typer.Option(help="Only in this state; repeat it for more.")] = None
    direction: Annotated[str | None, typer.Option(help="Only inbound, or only outbound.")] = None
    route: Annotated[str | None, typer.Option(help="Only of this route.")] = None
    provider: Annotated[str | None, typer.Option(help="Only of this provider.")] = None
    agent: Annotated[str | None, typer.Option(help="Only of this voice agent.")] = None
    rate: Annotated[
        list[str] | None, typer.Option(help="Show this rate, as answer_rate; repeat it for more.")
    ] = None
    format: Annotated[str, typer.Option(help="table, json or csv.")] = "table"


def asked_pairs(options: QualityOptions) -> QueryParams:
    """The parameters of the question. A table of groups has no percentiles, which take longest."""
    pairs: list[tuple[str, str]] = []
    for name, field in _SAID.items():
        value = getattr(options, field)
        values = value if isinstance(value, list) else [value] if value is not None else []
        pairs += [(name, each) for each in values]
    is_plain = options.format == "table" and options.group_by is not None
    return [
        *pairs,
        ("percentiles", "false" if is_plain else "true"),
        ("format", "csv" if options.format == "csv" else "json"),
    ]
