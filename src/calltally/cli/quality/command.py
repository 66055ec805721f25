"""`calltally quality`: quality of calls, from the store or from a server, at the terminal."""

import shutil
import sys
from collections.abc import Collection
from typing import Final

import msgspec
import typer

from calltally.calls.errors import InvalidInput
from calltally.cli.console.options import with_options
from calltally.cli.lazy_commands import server_packages
from calltally.cli.quality.options import QualityOptions, query_pairs
from calltally.cli.quality.table import Body, quality_lines
from calltally.client.clients import Client
from calltally.client.config import validate_base_url
from calltally.client.quality import QUALITY_PATH
from calltally.client.wire import QueryParams, Request

FORMATS: Final = ("table", "json", "csv")
_body: Final = msgspec.json.Decoder(Body)


@with_options(QualityOptions)
def quality(options: QualityOptions) -> None:
    """Report the quality of calls: counts, rates with confidence intervals, and durations.

    Reads the local store, or a server with --base-url. Without --group-by it prints all metrics of all calls.
    With --group-by it prints a line per group, with as many rates as fit. --format json and csv contain all
    metrics.
    """
    if options.format not in FORMATS:
        raise InvalidInput.of(
            "format", f"--format must be one of {', '.join(FORMATS)}, not {options.format!r}"
        )
    body = _fetch(options, query_pairs(options))
    if options.format != "table":
        sys.stdout.buffer.write(body if options.format == "csv" else msgspec.json.format(body) + b"\n")
        return
    report = _body.decode(body)
    rates = _checked_rates(options.rate or [], report["total"]["rates"])
    for line in quality_lines(report, shutil.get_terminal_size().columns, rates):
        typer.echo(line)


def _checked_rates(rates: list[str], reported: Collection[str]) -> list[str]:
    """Return the names. Raises InvalidInput for one that the report does not contain."""
    for name in rates:
        if name not in reported:
            raise InvalidInput.of("rate", f"--rate must be one of {', '.join(reported)}, not {name!r}")
    return rates


def _fetch(options: QualityOptions, pairs: QueryParams) -> bytes:
    """Return the response body, JSON or CSV; it is the same from the local store and from a server."""
    if options.base_url:
        key = options.key
        if not key:
            raise InvalidInput.of("key", "no API key is given: give --key or set CALLTALLY_API_KEY")
        with Client(validate_base_url(options.base_url), key) as client:
            return client.send(Request("GET", QUALITY_PATH, pairs)).body
    with server_packages("quality from the local store"):
        from calltally.cli.quality.local import (
            local_quality,
        )  # deferred: it loads the store, which may be missing

        return local_quality(pairs)
