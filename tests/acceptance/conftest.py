"""One server for all acceptance tests, each with a tenant of its own; a database for what needs its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.live import Live, close_preloaded, serving


@pytest.fixture(scope="session", autouse=True)
def _preloaded_closed() -> Iterator[None]:
    yield
    close_preloaded()


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A running server on SQLite."""
    with serving(tmp_path_factory.mktemp("live")) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, sqlite_template: Path) -> Path:
    """Return a folder with a migrated database; the pages of the documents run `migrate` themselves."""
    (tmp_path / "var").mkdir()
    shutil.copy(sqlite_template, tmp_path / "var" / "calltally.db")
    return tmp_path
