"""Fixture that runs a test with both clients."""

import asyncio
from collections.abc import Iterator

import pytest

from calltally.client import AsyncClient, Client
from tests.integration.client.either import Either


@pytest.fixture(params=[Client, AsyncClient], ids=["blocking", "awaiting"])
def either(request: pytest.FixtureRequest) -> Iterator[Either]:
    """Return one of the clients."""
    with asyncio.Runner() as runner:
        client = Either(request.param, runner)
        yield client
        client.close()
