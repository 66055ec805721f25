"""One server process for all acceptance tests of a worker; each test takes a tenant of its own."""

from collections.abc import Iterator

import pytest

from tests.acceptance.live import Live, serving


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A running server on SQLite."""
    with serving(tmp_path_factory.mktemp("live")) as server:
        yield server
