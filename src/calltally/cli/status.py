"""`calltally status --window`: completeness of a time window."""

from collections.abc import Sequence
from shutil import get_terminal_size
from textwrap import fill
from typing import Annotated, Final

import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.calls.times import SECOND_US, parse_instant
from calltally.calls.windows import parse_window
from calltally.cli.console.options import AsJson
from calltally.cli.console.output import aligned, print_result
from calltally.cli.console.session import chosen_tenants, with_store
from calltally.reconcile.window_report import WindowStatus
from calltally.reconcile.window_status import window_status
from calltally.store.db.interface import Store

_SPANS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))
_MAX_LISTED: Final = 10
_MAX_COLUMNS: Final = 100
_MAX_NAME_CHARS: Final = 26


def status(
    *,
    window: Annotated[
        str | None, typer.Option("--window", "--month", help="The window: a month in UTC, such as 2026-10.")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="Start of the window: RFC 3339, or a date (midnight UTC).")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="End of the window, not included.")] = None,
    tenant: Annotated[
        list[str] | None, typer.Option(help="Only this tenant. Repeat for more. Default: all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Report whether a window is complete, and if not, the reasons.

    Reasons are open or contradictory calls, providers that stopped reporting, and dead letters.

    The exit code is 0 if the window is complete for every tenant, else 1.
    """
    parsed = parse_window(window, from_, to)

    async def read_all(store: Store) -> list[WindowStatus]:
        tenants = await chosen_tenants(store, tenant)
        return [await window_status(store, each, parsed, wall_clock()) for each in tenants]

    found = with_store(lambda store, _settings: read_all(store))
    print_result(found, _print, as_json=as_json)
    if not all(each.complete for each in found):
        raise typer.Exit(1)


def _print(windows: list[WindowStatus]) -> None:
    for each in windows:
        _print_window(each)


def _print_window(found: WindowStatus) -> None:
    verdict = "complete" if found.complete else "not complete"
    typer.echo(f"{found.tenant}, {_minute(found.begins)} to {_minute(found.ends)} UTC: {verdict}")
    for reason in found.reasons:
        _print_point(reason)
    for remark in found.remarks:
        _print_point(f"look at: {remark}")
    typer.echo("")
    watermark = _minute(found.watermark) if found.watermark else "unknown"
    typer.echo(f"  calls {found.calls:,}   revision {found.revision:,}   settled until {watermark}")
    _print_open(found)
    _print_disputed(found)
    typer.echo("")


def _print_open(found: WindowStatus) -> None:
    if not found.open.calls:
        return
    now_us = parse_instant(found.at)
    rows = [("open calls: route", "provider", "open", "too old", "oldest")]
    for each in found.open.by_route[:_MAX_LISTED]:
        age = _age(now_us - parse_instant(each.oldest_created_at))
        rows.append((_cut(each.route), _cut(each.provider), f"{each.calls:,}", f"{each.older:,}", age))
    _print_table(rows, len(found.open.by_route) - _MAX_LISTED)
    listed = [("oldest open: call SID", "status", "created (UTC)")]
    listed += [
        (each.call_sid, each.status, _minute(each.created_at)) for each in found.open.listed[:_MAX_LISTED]
    ]
    _print_table(listed, found.open.calls - _MAX_LISTED)


def _print_disputed(found: WindowStatus) -> None:
    if not found.disputed.calls:
        return
    rows = [("contradictory facts: call SID", "status", "facts", "created (UTC)")]
    rows += [
        (each.call_sid, each.status, str(each.conflicts), _minute(each.created_at))
        for each in found.disputed.listed[:_MAX_LISTED]
    ]
    _print_table(rows, found.disputed.calls - _MAX_LISTED)


def _print_table(rows: Sequence[Sequence[str]], more: int) -> None:
    typer.echo("")
    for line in aligned(rows):
        typer.echo(f"  {line}")
    if more > 0:
        typer.echo(f"  and {more:,} more; --json lists up to 20")


def _print_point(text: str) -> None:
    width = min(get_terminal_size().columns, _MAX_COLUMNS)
    typer.echo(fill(text, width, initial_indent="  - ", subsequent_indent="    "))


def _cut(text: str | None) -> str:
    """Return a name, cut to the width of its column."""
    name = text or "-"
    return name if len(name) <= _MAX_NAME_CHARS else f"{name[: _MAX_NAME_CHARS - 1]}…"


def _minute(text: str) -> str:
    return text[:16].replace("T", " ")


def _age(span_us: int) -> str:
    """Return a span in its two largest units."""
    parts: list[str] = []
    left_s = max(span_us, 0) // SECOND_US
    for width_s, name in _SPANS:
        count, left_s = divmod(left_s, width_s)
        if count or parts or name == "min":
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])
