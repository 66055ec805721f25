"""The `calltally` command: all subcommands, and how errors are told."""

import sys
from typing import Annotated, Final

import typer

from calltally import __version__
from calltally.calls.errors import CalltallyError, InvalidInput
from calltally.cli import db, key, provider, route, tenant
from calltally.cli.demo import demo
from calltally.cli.import_ import import_calls
from calltally.cli.migrate import migrate
from calltally.cli.replay import replay
from calltally.cli.serve import serve
from calltally.cli.verify import verify
from calltally.cli.worker import worker

FAILED: Final = 1
MISUSED: Final = 2

app: Final = typer.Typer(
    help="One true record per call, for many tenants. Settings are CALLTALLY_* variables or calltally.toml.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (serve, worker, migrate, demo):
    app.command()(command)
app.command("import")(import_calls)
app.command()(replay)
app.command()(verify)
for name, group in (("tenant", tenant), ("key", key), ("route", route), ("provider", provider), ("db", db)):
    app.add_typer(group.commands, name=name)


def _print_version(asked: bool) -> None:  # noqa: FBT001 (how typer calls it)
    if asked:
        typer.echo(f"calltally {__version__}")
        raise typer.Exit


@app.callback()
def before(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Only declares what stands before a subcommand."""


def main() -> None:
    """Run the command line. What goes wrong as foreseen is one line on stderr, never a traceback."""
    try:
        app()
    except CalltallyError as error:
        typer.echo(f"calltally: {error.detail}", err=True)
        sys.exit(MISUSED if isinstance(error, InvalidInput) else FAILED)
