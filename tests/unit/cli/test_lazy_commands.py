"""Subcommands that are loaded when they are asked for, and told about when their packages are missing."""

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from calltally.cli.lazy_commands import LazyGroup
from calltally.cli.main import Subcommands, app

# What only the server needs. pydantic itself is not among them: typer brings it.
OF_THE_SERVER = (
    "aiosql",
    "alembic",
    "apsw",
    "cryptography",
    "httptools",
    "litestar",
    "obstore",
    "phonenumbers",
    "prometheus_client",
    "psycopg",
    "psycopg_pool",
    "pyarrow",
    "pydantic_settings",
    "sqlalchemy",
    "structlog",
    "uvicorn",
    "uvloop",
)
WITHOUT_THEM = f"""
import sys

class Away:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OF_THE_SERVER!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Away())
"""


def python(program: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_THEM + program, *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def calltally(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = "from calltally.cli.main import main\nsys.argv[0] = 'calltally'\nmain()"
    return python(program, folder, *words)


@pytest.mark.parametrize("name", Subcommands.places)
def test_every_place_has_a_command(name: str) -> None:
    command = get_command(app)
    assert command.commands[name].name == name  # type: ignore[attr-defined] # a group has them
    assert "Needs the server" not in (command.commands[name].help or "")  # type: ignore[attr-defined] # the same


@pytest.mark.parametrize("name", Subcommands.places)
def test_help_names_values_by_words_and_not_by_types(name: str) -> None:
    command: Any = get_command(app)
    below = getattr(command.commands[name], "commands", {})
    for words in ([name, each] for each in below) if below else ([name],):
        assert not re.search(r"--[a-z-]+ <", CliRunner().invoke(app, [*words, "--help"]).stdout)


def test_a_value_is_named_by_what_it_is() -> None:
    said = CliRunner().invoke(app, ["export", "--help"]).stdout
    for written in (
        "--from TIME",
        "--settle DURATION",
        "--limit N",
        "--checkpoint FILE",
        "--route ROUTE",
        "--raw ",
    ):
        assert written in said


@pytest.mark.parametrize(
    "words", [("serve",), ("serve", "--help"), ("key", "add", "acme", "--scope", "x"), ("import",)]
)
def test_a_command_of_the_server_says_what_to_install(words: tuple[str, ...], tmp_path: Path) -> None:
    said = calltally(tmp_path, *words)
    assert said.returncode == 1
    assert (
        said.stderr == f"calltally: calltally {words[0]} needs the server: pip install 'calltally[server]'\n"
    )
    assert said.stdout == ""


def test_all_commands_are_listed_without_the_server(tmp_path: Path) -> None:
    said = calltally(tmp_path, "--help")
    assert said.returncode == 0, said.stderr
    listed = said.stdout.partition("Commands:")[2].split("\n")
    assert [line.split()[0] for line in listed if line] == list(Subcommands.places)
    assert "Needs the server: pip install 'calltally[server]'" in said.stdout


def test_an_export_needs_none_of_the_server(tmp_path: Path) -> None:
    said = calltally(tmp_path, "export", "--help")
    assert said.returncode == 0, said.stderr
    assert "--base-url" in said.stdout


def test_the_client_needs_none_of_the_server(tmp_path: Path) -> None:
    said = python("import calltally.client, calltally.client.webhooks; print('fine')", tmp_path)
    assert said.stdout == "fine\n", said.stderr


def test_the_client_loads_its_http_library_with_the_first_request(tmp_path: Path) -> None:
    """It takes longer than all the rest; so do these. (The time itself is no test: machines differ.)"""
    slow = ("asyncio", "anyio", "http.client", "httpx2", "rich", "ssl", "typer")
    program = f"import calltally.client; print([name for name in {slow} if name in sys.modules])"
    assert python(program, tmp_path).stdout == "[]\n"


def test_a_command_on_the_store_loads_no_web_and_no_worker(tmp_path: Path) -> None:
    """They are two thirds of a second, which whoever makes a key would wait for."""
    heavy = ("litestar", "uvicorn", "structlog", "httpx2", "jinja2", "calltally.worker", "calltally.alerts")
    program = f"""
import sys
import calltally.cli.key, calltally.cli.migrate, calltally.cli.tenant, calltally.cli.verify
print([name for name in {heavy} if name in sys.modules])
"""
    run = partial(subprocess.run, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert run([sys.executable, "-c", program]).stdout == "[]\n"


def test_names_are_listed_and_guessed_without_loading(tmp_path: Path) -> None:
    program = """
import contextlib
from calltally.cli.main import main
sys.argv = ['calltally', 'srve']
with contextlib.suppress(SystemExit):
    main()
print(sorted(name for name in sys.modules if name.startswith('calltally.cli.')))
"""
    said = python(program, tmp_path)
    assert "Did you mean 'serve'?" in said.stderr
    needed = [
        f"calltally.cli.{name}"
        for name in ("console", "console.metavars", "lazy_commands", "main", "runtime", "runtime.gc")
    ]
    assert said.stdout == f"{needed}\n"


class Broken(LazyGroup):
    places = {"broken": "calltally.no_such_module:command"}  # noqa: RUF012 (as the table is written)


def test_a_place_that_is_wrong_is_no_missing_package() -> None:
    group = get_command(typer.Typer(cls=Broken, callback=lambda: None))
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        group.commands["broken"]  # type: ignore[attr-defined] # a group has them


def test_a_service_starts_without_what_it_may_never_need(tmp_path: Path) -> None:
    """Each takes megabytes. Whoever measures coverage has loaded some of them already."""
    of_parts = (
        "numpy",
        "pyarrow",
        "sqlalchemy.orm",
        "psycopg",
        "pydantic.v1",
        "calltally.alerts.detection.rate_detector",
    )
    slow = (*of_parts, "cryptography", "httpx2", "rich", "pygments")
    program = f"""
import asyncio, sys
before = set(sys.modules)
import calltally.cli.serve.command, calltally.cli.worker, calltally.cli.alerts.command
from calltally.bootstrap.open_store import load_settings
from calltally.bootstrap.service import open_service

async def start():
    service = await open_service(load_settings())
    await service.store.close()

asyncio.run(start())
print([name for name in {slow} if name in sys.modules and name not in before])
"""
    settings = {**os.environ, "CALLTALLY_DATABASE_URL": f"sqlite:///{tmp_path}/calltally.db"}
    run = partial(
        subprocess.run, cwd=tmp_path, env=settings, capture_output=True, text=True, check=True, timeout=60
    )
    run([sys.executable, "-m", "calltally", "migrate"])
    assert run([sys.executable, "-c", program]).stdout == "[]\n"
