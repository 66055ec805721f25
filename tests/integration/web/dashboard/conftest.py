"""A browser in front of a fresh store."""

import pytest

from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.service import Service


@pytest.fixture
def browser(service: Service) -> Browser:
    """Nobody is signed in yet."""
    return Browser(service)
