"""The options of `calltally reconcile`, and the question that they come to."""

from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from calltally.calls.errors import InvalidInput
from calltally.calls.times import parse_instant
from calltally.cli.reconcile.events import Question
from calltally.client.exporting.request import duration_us


class ReconcileOptions(NamedTuple):
    """Each field is an option of its name."""

    events: Annotated[
        list[str] | None,
        typer.Option(
            help="NDJSON of received events, also .gz or .zst; - is standard input. Repeat for more."
        ),
    ] = None
    calls: Annotated[
        Path | None, typer.Option(help="Our calls: the folder of an export.", exists=True, file_okay=False)
    ] = None
    base_url: Annotated[
        str | None,
        typer.Option(
            envvar="CALLTALLY_BASE_URL", help="Our calls: a server, such as https://calls.example.com."
        ),
    ] = None
    key: Annotated[
        str | None,
        typer.Option(envvar="CALLTALLY_API_KEY", help="An API key; in the environment nobody sees it."),
    ] = None
    tenant: Annotated[
        str | None, typer.Option(help="Whose calls; without --calls and --base-url those of the store here.")
    ] = None
    month: Annotated[str | None, typer.Option(help="The window: a month in UTC, such as 2026-10.")] = None
    from_: Annotated[
        str | None, typer.Option("--from", help="Created at or after: RFC 3339, or a date (midnight UTC).")
    ] = None
    to: Annotated[str | None, typer.Option(help="Created before.")] = None
    late: Annotated[str, typer.Option(help="An event is late so long after it was made.")] = "5m"
    grace: Annotated[str, typer.Option(help="An event may be under way for so long.")] = "15m"
    expect: Annotated[
        list[str] | None,
        typer.Option(help="What must have come: completed (if left out), started, escalated; repeat it."),
    ] = None
    as_of: Annotated[
        str | None, typer.Option(help="When events and calls were written down; now, if left out.")
    ] = None
    against: Annotated[
        str | None, typer.Option(help="deliveries: instead of events, what our own webhooks delivered.")
    ] = None
    endpoint: Annotated[str | None, typer.Option(help="Of deliveries: the webhook endpoint's id.")] = None
    provider: Annotated[str | None, typer.Option(help="Instead of events: what this provider lists.")] = None
    provider_file: Annotated[
        list[Path] | None,
        typer.Option(help="Its list as a file, in place of its API.", exists=True, dir_okay=False),
    ] = None
    heal: Annotated[bool, typer.Option("--heal", help="Bring the provider's word into the ledger.")] = False
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Tell the tenant's endpoints of what was healed.")
    ] = False
    limit: Annotated[int, typer.Option(help="Show so many findings of each kind.", min=0)] = 20
    csv: Annotated[Path | None, typer.Option(help="Write all findings to this file.")] = None
    html: Annotated[Path | None, typer.Option(help="Write a page to pass on to this file.")] = None
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False


def events_question(options: ReconcileOptions, now_us: int) -> Question:
    """What is compared with events. Raises InvalidInput naming the option that is wrong."""
    if options.heal or options.deliver or options.provider_file:
        raise InvalidInput.of("heal", "--heal, --deliver and --provider-file go with --provider")
    return Question(
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
