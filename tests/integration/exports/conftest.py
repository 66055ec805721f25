"""Export desk for each test."""

from pathlib import Path

import pytest

from tests.conftest import Bench
from tests.integration.exports.exporting import Desk


@pytest.fixture
def desk(bench: Bench, tmp_path: Path) -> Desk:
    """Return a store with its API and a folder for files."""
    return Desk(bench, tmp_path / "files")
