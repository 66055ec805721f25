"""One place to export from for each test."""

from pathlib import Path

import pytest

from tests.conftest import Bench
from tests.integration.exports.exporting import Desk


@pytest.fixture
def desk(bench: Bench, tmp_path: Path) -> Desk:
    """A store, its API and a folder for files."""
    return Desk(bench, tmp_path / "files")
