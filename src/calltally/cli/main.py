"""The `calltally` command: its subcommands, and the output of errors."""

import sys
from pathlib import Path
from typing import Annotated, ClassVar, Final

import typer

from calltally import __version__
from calltally.calls.errors import CalltallyError, InvalidInput
from calltally.cli.lazy_commands import LazyGroup
from calltally.cli.runtime.env_file import load_env_file

FAILED: Final = 1
MISUSED: Final = 2

_PACKAGE: Final = "calltally.cli"


class Subcommands(LazyGroup):
    """Subcommands in the order of the help, each with its name and its location."""

    locations: ClassVar = {
        "serve": f"{_PACKAGE}.serve.command:serve",
        "worker": f"{_PACKAGE}.worker:worker",
        "migrate": f"{_PACKAGE}.migrate:migrate",
        "demo": f"{_PACKAGE}.demo.command:demo",
        "import": f"{_PACKAGE}.import_.command:import_calls",
        "export": f"{_PACKAGE}.export.command:export",
        "dead-letters": f"{_PACKAGE}.dead_letters:commands",
        "verify": f"{_PACKAGE}.verify:verify",
        "reconcile": f"{_PACKAGE}.reconcile.command:reconcile",
        "status": f"{_PACKAGE}.status:status",
        "doctor": f"{_PACKAGE}.doctor:doctor",
        "quality": f"{_PACKAGE}.quality.command:quality",
        "alerts": f"{_PACKAGE}.alerts.command:commands",
        "tenant": f"{_PACKAGE}.tenant:commands",
        "key": f"{_PACKAGE}.key:commands",
        "route": f"{_PACKAGE}.route:commands",
        "provider": f"{_PACKAGE}.provider:commands",
        "endpoint": f"{_PACKAGE}.endpoint:commands",
        "mapping": f"{_PACKAGE}.mapping:commands",
        "secrets": f"{_PACKAGE}.secrets:commands",
        "config": f"{_PACKAGE}.config:commands",
        "backup": f"{_PACKAGE}.backup.command:commands",
        "restore": f"{_PACKAGE}.backup.restore:restore",
        "db": f"{_PACKAGE}.db:commands",
    }
    aliases: ClassVar = {"replay": f"{_PACKAGE}.dead_letters:replay"}
    of_client: ClassVar = ("export", "reconcile", "quality")


app: Final = typer.Typer(
    cls=Subcommands,
    help="Call history with exactly one record per call, for many tenants. Settings are CALLTALLY_* variables"
    " (also in a file .env) or calltally.toml.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(is_set: bool) -> None:  # noqa: FBT001 (how typer calls it)
    if is_set:
        typer.echo(f"calltally {__version__}")
        raise typer.Exit


@app.callback()
def before(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Declare the options of `calltally` itself."""


def main() -> None:
    """Run the command line. An expected error prints one line on stderr and no traceback."""
    try:
        load_env_file(Path.cwd())
        app()
    except CalltallyError as error:
        typer.echo(f"calltally: {error.detail}", err=True)
        sys.exit(MISUSED if isinstance(error, InvalidInput) else FAILED)
