"""One application per test."""

import pytest

from tests.conftest import Bench
from tests.integration.web.service import Service


@pytest.fixture
def service(bench: Bench) -> Service:
    """Return the application over a fresh store."""
    return Service(bench)
