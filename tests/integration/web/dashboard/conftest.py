"""A browser over a fresh store."""

import pytest

from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.service import Service


@pytest.fixture
def browser(service: Service) -> Browser:
    """Return a browser without a session."""
    return Browser(service)
