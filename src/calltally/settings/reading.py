"""Reader of the settings: `CALLTALLY_*` variables override a TOML file, which overrides the defaults."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from calltally.settings.fields import PREFIX, Settings

CONFIG_VARIABLE: Final = "CALLTALLY_CONFIG"
DEFAULT_CONFIG: Final = "calltally.toml"
# Variables of the client commands. They are no settings of the server, and must not stop it.
CLIENT_VARIABLES: Final = frozenset({"CALLTALLY_BASE_URL", "CALLTALLY_API_KEY"})


class BadSetting(ValueError):
    """Unknown setting or wrong value. The text names the setting and never quotes a value."""


def read_settings(folder: Path) -> Settings:
    """Read the settings: the environment overrides CALLTALLY_CONFIG or `folder`'s calltally.toml.

    Raises BadSetting for unknown names, wrong values and an unreadable file.
    """
    _refuse_unknown_variables(os.environ)
    named = os.environ.get(CONFIG_VARIABLE)
    path = folder / (named or DEFAULT_CONFIG)
    written = _read_file(path) if named or path.is_file() else {}
    try:
        return Settings(**{name: value for name, value in written.items() if not _variable(name)})
    except ValidationError as fault:
        texts = (_in_words(error, path) for error in fault.errors(include_input=False, include_url=False))
        raise BadSetting("; ".join(texts)) from None


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    valid_names = {PREFIX + name.upper() for name in Settings.model_fields} | {CONFIG_VARIABLE}
    others = valid_names | CLIENT_VARIABLES
    unknown = sorted(name for name in environment if name.upper().startswith(PREFIX) and name not in others)
    if unknown:
        message = f"unknown variable {', '.join(unknown)}; there are {', '.join(sorted(valid_names))}"
        raise BadSetting(message)


def _variable(name: str) -> str | None:
    """Return the environment's value of a setting, None if it is unset or empty."""
    return os.environ.get(PREFIX + name.upper()) or None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"{CONFIG_VARIABLE} names {path}, which is not there"
    except OSError as fault:
        message = f"{path} cannot be read: {fault.strerror}"
    except ValueError as fault:
        message = f"{path} is not TOML: {fault}"
    raise BadSetting(message)


def _in_words(error: ErrorDetails, path: Path) -> str:
    """Return the error text, with the setting's name as the operator wrote it. No value: it may be secret."""
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"{path}: unknown key {name}; there are {', '.join(sorted(Settings.model_fields))}"
    source = PREFIX + name.upper() if _variable(name) else f"{path}: {name}"
    return f"{source}: {error['msg'].removeprefix('Value error, ')}"
