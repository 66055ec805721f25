"""The API over a tenant that is watched."""

import pytest

from tests.conftest import Bench
from tests.integration.web.service import Service


@pytest.fixture
def service(bench: Bench) -> Service:
    """The application over a fresh store, with a public URL."""
    return Service(bench, public_url="https://calls.example.com")
