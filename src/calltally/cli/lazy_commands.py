"""Subcommands whose modules are imported only when they are run or listed.

`calltally export` thus starts without loading the server, and works without the server's packages.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

from calltally.cli.console.options import set_metavars
from calltally.cli.runtime.gc import gc_paused
from calltally.client.errors import NotInstalled

_PACKAGE: Final = __name__.partition(".")[0]
# Longer than the first sentence of any command.
_SENTENCE_CHARS: Final = 300
# A command that cannot run accepts any arguments, so that its own error is printed.
_ANY_ARGUMENTS: Final = {"ignore_unknown_options": True, "allow_extra_args": True}
# A package of the extra that no other package here depends on.
_SERVER_PACKAGE: Final = "litestar"
_CLIENT_ONLY: Final = "The other commands need the server: pip install 'calltally[server]'"


class ListedGroup(TyperGroup):
    """Command group whose help has the whole first sentence of each command."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 (as typer has it)
        """List each command with its whole first sentence. Click's own method cuts it to fit one line."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        rows = [(name, each.get_short_help_str(_SENTENCE_CHARS)) for name, each in commands.items() if each]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class LazyGroup(ListedGroup):
    """Command group that loads each subcommand from `locations`: `module:function` or `module:group`."""

    locations: ClassVar[Mapping[str, str]] = {}
    # Former names of commands, which still run and are not listed.
    aliases: ClassVar[Mapping[str, str]] = {}
    # Commands that work without the server's packages.
    of_client: ClassVar[Collection[str]] = ()

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 (what typer passes on)
        super().__init__(**attributes)
        self._has_server = find_spec(_SERVER_PACKAGE) is not None
        if not self._has_server:
            self.epilog = _CLIENT_ONLY
        # Typer declares a dict, but uses only the methods of a mapping.
        commands: Any = _Commands(self.locations)
        self.commands = commands
        self._aliases: Any = _Commands(self.aliases)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 (as typer has it)
        """Return the names in the order of the table, without those that cannot run in this installation.

        Typer's own method would load each command.
        """
        return [name for name in self.commands if self._has_server or name in self.of_client]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 (as typer has it)
        """Return the command of a present or a former name."""
        if cmd_name in self._aliases:
            return self._aliases[cmd_name]
        return super().get_command(ctx, cmd_name)


class _Commands(Mapping[str, Any]):
    """Mapping from names to subcommands. Iteration over the names loads no command."""

    def __init__(self, locations: Mapping[str, str]) -> None:
        self._locations = locations
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 (typer keeps the class of commands to itself)
        if name not in self._loaded:
            self._loaded[name] = _load(name, self._locations[name])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._locations)

    def __len__(self) -> int:
        return len(self._locations)


@contextmanager
def server_packages(purpose: str) -> Iterator[None]:
    """Raise NotInstalled in a block that imports the server if its packages are missing."""
    try:
        yield
    except ModuleNotFoundError as fault:
        if str(fault.name).partition(".")[0] == _PACKAGE:
            raise
        raise NotInstalled.of(purpose, "the server", extra="server") from fault


def _load(name: str, location: str) -> Any:  # noqa: ANN401 (the same)
    module, _, attribute = location.partition(":")
    try:
        with server_packages(f"calltally {name}"), gc_paused():
            found = getattr(import_module(module), attribute)
    except NotInstalled as error:
        return _unavailable(name, error)
    return _command(name, found)


def _command(name: str, found: Any, **options: Any) -> Any:  # noqa: ANN401 (a function or a group of them)
    """Return the typer command of a function or a group."""
    holder = typer.Typer(rich_markup_mode=None, add_completion=False)
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name, cls=ListedGroup)
    else:
        holder.command(name, **options)(found)
    command = get_group(holder).commands[name]
    set_metavars(command)
    return command


def _unavailable(name: str, error: NotInstalled) -> Any:  # noqa: ANN401 (the same)
    """Return a replacement for a command without its packages; it names the packages to install."""

    def fail() -> None:
        raise error

    return _command(name, fail, context_settings=_ANY_ARGUMENTS, add_help_option=False)
