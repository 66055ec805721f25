"""`calltally quality`: how well calls go, from the store or from a server, at the terminal."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
import typer

from calltally.calls.errors import InvalidInput
from calltally.calls.metrics import RATES
from calltally.cli.console.option_groups import with_options
from calltally.cli.quality.options import QualityOptions, asked_pairs
from calltally.cli.quality.table import Body, quality_lines
from calltally.client.clients import Client
from calltally.client.config import validate_base_url
from calltally.client.errors import NotInstalled
from calltally.client.quality import QUALITY_PATH
from calltally.client.wire import QueryParams, Request

FORMATS: Final = ("table", "json", "csv")
_RATES: Final = tuple(rate.name for rate in RATES)
_OURS: Final = "calltally"
_body: Final = msgspec.json.Decoder(Body)


@with_options(QualityOptions)
def quality(options: QualityOptions) -> None:
    """Measure how well calls go: how many were answered, failed, handed over, and how sure each rate is.

    Of the store here, or with --base-url of a server. Without --group-by all numbers of all calls; with it a
    line a group, with as many rates as the terminal is wide. --format json and csv have everything.
    """
    if options.format not in FORMATS:
        raise InvalidInput.of("format", f"--format is one of {', '.join(FORMATS)}, not {options.format!r}")
    rates = _wanted(options.rate)
    body = _asked(options, asked_pairs(options))
    if options.format != "table":
        sys.stdout.buffer.write(body if options.format == "csv" else msgspec.json.format(body) + b"\n")
        return
    for line in quality_lines(_body.decode(body), shutil.get_terminal_size().columns, rates):
        typer.echo(line)


def _wanted(names: list[str] | None) -> list[str]:
    """The rates to show, in their order: first those that were named, or the usual ones."""
    for name in names or ():
        if name not in _RATES:
            raise InvalidInput.of("rate", f"--rate is one of {', '.join(_RATES)}, not {name!r}")
    return list(names or ())


def _asked(options: QualityOptions, pairs: QueryParams) -> bytes:
    """The answer's body, JSON or CSV: the store's own is the same as a server's."""
    if options.base_url:
        key = options.key
        if not key:
            raise InvalidInput.of("key", "say --key, or set CALLTALLY_API_KEY")
        with Client(validate_base_url(options.base_url), key) as client:
            return client.send(Request("GET", QUALITY_PATH, pairs)).body
    with _what_the_server_needs():
        from calltally.cli.quality.local import (
            answered_here,
        )  # deferred: it loads the store, which may be missing

        return answered_here(pairs)


@contextmanager
def _what_the_server_needs() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as fault:
        if str(fault.name).partition(".")[0] == _OURS:
            raise
        raise NotInstalled.of("the store's own quality", "the server", extra="server") from fault
