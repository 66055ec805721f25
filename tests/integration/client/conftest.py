"""Every test of this folder runs with both clients."""

import asyncio
from collections.abc import Iterator

import pytest

from calltally.client import AsyncClient, Client
from tests.integration.client.either import Either


@pytest.fixture(params=[Client, AsyncClient], ids=["blocking", "awaiting"])
def either(request: pytest.FixtureRequest) -> Iterator[Either]:
    """One of them."""
    with asyncio.Runner() as runner:
        client = Either(request.param, runner)
        yield client
        client.close()
