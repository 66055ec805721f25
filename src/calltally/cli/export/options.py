"""Options of `calltally export`, and the plan made from them."""

from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer

from calltally.calls.errors import InvalidInput
from calltally.calls.export_formats import DEFAULT_FORMAT, STORAGE_FORMATS
from calltally.calls.filters import FILTERS, WINDOW_FIELDS
from calltally.calls.list_query import MAX_LIMIT
from calltally.cli.console.options import (
    Agent,
    ApiKey,
    CreatedFrom,
    CreatedTo,
    Direction,
    Provider,
    Route,
    Statuses,
    given_pairs,
)
from calltally.client.config import validate_base_url
from calltally.client.exporting.request import (
    PARTITIONS,
    ExportPlan,
    WindowOptions,
    duration_us,
)

_FILTERS: Final = tuple(row.name for row in FILTERS if row.field not in WINDOW_FIELDS)


class ExportOptions(NamedTuple):
    """Options of the command, one per field."""

    base_url: Annotated[
        str | None,
        typer.Option(
            envvar="CALLTALLY_BASE_URL", help="Address of the server, such as https://calls.example.com."
        ),
    ] = None
    key: ApiKey = None
    out: Annotated[str | None, typer.Option(help="Folder for the files, or s3://BUCKET/PREFIX.")] = None
    from_: CreatedFrom = None
    to: CreatedTo = None
    last: Annotated[
        str | None,
        typer.Option(help="Length of a window up to now, instead of --from: 90s, 15m, 12h, 7d or 2w."),
    ] = None
    month: Annotated[
        str | None, typer.Option(help="Window of a month in UTC, such as 2026-10, instead of --from.")
    ] = None
    all_: Annotated[bool, typer.Option("--all", help="All calls, instead of a window.")] = False
    settle: Annotated[
        str,
        typer.Option(
            help="End the window at least this long ago, such as 15m, so that its calls have settled."
        ),
    ] = "0s"
    status: Statuses = None
    direction: Direction = None
    route: Route = None
    provider: Provider = None
    agent: Agent = None
    call_sid: Annotated[str | None, typer.Option(help="Only the call with this SID, the provider's id.")] = (
        None
    )
    call_sid_prefix: Annotated[
        str | None, typer.Option(help="Only calls with a SID that begins with these characters, six or more.")
    ] = None
    number: Annotated[
        str | None,
        typer.Option(
            help="Only calls with this number as either party: in any writing, or by its last four digits."
        ),
    ] = None
    from_number: Annotated[str | None, typer.Option(help="Only calls from this number, the caller.")] = None
    to_number: Annotated[str | None, typer.Option(help="Only calls to this number, the called party.")] = None
    parent_call_sid: Annotated[
        str | None, typer.Option(help="Only calls that are legs of the call with this SID.")
    ] = None
    updated_from: Annotated[
        str | None, typer.Option(help="Only calls that changed at or after this time.")
    ] = None
    updated_to: Annotated[str | None, typer.Option(help="Only calls that changed before this time.")] = None
    escalated: Annotated[
        str | None, typer.Option(help="Only escalated calls (true), or only others (false).")
    ] = None
    q: Annotated[str | None, typer.Option(help="Only calls with these words.")] = None
    format: Annotated[str, typer.Option(help=f"File format: {', '.join(STORAGE_FORMATS)}.")] = DEFAULT_FORMAT
    partition: Annotated[
        str, typer.Option(help=f"Divide the calls into files by creation in UTC: {', '.join(PARTITIONS)}.")
    ] = "none"
    raw: Annotated[bool, typer.Option("--raw", help="Also store each response unchanged.")] = False
    limit: Annotated[int, typer.Option(help="Calls per page.", min=1, max=MAX_LIMIT)] = MAX_LIMIT
    slice: Annotated[
        str, typer.Option(help="Time span that is read at once from a server without snapshots.")
    ] = "1d"
    double_check: Annotated[
        bool,
        typer.Option(
            "--double-check", help="Read everything twice and compare, even from a server with snapshots."
        ),
    ] = False
    # The former name of --double-check.
    distrust: Annotated[bool, typer.Option("--distrust", hidden=True)] = False
    checkpoint: Annotated[
        Path | None, typer.Option(help="File for the checkpoint. Default: a file in the output folder.")
    ] = None
    restart: Annotated[
        bool, typer.Option("--restart", help="Delete the files of an earlier run and start again.")
    ] = False
    follow: Annotated[
        bool, typer.Option("--follow", help="Afterwards, export changes from the change feed until stopped.")
    ] = False
    verify: Annotated[str | None, typer.Option(help="Only check the files in this folder.")] = None
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only errors.")] = False


def plan_of(options: ExportOptions, now_us: int) -> ExportPlan:
    """Return the plan of an export at the current time. Raises InvalidInput with the wrong option."""
    if not (slice_us := duration_us("slice", options.slice)):
        raise InvalidInput.of("slice", "--slice must be longer than 0")
    window = WindowOptions(
        options.from_,
        options.to,
        options.last,
        options.month,
        is_all=options.all_,
        settle_us=duration_us("settle", options.settle),
    )
    return ExportPlan(
        validate_base_url(required(options.base_url, "base-url", "CALLTALLY_BASE_URL")),
        window.window(now_us, follows=options.follow),
        tuple(given_pairs(options, _FILTERS)),
        _one_of("format", options.format, STORAGE_FORMATS),
        _one_of("partition", options.partition, PARTITIONS),
        options.limit,
        slice_us,
        options.raw,
        options.double_check or options.distrust,
    )


def check_together(options: ExportOptions) -> None:
    """Raise InvalidInput for options that contradict each other."""
    others = [name for name in ("restart", "follow", "out", "checkpoint") if getattr(options, name)]
    if options.verify is not None and others:
        options_text = " and ".join(f"--{name}" for name in others)
        raise InvalidInput.of("verify", f"--verify only reads; leave out {options_text}")
    if options.all_ and duration_us("settle", options.settle):
        raise InvalidInput.of("settle", "--all has no end; leave out --settle")


def required(value: str | None, option: str, variable: str = "") -> str:
    """Return the value of a required option; raise InvalidInput if it is missing."""
    if value:
        return value
    also = f", or set {variable}" if variable else ""
    raise InvalidInput.of(option, f"--{option} is missing: give it{also}")


def _one_of(option: str, value: str, words: tuple[str, ...]) -> str:
    if value in words:
        return value
    raise InvalidInput.of(option, f"--{option} must be one of {', '.join(words)}, not {value!r}")
