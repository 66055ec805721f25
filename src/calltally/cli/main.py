"""The `calltally` command: all subcommands, and how errors are told."""

import sys
from typing import Annotated, ClassVar, Final

import typer

from calltally import __version__
from calltally.calls.errors import CalltallyError, InvalidInput
from calltally.cli.lazy_commands import LazyGroup

FAILED: Final = 1
MISUSED: Final = 2

_HERE: Final = "calltally.cli"


class Subcommands(LazyGroup):
    """All of them, as help lists them: each by its name and its place."""

    places: ClassVar = {
        "serve": f"{_HERE}.serve.command:serve",
        "worker": f"{_HERE}.worker:worker",
        "migrate": f"{_HERE}.migrate:migrate",
        "demo": f"{_HERE}.demo.command:demo",
        "import": f"{_HERE}.import_.command:import_calls",
        "export": f"{_HERE}.export.command:export",
        "replay": f"{_HERE}.replay:replay",
        "verify": f"{_HERE}.verify:verify",
        "reconcile": f"{_HERE}.reconcile.command:reconcile",
        "status": f"{_HERE}.status:status",
        "quality": f"{_HERE}.quality.command:quality",
        "alerts": f"{_HERE}.alerts.command:commands",
        "tenant": f"{_HERE}.tenant:commands",
        "key": f"{_HERE}.key:commands",
        "route": f"{_HERE}.route:commands",
        "provider": f"{_HERE}.provider:commands",
        "mapping": f"{_HERE}.mapping:commands",
        "secrets": f"{_HERE}.secrets:commands",
        "db": f"{_HERE}.db:commands",
    }


app: Final = typer.Typer(
    cls=Subcommands,
    help="One true record per call, for many tenants. Settings are CALLTALLY_* variables or calltally.toml.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


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
