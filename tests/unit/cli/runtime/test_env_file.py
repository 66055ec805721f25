"""Variables of a file `.env`."""

import os
from pathlib import Path

import pytest

from calltally.calls.errors import Misconfigured
from calltally.cli.runtime.env_file import load_env_file

TEXT = """
# A comment
CALLTALLY_PORT=9091
export CALLTALLY_HOST='::1'
CALLTALLY_ADMIN_KEY="a$HOME${HOME} b"
CALLTALLY_LOG_LEVEL=
DATABASE_URL=postgres://u@h/n
OTHER=1
"""


NAMES = [line.removeprefix("export ").partition("=")[0] for line in TEXT.strip().splitlines()[1:]]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        # So that what a test sets is unset behind it.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("CALLTALLY_PORT", "1")
    monkeypatch.setenv("CALLTALLY_HOST", "")


def variables() -> dict[str, str]:
    return {name: value for name in NAMES if (value := os.environ.get(name))}


def test_variables_are_set_where_they_are_unset(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(TEXT)
    load_env_file(tmp_path)
    assert variables() == {
        "CALLTALLY_PORT": "1",
        "CALLTALLY_HOST": "::1",
        "CALLTALLY_ADMIN_KEY": "a$HOME${HOME} b",
        "DATABASE_URL": "postgres://u@h/n",
    }


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"CALLTALLY_PORT=\xff\n")
    with pytest.raises(Misconfigured, match=r"\.env cannot be read"):
        load_env_file(tmp_path)


def test_folder_without_the_file_changes_nothing(tmp_path: Path) -> None:
    load_env_file(tmp_path)
    assert variables() == {"CALLTALLY_PORT": "1"}
