"""Options of `calltally reconcile`, and a check of its output files."""

from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from calltally.calls.errors import InvalidInput
from calltally.cli.console.options import ApiKey, AsJson, CreatedFrom


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
    key: ApiKey = None
    tenant: Annotated[
        str | None,
        typer.Option(
            help="The tenant's id. Without --calls and --base-url, its calls come from the local store."
        ),
    ] = None
    month: Annotated[str | None, typer.Option(help="Window of a month in UTC, such as 2026-10.")] = None
    from_: CreatedFrom = None
    to: Annotated[str | None, typer.Option(help="Calls created before this time.")] = None
    late: Annotated[
        str, typer.Option(help="Report an event as late if it arrives more than this after its creation.")
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
        str | None,
        typer.Option(
            help="Compare with the webhooks that this service delivered. The only value is deliveries."
        ),
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
        bool,
        typer.Option(
            "--deliver", help="With --heal: deliver events of the changed calls to the tenant's endpoints."
        ),
    ] = False
    limit: Annotated[int, typer.Option(help="Maximum number of findings to print of each kind.", min=0)] = 20
    csv: Annotated[Path | None, typer.Option(help="Write all findings to this file.")] = None
    html: Annotated[Path | None, typer.Option(help="Write a report as an HTML page to this file.")] = None
    as_json: AsJson = False


def check_outputs(options: ReconcileOptions) -> None:
    """Raise InvalidInput for an output that is also an input or the other output."""
    outputs = {name: path for name, path in (("csv", options.csv), ("html", options.html)) if path}
    inputs = [*map(Path, options.events or ()), *(options.provider_file or ())]
    for name, path in outputs.items():
        if any(_is_same(path, other) for other in inputs):
            raise InvalidInput.of(
                name, f"--{name} {path} is an input file and would be overwritten; choose another file"
            )
        if options.calls is not None and path.resolve().is_relative_to(options.calls.resolve()):
            raise InvalidInput.of(
                name, f"--{name} {path} is in the folder of the export; choose another folder"
            )
    if len(outputs) > 1 and _is_same(*outputs.values()):
        raise InvalidInput.of("html", "--csv and --html are the same file; choose two files")


def _is_same(one: Path, other: Path) -> bool:
    """Decide whether two paths are the same file; devices such as terminals may be used twice."""
    if one.exists() and other.exists():
        return one.is_file() and one.samefile(other)
    return one.resolve() == other.resolve()
