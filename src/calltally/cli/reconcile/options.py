"""Options of `calltally reconcile`, and the parameters made from them."""

from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from calltally.calls.errors import InvalidInput
from calltally.calls.times import parse_instant
from calltally.cli.reconcile.events import EventsRequest
from calltally.client.exporting.request import duration_us


class ReconcileOptions(NamedTuple):
    """Options of the command, one per field."""

    events: Annotated[
        list[str] | None,
        typer.Option(
            help="File of received events: NDJSON, also .gz or .zst; - is standard input. Repeat for more."
        ),
    ] = None
    calls: Annotated[
        Path | None,
        typer.Option(help="Read the calls from this folder of an export.", exists=True, file_okay=False),
    ] = None
    base_url: Annotated[
        str | None,
        typer.Option(
            envvar="CALLTALLY_BASE_URL",
            help="Read the calls from this server, such as https://calls.example.com.",
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
        str | None,
        typer.Option(
            help="The tenant's id. Without --calls and --base-url, its calls come from the local store."
        ),
    ] = None
    month: Annotated[str | None, typer.Option(help="Window of a month in UTC, such as 2026-10.")] = None
    from_: Annotated[
        str | None,
        typer.Option(
            "--from", help="Calls created at or after this time: RFC 3339, or a date (midnight UTC)."
        ),
    ] = None
    to: Annotated[str | None, typer.Option(help="Calls created before this time.")] = None
    late: Annotated[
        str, typer.Option(help="An event is late if it arrives later than this after its creation.")
    ] = "5m"
    grace: Annotated[
        str, typer.Option(help="Time that an event may be in transit before it counts as missing.")
    ] = "15m"
    expect: Annotated[
        list[str] | None,
        typer.Option(
            help="Event that each call must have: completed (default), started or escalated. Repeat for more."
        ),
    ] = None
    as_of: Annotated[
        str | None, typer.Option(help="Time at which the events and calls were collected. Default: now.")
    ] = None
    against: Annotated[
        str | None, typer.Option(help="deliveries: compare with the webhooks that this service delivered.")
    ] = None
    endpoint: Annotated[
        str | None, typer.Option(help="The webhook endpoint's id, for --against deliveries.")
    ] = None
    provider: Annotated[str | None, typer.Option(help="Compare with the call list of this provider.")] = None
    provider_file: Annotated[
        list[Path] | None,
        typer.Option(
            help="File with the provider's list, instead of its API. Repeat for more.",
            exists=True,
            dir_okay=False,
        ),
    ] = None
    heal: Annotated[bool, typer.Option("--heal", help="Record the provider's facts in the ledger.")] = False
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Deliver events of healed calls to the tenant's endpoints.")
    ] = False
    limit: Annotated[int, typer.Option(help="Maximum number of findings to print of each kind.", min=0)] = 20
    csv: Annotated[Path | None, typer.Option(help="Write all findings to this file.")] = None
    html: Annotated[Path | None, typer.Option(help="Write a report as an HTML page to this file.")] = None
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False


def events_request(options: ReconcileOptions, now_us: int) -> EventsRequest:
    """Return the parameters of a comparison with events. Raises InvalidInput with the wrong option."""
    if options.heal or options.deliver or options.provider_file:
        raise InvalidInput.of("heal", "--heal, --deliver and --provider-file require --provider")
    return EventsRequest(
        files=tuple(options.events or ()),
        ends=(options.month, options.from_, options.to),
        as_of_us=now_us if options.as_of is None else _instant("as-of", options.as_of),
        late_us=duration_us("late", options.late),
        grace_us=duration_us("grace", options.grace),
        expected=tuple(options.expect or ()),
        tenant=options.tenant,
        folder=options.calls,
        base_url=options.base_url or None,
        key=options.key,
        most=options.limit,
    )


def _instant(option: str, text: str) -> int:
    try:
        return parse_instant(text)
    except ValueError as fault:
        raise InvalidInput.of(option, f"--{option}: {fault}") from fault
