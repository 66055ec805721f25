"""The options of `calltally export`, and the plan that they come to."""

from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer

from calltally.calls.errors import InvalidInput
from calltally.client.config import validate_base_url
from calltally.client.exporting.request import (
    FORMATS,
    MAX_LIMIT,
    PARTITIONS,
    ExportPlan,
    WindowOptions,
    duration_us,
)

_FILTERS: Final = (
    "status",
    "direction",
    "route",
    "provider",
    "agent",
    "call_sid",
    "number",
    "escalated",
    "q",
)


class ExportOptions(NamedTuple):
    """Each field is an option of its name."""

    base_url: Annotated[
        str | None,
        typer.Option(envvar="CALLTALLY_BASE_URL", help="The server, such as https://calls.example.com."),
    ] = None
    key: Annotated[
        str | None,
        typer.Option(envvar="CALLTALLY_API_KEY", help="An API key; in the environment nobody sees it."),
    ] = None
    out: Annotated[str | None, typer.Option(help="The folder for the files, or s3://BUCKET/PREFIX.")] = None
    from_: Annotated[
        str | None, typer.Option("--from", help="Created at or after: RFC 3339, or a date (midnight UTC).")
    ] = None
    to: Annotated[str | None, typer.Option("--to", help="Created before; now, if left out.")] = None
    last: Annotated[str | None, typer.Option(help="Instead: the last 90s, 15m, 12h, 7d or 2w.")] = None
    month: Annotated[str | None, typer.Option(help="Instead: a month in UTC, such as 2026-10.")] = None
    all_: Annotated[bool, typer.Option("--all", help="Instead: all calls that there are.")] = False
    settle: Annotated[str, typer.Option(help="How far the window's end stays behind now, such as 15m.")] = (
        "0s"
    )
    status: Annotated[list[str] | None, typer.Option(help="Only in this state; repeat it for more.")] = None
    direction: Annotated[str | None, typer.Option(help="Only inbound, or only outbound.")] = None
    route: Annotated[str | None, typer.Option(help="Only of this route.")] = None
    provider: Annotated[str | None, typer.Option(help="Only of this provider.")] = None
    agent: Annotated[str | None, typer.Option(help="Only of this voice agent.")] = None
    call_sid: Annotated[str | None, typer.Option(help="Only with this id of the provider's.")] = None
    number: Annotated[str | None, typer.Option(help="Only with this number at either end.")] = None
    escalated: Annotated[str | None, typer.Option(help="Only escalated ones (true), or others (false).")] = (
        None
    )
    q: Annotated[str | None, typer.Option(help="Only with these words.")] = None
    format: Annotated[str, typer.Option(help=f"One of {', '.join(FORMATS)}.")] = "ndjson"
    partition: Annotated[
        str, typer.Option(help=f"A file for each: {', '.join(PARTITIONS)} (UTC, by creation).")
    ] = "none"
    raw: Annotated[bool, typer.Option("--raw", help="Keep each answer as it came, too.")] = False
    limit: Annotated[int, typer.Option(help="Calls a page.", min=1, max=MAX_LIMIT)] = MAX_LIMIT
    slice: Annotated[str, typer.Option(help="How wide a slice is, on a server without snapshots.")] = "1d"
    distrust: Annotated[
        bool, typer.Option("--distrust", help="Read all twice and compare, even where there are snapshots.")
    ] = False
    checkpoint: Annotated[
        Path | None, typer.Option(help="Where it keeps how far it is; in the folder, if left out.")
    ] = None
    restart: Annotated[
        bool, typer.Option("--restart", help="Remove what an earlier run left, and begin anew.")
    ] = False
    follow: Annotated[
        bool, typer.Option("--follow", help="Then go on from the change feed, until it is stopped.")
    ] = False
    verify: Annotated[str | None, typer.Option(help="Only check the files of this folder again.")] = None
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but what is wrong.")] = False


def plan_of(options: ExportOptions, now_us: int) -> ExportPlan:
    """What is asked for, as of now. Raises InvalidInput naming the option that is wrong."""
    asked = WindowOptions(
        options.from_,
        options.to,
        options.last,
        options.month,
        is_all=options.all_,
        settle_us=duration_us("settle", options.settle),
    )
    return ExportPlan(
        validate_base_url(needed(options.base_url, "base-url", "CALLTALLY_BASE_URL")),
        asked.window(now_us, follows=options.follow),
        tuple(_filters(options)),
        _one_of("format", options.format, FORMATS),
        _one_of("partition", options.partition, PARTITIONS),
        options.limit,
        _slice(options.slice),
        options.raw,
        options.distrust,
    )


def check_together(options: ExportOptions) -> None:
    """Raises InvalidInput for options that contradict each other."""
    others = [name for name in ("restart", "follow", "out", "checkpoint") if getattr(options, name)]
    if options.verify is not None and others:
        named = " and ".join(f"--{name}" for name in others)
        raise InvalidInput.of("verify", f"--verify only reads: it goes without {named}")
    if options.all_ and duration_us("settle", options.settle):
        raise InvalidInput.of("settle", "--all has no end: it goes without --settle")


def needed(value: str | None, option: str, variable: str = "") -> str:
    """An option that there is no default for."""
    if value:
        return value
    also = f", or set {variable}" if variable else ""
    raise InvalidInput.of(option, f"say --{option}{also}")


def _filters(options: ExportOptions) -> list[tuple[str, str]]:
    pairs = []
    for name in _FILTERS:
        value = getattr(options, name)
        values = value if isinstance(value, list) else [value] if value is not None else []
        pairs += [(name, each) for each in values]
    return pairs


def _one_of(option: str, value: str, words: tuple[str, ...]) -> str:
    if value in words:
        return value
    raise InvalidInput.of(option, f"--{option} must be one of {', '.join(words)}, not {value!r}")


def _slice(text: str) -> int:
    width_us = duration_us("slice", text)
    if not width_us:
        raise InvalidInput.of("slice", "--slice must be longer than nothing")
    return width_us
