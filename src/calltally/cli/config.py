"""`calltally config`: the settings of this folder and environment."""

import re
from pathlib import Path
from typing import Final

import msgspec
import typer
from pydantic import SecretStr

from calltally.bootstrap.open_store import load_settings
from calltally.cli.console.options import AsJson
from calltally.cli.console.output import print_rows
from calltally.settings.fields import Settings
from calltally.settings.reading import given_settings

commands: Final = typer.Typer(help="Show and check the settings.", no_args_is_help=True)
_HIDDEN: Final = "(hidden)"
_DEFAULT: Final = "default"
# The password of a URL: between user and host, or as a parameter of libpq.
_PASSWORD: Final = re.compile(r"(?<=://)([^/@:]*):[^/@]*(?=@)|(?<=[?&])((?:ssl)?password)=[^&]*")


class SettingRow(msgspec.Struct, frozen=True):
    """One setting: its variable, its value without secrets, and its source."""

    setting: str
    value: str | None
    source: str


@commands.command("show")
def show(*, as_json: AsJson = False) -> None:
    """List all settings with their values and sources. Secrets and passwords are hidden."""
    settings = load_settings()
    given = given_settings(Path.cwd())
    rows = [
        SettingRow(name, _text(getattr(settings, name)), given[name].source if name in given else _DEFAULT)
        for name in Settings.model_fields
    ]
    print_rows(rows, as_json=as_json)


@commands.command("check")
def check() -> None:
    """Check all settings without starting anything. The exit code is 1 if a setting is invalid."""
    load_settings()
    typer.echo("All settings are valid.")


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, SecretStr):
        return _HIDDEN
    if isinstance(value, bool):
        return str(value).lower()
    return _PASSWORD.sub(
        lambda found: f"{found[1]}:{_HIDDEN}" if found[2] is None else f"{found[2]}={_HIDDEN}", str(value)
    )
