"""Reconciliation desk for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Bench
from tests.integration.reconciliations.reconciling import Desk
from tests.twilio_api import TwilioApi, served


@pytest.fixture
def desk(bench: Bench, tmp_path: Path) -> Iterator[Desk]:
    """Return a store with its API, a folder for files and a Twilio test double."""
    with served(TwilioApi()) as api:
        made = Desk(bench, tmp_path / "files", api)
        made.sign_in()
        yield made
