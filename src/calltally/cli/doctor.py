"""`calltally doctor`: findings about an installation, each with its remedy."""

import asyncio
from email.utils import parsedate_to_datetime
from shutil import get_terminal_size
from textwrap import fill
from typing import Annotated, Final

import typer
from rich.filesize import decimal

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.examination import examine_installation
from calltally.bootstrap.open_store import load_settings
from calltally.calls.errors import InvalidInput, Unavailable
from calltally.calls.times import SECOND_US
from calltally.cli.console.options import AsJson
from calltally.cli.console.output import print_result
from calltally.doctor.checks import Examination
from calltally.net import HttpClient
from calltally.store.backends.open import open_store

_MAX_COLUMNS: Final = 100


def doctor(
    *,
    clock_of: Annotated[
        str | None,
        typer.Option(
            "--clock-of",
            metavar="PROVIDER",
            help="Also compare the clock with the API of this provider. Without it, nothing is sent.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Examine the installation: files, disk, database, clocks, workers, secrets, providers and growth.

    Each finding says what happened, why, and what to do. The exit code is 0 without findings, else 1.
    """
    found = asyncio.run(_examine(clock_of))
    print_result(found, _print, as_json=as_json)
    if found.findings:
        raise typer.Exit(1)


async def _examine(clock_of: str | None) -> Examination:
    settings = load_settings()
    clocks = {}
    if clock_of is not None:
        clocks[clock_of] = _provider_clock(clock_of, settings.api_urls().get(clock_of, ""))
    store = open_store(settings.database_url, wall_clock)
    try:
        return await examine_installation(settings, store, wall_clock(), clocks)
    finally:
        await store.close()


def _provider_clock(name: str, url: str) -> int:
    """Return the time in the `Date` header of a provider's API, in microseconds UTC."""
    if not url:
        raise InvalidInput.of("clock-of", f"no API address of {name!r} is set; see `calltally config show`")
    try:
        with HttpClient() as client:
            date = client.get(url).headers["date"]
        return int(parsedate_to_datetime(date).timestamp()) * SECOND_US
    except (ConnectionError, KeyError, ValueError) as fault:
        raise Unavailable(f"the API of {name} at {url} gives no time: {fault}") from fault


def _print(found: Examination) -> None:
    for each in found.findings:
        typer.echo(f"{each.check}:")
        for text in (each.what, each.why, each.remedy):
            typer.echo(fill(text, _columns(), initial_indent="  ", subsequent_indent="  "))
    passed = f"Without findings: {', '.join(found.passed)}." if found.passed else "Every check has a finding."
    typer.echo(fill(passed, _columns()))
    typer.echo(
        f"Calltally {found.version} on {found.database}: {len(found.findings)} findings.{_growth(found)}"
    )


def _growth(found: Examination) -> str:
    if found.database_bytes is None or found.bytes_a_day is None:
        return ""
    full = f"; the disk is full on {found.disk_full_at[:10]}" if found.disk_full_at else ""
    return f" It has {decimal(found.database_bytes)} and grows by {decimal(found.bytes_a_day)} a day{full}."


def _columns() -> int:
    return min(get_terminal_size().columns, _MAX_COLUMNS)
