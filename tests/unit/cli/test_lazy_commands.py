"""Subcommands are loaded on demand, and name missing packages."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from calltally.cli.lazy_commands import LazyGroup
from calltally.cli.main import Subcommands, app
from tests.unmeasured import unmeasured

# Packages that only the server needs. pydantic itself is not one of them: typer depends on it.
SERVER_PACKAGES = (
    "aiosql",
    "alembic",
    "apsw",
    "backports",
    "cachetools",
    "cryptography",
    "httptools",
    "jinja2",
    "litestar",
    "numpy",
    "obstore",
    "phonenumbers",
    "prometheus_client",
    "psycopg",
    "psycopg_pool",
    "pyarrow",
    "sqlalchemy",
    "structlog",
    "uvicorn",
    "uvloop",
)
# None for a module makes its import raise ModuleNotFoundError.
HIDE_SERVER_PACKAGES = f"""
import sys
sys.modules.update(dict.fromkeys({SERVER_PACKAGES!r}))
"""


def python(program: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", HIDE_SERVER_PACKAGES + program, *words]
    return subprocess.run(
        command, cwd=folder, env=unmeasured(), capture_output=True, text=True, check=False, timeout=60
    )


def calltally(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = "from calltally.cli.main import main\nsys.argv[0] = 'calltally'\nmain()"
    return python(program, folder, *words)


@pytest.mark.parametrize("name", Subcommands.locations)
def test_every_location_has_a_command(name: str) -> None:
    command = get_command(app)
    assert command.commands[name].name == name  # type: ignore[attr-defined] # a group has them
    assert "Not installed" not in (command.commands[name].help or "")  # type: ignore[attr-defined] # the same


@pytest.mark.parametrize("name", Subcommands.aliases)
def test_former_name_runs_and_is_not_listed(name: str) -> None:
    assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0
    assert f"\n  {name} " not in CliRunner().invoke(app, ["--help"]).stdout


@pytest.mark.parametrize("name", Subcommands.locations)
def test_help_has_placeholders_instead_of_types(name: str) -> None:
    command: Any = get_command(app)
    subcommands = getattr(command.commands[name], "commands", {})
    for words in ([name, each] for each in subcommands) if subcommands else ([name],):
        assert not re.search(r"--[a-z-]+ <", CliRunner().invoke(app, [*words, "--help"]).stdout)


def test_placeholders_of_export() -> None:
    result = CliRunner().invoke(app, ["export", "--help"]).stdout
    for written in (
        "--from TIME",
        "--settle DURATION",
        "--limit N",
        "--checkpoint FILE",
        "--route ROUTE",
        "--raw ",
    ):
        assert written in result


@pytest.mark.parametrize(
    "words", [("serve",), ("serve", "--help"), ("key", "add", "acme", "--scope", "x"), ("import",)]
)
def test_server_command_names_the_package_to_install(words: tuple[str, ...], tmp_path: Path) -> None:
    result = calltally(tmp_path, *words)
    assert result.returncode == 1
    assert (
        result.stderr
        == f"calltally: calltally {words[0]} needs the server: pip install 'calltally[server]'\n"
    )
    assert result.stdout == ""


def test_client_lists_only_its_commands_and_how_to_get_the_others(tmp_path: Path) -> None:
    result = calltally(tmp_path, "--help")
    assert result.returncode == 0, result.stderr
    listed, _, epilog = result.stdout.partition("Commands:")[2].partition("\n\n")
    assert re.findall(r"^  (\S+)", listed, re.MULTILINE) == list(Subcommands.of_client)
    assert epilog.strip() == "The other commands need the server: pip install 'calltally[server]'"


@pytest.mark.parametrize("name", Subcommands.of_client)
def test_command_of_the_client_needs_no_server_packages(name: str, tmp_path: Path) -> None:
    result = calltally(tmp_path, name, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert "--base-url" in result.stdout


@pytest.mark.parametrize(
    ("words", "purpose"),
    [
        (("quality",), "quality from the local store"),
        (("reconcile", "--provider", "twilio", "--month", "2026-10"), "a comparison with the local store"),
    ],
)
def test_use_of_the_local_store_names_the_package_to_install(
    words: tuple[str, ...], purpose: str, tmp_path: Path
) -> None:
    result = calltally(tmp_path, *words)
    assert result.returncode == 1
    assert result.stderr == f"calltally: {purpose} needs the server: pip install 'calltally[server]'\n"


def every_command(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:  # noqa: ANN401 (a group or a command)
    yield words
    for name, each in getattr(command, "commands", {}).items():
        yield from every_command(each, (*words, name))


# The helps in one process: a start of each would take a minute.
PRINT_HELPS = """
import contextlib, json
from calltally.cli.main import app
for words in json.loads(sys.argv[1]):
    with contextlib.suppress(SystemExit):
        app([*words, "--help"], prog_name="calltally")
