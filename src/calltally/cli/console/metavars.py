"""Placeholders for option values in the help: `--from TIME`, not the name of the Python type."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

_TIMES: Final = dict.fromkeys(("from_", "to", "as_of"), "TIME")
_DURATIONS: Final = dict.fromkeys(("last", "late", "grace", "settle", "slice"), "DURATION")
# All other options use their own name.
_METAVARS: Final[Mapping[str, str]] = {
    **_TIMES,
    **_DURATIONS,
    "against": "WHAT",
    "base_url": "URL",
    "call_sid": "SID",
    "calls": "FOLDER",
    "compare": "WINDOW",
    "escalated": "BOOLEAN",
    "events": "FILE",
    "expect": "EVENT",
    "group_by": "KEYS",
    "out": "FOLDER",
    "q": "WORDS",
    "secret": "NAME=VALUE",
    "time_zone": "ZONE",
    "tz": "ZONE",
    "verify": "FOLDER",
}


def set_metavars(command: Any) -> None:  # noqa: ANN401 (typer keeps the class of commands to itself)
    """Set the placeholders of a command's options, or of all commands in a group."""
    subcommands: Mapping[str, Any] = getattr(command, "commands", {})
    for each in subcommands.values():
        set_metavars(each)
    for option in command.params:
        if _takes_a_value(option):
            option.metavar = _METAVARS.get(option.name) or _default_metavar(option)


def _takes_a_value(option: Any) -> bool:  # noqa: ANN401 (the same)
    return option.param_type_name == "option" and option.metavar is None and not option.is_flag


def _default_metavar(option: Any) -> str:  # noqa: ANN401 (the same)
    kind = option.type_descriptor.annotation
    kinds = {kind, *get_args(kind)}
    if Path in kinds:
        return "FILE"
    if int in kinds:
        return "N"
    return str(option.name).strip("_").upper()
