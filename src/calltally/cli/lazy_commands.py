"""Subcommands whose modules are imported when they are asked for or listed, and not before.

So `calltally export` starts without loading the server, and works where the server is not installed.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, ClassVar, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

from calltally.cli.console.metavars import write_placeholders
from calltally.cli.runtime.gc import nothing_collected
from calltally.client.errors import NotInstalled

_OURS: Final = __name__.partition(".")[0]
# Whatever stands behind the name of a command that cannot run: it is refused as a whole.
_ANY_WORDS: Final = {"ignore_unknown_options": True, "allow_extra_args": True}


class LazyGroup(TyperGroup):
    """A group whose `places` say where each subcommand is: `module:function`, or `module:group`."""

    places: ClassVar[Mapping[str, str]] = {}

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 (what typer passes on)
        super().__init__(**attributes)
        # Typer would take more than a mapping, and asks no more of it.
        commands: Any = _Commands(self.places)
        self.commands = commands

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 (as typer has it)
        """Their names in the order of the table; typer's own would load each of them."""
        return list(self.commands)


class _Commands(Mapping[str, Any]):
    """The subcommands by name. To ask for the names alone loads nothing."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 (typer keeps the class of commands to itself)
        if name not in self._loaded:
            self._loaded[name] = _load(name, self._places[name])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _load(name: str, place: str) -> Any:  # noqa: ANN401 (the same)
    module, _, attribute = place.partition(":")
    try:
        with nothing_collected():
            found = getattr(import_module(module), attribute)
    except ModuleNotFoundError as fault:
        if str(fault.name).partition(".")[0] == _OURS:
            raise
        return _refusal(name)
    return _made(name, found)


def _made(name: str, found: Any, **options: Any) -> Any:  # noqa: ANN401 (a function or a group of them)
    """The command that typer makes of a function or of a group."""
    holder = typer.Typer(rich_markup_mode=None, add_completion=False)
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name)
    else:
        holder.command(name, **options)(found)
    made = get_group(holder).commands[name]
    write_placeholders(made)
    return made


def _refusal(name: str) -> Any:  # noqa: ANN401 (the same)
    """What stands for a command whose packages are not installed: it says so, however it is called."""
    needed = NotInstalled.of(f"calltally {name}", "the server", extra="server")

    def refuse() -> None:
        raise needed

    help_ = f"Needs the server: {needed.remedy}"
    return _made(name, refuse, help=help_, context_settings=_ANY_WORDS, add_help_option=False)
