"""The API over a tenant with alerts."""

import pytest

from tests.conftest import Bench
from tests.integration.web.service import Service


@pytest.fixture
def service(bench: Bench) -> Service:
    """Return the application over a fresh store, with a public URL."""
    return Service(bench, public_url="https://calls.example.com")
