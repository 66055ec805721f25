"""Declaration of options: those that commands share, groups of many, and placeholders for the help."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, TypeVar, get_args, get_type_hints

import typer

O = TypeVar("O", bound=tuple[Any, ...])  # noqa: E741 (the options)

Tenant: TypeAlias = Annotated[str, typer.Argument(help="The tenant's id.")]
ApiKey: TypeAlias = Annotated[
    str | None,
    typer.Option(
        envvar="CALLTALLY_API_KEY",
        help="An API key. Prefer the environment variable: other users can see options.",
    ),
]
Statuses: TypeAlias = Annotated[
    list[str] | None, typer.Option(help="Only calls in this state. Repeat for more.")
]
Direction: TypeAlias = Annotated[
    str | None, typer.Option(help="Only calls in this direction: inbound or outbound.")
]
Route: TypeAlias = Annotated[str | None, typer.Option(help="Only calls of this route.")]
Provider: TypeAlias = Annotated[str | None, typer.Option(help="Only calls of this provider.")]
Agent: TypeAlias = Annotated[str | None, typer.Option(help="Only calls of this voice agent.")]
OnlyTenants: TypeAlias = Annotated[list[str] | None, typer.Option(help="Only this tenant. Repeat for more.")]
CreatedFrom: TypeAlias = Annotated[
    str | None,
    typer.Option("--from", help="Calls created at or after this time: RFC 3339, or a date (midnight UTC)."),
]
CreatedTo: TypeAlias = Annotated[
    str | None, typer.Option("--to", help="Calls created before this time. Default: now.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_TIMES: Final = dict.fromkeys(("from_", "to", "as_of", "updated_from", "updated_to"), "TIME")
_DURATIONS: Final = dict.fromkeys(("last", "late", "grace", "settle", "slice"), "DURATION")
# All other options use their own name.
_METAVARS: Final[Mapping[str, str]] = {
    **_TIMES,
    **_DURATIONS,
    "against": "WHAT",
    "base_url": "URL",
    "call_sid": "SID",
    "call_sid_prefix": "PREFIX",
    "calls": "FOLDER",
    "compare": "WINDOW",
    "escalated": "BOOLEAN",
    "events": "FILE",
    "expect": "EVENT",
    "from_number": "NUMBER",
    "group_by": "KEYS",
    "out": "FOLDER",
    "parent_call_sid": "SID",
    "q": "WORDS",
    "secret": "NAME=VALUE",
    "time_zone": "ZONE",
    "to_number": "NUMBER",
    "tz": "ZONE",
    "verify": "FOLDER",
}


def with_options(options: type[O]) -> Callable[[Callable[[O], None]], Callable[..., None]]:
    """Return a decorator for a command function that takes all its options as one NamedTuple."""
    hints = get_type_hints(options, include_extras=True)
    fields: Any = options
    defaults = fields._field_defaults
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=defaults.get(name, inspect.Parameter.empty),
            annotation=hints[name],
        )
        for name in fields._fields
    ]

    def decorate(function: Callable[[O], None]) -> Callable[..., None]:
        def command(**values: Any) -> None:  # noqa: ANN401 (values that typer parsed)
            function(fields(**values))

        command.__doc__ = function.__doc__
        command.__name__ = function.__name__
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # functions may have one
        command.__annotations__ = dict(hints)
        return command

    return decorate


def given_pairs(options: tuple[Any, ...], names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the given options of these names as query parameters. The field of `from` is `from_`."""
    pairs = []
    for name in names:
        value = getattr(options, "from_" if name == "from" else name)
        values = value if isinstance(value, list) else [value] if value is not None else []
        pairs += [(name, each) for each in values]
    return pairs


def set_metavars(command: Any) -> None:  # noqa: ANN401 (typer keeps the class of commands to itself)
    """Set the placeholders of a command's options, or of all commands in a group."""
    subcommands: Mapping[str, Any] = getattr(command, "commands", {})
    for each in subcommands.values():
        set_metavars(each)
    for option in command.params:
        if option.param_type_name == "option" and option.metavar is None and not option.is_flag:
            option.metavar = _METAVARS.get(option.name) or _default_metavar(option)


def _default_metavar(option: Any) -> str:  # noqa: ANN401 (the same)
    kind = option.type_descriptor.annotation
    kinds = {kind, *get_args(kind)}
    if Path in kinds:
        return "FILE"
    if int in kinds:
        return "N"
    return str(option.name).strip("_").upper()