with contextlib.suppress(SystemExit):
    app(["srve"], prog_name="calltally")
"""


@pytest.mark.parametrize("setting", [{}, {"NO_COLOR": "1"}])
def test_no_colours_into_a_pipe(setting: dict[str, str], tmp_path: Path) -> None:
    commands = list(every_command(get_command(app)))
    assert len(commands) > 60
    terminal = {**unmeasured(), "TERM": "xterm-256color", "COLORTERM": "truecolor", **setting}
    result = subprocess.run(
        [sys.executable, "-c", f"import sys\n{PRINT_HELPS}", json.dumps(commands)],
        cwd=tmp_path,
        env=terminal,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert result.stdout.count(b"Usage: ") == len(commands)
    assert b"Did you mean" in result.stderr
    assert b"\x1b" not in result.stdout + result.stderr


@pytest.mark.parametrize("words", [(), ("serve",), ("tenant", "add")])
def test_short_option_prints_the_help(words: tuple[str, ...]) -> None:
    run = CliRunner()
    assert run.invoke(app, [*words, "-h"]).stdout == run.invoke(app, [*words, "--help"]).stdout


def test_shell_completes_commands() -> None:
    words = {
        "_CALLTALLY_COMPLETE": "complete_bash",
        "COMP_WORDS": "calltally tenant ret",
        "COMP_CWORD": "2",
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
    }
    result = CliRunner().invoke(app, [], env=words, prog_name="calltally")
    assert result.stdout.strip() == "retention"


def test_client_needs_no_server_packages(tmp_path: Path) -> None:
    result = python("import calltally.client, calltally.client.webhooks; print('fine')", tmp_path)
    assert result.stdout == "fine\n", result.stderr


def test_client_loads_http_library_with_first_request(tmp_path: Path) -> None:
    """Each of these takes longer than all else. (Import time is not tested: machines differ.)"""
    slow = ("asyncio", "anyio", "http.client", "httpx2", "rich", "ssl", "typer")
    program = f"import calltally.client; print([name for name in {slow} if name in sys.modules])"
    assert python(program, tmp_path).stdout == "[]\n"


def test_store_commands_load_no_web_and_no_worker(tmp_path: Path) -> None:
    """They take two thirds of a second, which every short command would cost."""
    heavy = ("litestar", "uvicorn", "structlog", "httpx2", "jinja2", "calltally.worker", "calltally.alerts")
    program = f"""
import sys
import calltally.cli.key, calltally.cli.migrate, calltally.cli.tenant, calltally.cli.verify
print([name for name in {heavy} if name in sys.modules])
"""
    run = partial(
        subprocess.run, cwd=tmp_path, env=unmeasured(), capture_output=True, text=True, check=True, timeout=60
    )
    assert run([sys.executable, "-c", program]).stdout == "[]\n"


def test_names_are_listed_and_suggested_without_loading(tmp_path: Path) -> None:
    program = """
import contextlib
from calltally.cli.main import main
sys.argv = ['calltally', 'srve']
with contextlib.suppress(SystemExit):
    main()
print(sorted(name for name in sys.modules if name.startswith('calltally.cli.')))
"""
    result = python(program, tmp_path)
    assert "Did you mean 'serve'?" in result.stderr
    needed = [
        f"calltally.cli.{name}"
        for name in (
            "console",
            "console.options",
            "lazy_commands",
            "main",
            "runtime",
            "runtime.env_file",
            "runtime.gc",
        )
    ]
    assert result.stdout == f"{needed}\n"


class Broken(LazyGroup):
    locations = {"broken": "calltally.no_such_module:command"}  # noqa: RUF012 (a table like the real one)


def test_wrong_location_is_no_missing_package() -> None:
    group = get_command(typer.Typer(cls=Broken, callback=lambda: None))
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        group.commands["broken"]  # type: ignore[attr-defined] # a group has them


def test_service_starts_without_optional_packages(tmp_path: Path) -> None:
    """Each takes megabytes. A coverage run has loaded some of them already."""
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
    settings = {**unmeasured(), "CALLTALLY_DATABASE_URL": f"sqlite:///{tmp_path}/calltally.db"}
    run = partial(
        subprocess.run, cwd=tmp_path, env=settings, capture_output=True, text=True, check=True, timeout=60
    )
    run([sys.executable, "-m", "calltally", "migrate"])
    assert run([sys.executable, "-c", program]).stdout == "[]\n"


def test_the_list_has_whole_sentences() -> None:
    listed = CliRunner().invoke(app, ["--help"]).output.partition("Commands:")[2]
    assert len(listed.splitlines()) > len(Subcommands.locations)
    assert "..." not in listed
    for group in ("alerts", "alerts rules", "key", "tenant"):
        listed = CliRunner().invoke(app, [*group.split(), "--help"]).output.partition("Commands:")[2]
        assert listed
        assert "..." not in listed
