"""Reader of the settings: the environment overrides a TOML file, which overrides hosts' common variables."""

import os
import tomllib
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from calltally.settings.fields import PREFIX, Settings

CONFIG_VARIABLE: Final = "CALLTALLY_CONFIG"
DEFAULT_CONFIG: Final = "calltally.toml"
# Variables of the client commands. They are no settings of the server, and must not stop it.
CLIENT_VARIABLES: Final = frozenset({"CALLTALLY_BASE_URL", "CALLTALLY_API_KEY"})
# Variables that hosting platforms set for the programs they run.
COMMON_VARIABLES: Final[Mapping[str, str]] = {"DATABASE_URL": "database_url", "PORT": "port"}
_LIST_SETTINGS: Final = "`calltally config show` lists all settings"


class BadSetting(ValueError):
    """Unknown setting or wrong value. The text names the setting and never quotes a value."""


class GivenSetting(NamedTuple):
    """A value that the operator gave, and the variable or the key of a file that it comes from."""

    value: Any
    source: str


def read_settings(folder: Path) -> Settings:
    """Read the settings from the environment and `folder`.

    Raises BadSetting for unknown names, wrong values and an unreadable file.
    """
    given = given_settings(folder)
    try:
        return Settings(**{name: setting.value for name, setting in given.items()})
    except ValidationError as fault:
        texts = (_in_words(error, given) for error in fault.errors(include_input=False, include_url=False))
        raise BadSetting("; ".join(texts)) from None


def _in_words(error: ErrorDetails, given: Mapping[str, GivenSetting]) -> str:
    """Return the error text, with the setting's name as the operator wrote it. No value: it may be secret."""
    return f"{given[str(error['loc'][0])].source}: {error['msg'].removeprefix('Value error, ')}"


def given_settings(folder: Path) -> dict[str, GivenSetting]:
    """Return the given settings by name. An empty variable counts as unset.

    Raises BadSetting for unknown names and for a file that cannot be read.
    """
    names = Settings.model_fields
    variables = {PREFIX + name.upper(): name for name in names}
    _refuse_unknown_variables(variables)
    return _from_environment(COMMON_VARIABLES) | _from_file(folder, names) | _from_environment(variables)


def _from_environment(variables: Mapping[str, str]) -> dict[str, GivenSetting]:
    return {
        name: GivenSetting(value, variable)
        for variable, name in variables.items()
        if (value := os.environ.get(variable))
    }


def _from_file(folder: Path, names: Collection[str]) -> dict[str, GivenSetting]:
    """Return the settings of the file that CALLTALLY_CONFIG names, or of calltally.toml if there is one."""
    named = os.environ.get(CONFIG_VARIABLE)
    path = folder / (named or DEFAULT_CONFIG)
    written = _read_file(path) if named or path.is_file() else {}
    for name in written:
        if name not in names:
            raise BadSetting(f"{path}: unknown key {name}; {_advice(_similar(name, names))}")
    return {name: GivenSetting(value, f"{path}: {name}") for name, value in written.items()}


def _refuse_unknown_variables(variables: Iterable[str]) -> None:
    valid = {*variables, CONFIG_VARIABLE, *CLIENT_VARIABLES}
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name not in valid:
            close = _similar(name.upper().removeprefix(PREFIX), (each.removeprefix(PREFIX) for each in valid))
            raise BadSetting(f"unknown variable {name}; {_advice(close and PREFIX + close)}")


def _similar(name: str, valid: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(name, valid, n=1)), None)


def _advice(meant: str | None) -> str:
    return f"did you mean {meant}? {_LIST_SETTINGS}" if meant else _LIST_SETTINGS


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"{CONFIG_VARIABLE} names {path}, which does not exist"
    except OSError as fault:
        message = f"{path} cannot be read: {fault.strerror}"
    except ValueError as fault:
        message = f"{path} is not TOML: {fault}"
    raise BadSetting(message)
