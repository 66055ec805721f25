"""Processes that are killed run without coverage, and so do those that run what other tests cover.

One that is killed tells nothing of what it ran; killed while it writes it, it leaves half a file, which the
report then warns of. And to start with coverage takes half as long again: the documents alone start hundreds.

In the tests' own process measuring makes Python two to three times slower. Tests that run lines again, which
other tests measure, run without it.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from coverage import Coverage
from hypothesis import is_hypothesis_test


def unmeasured(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """That environment, this process's by default, without what makes coverage begin in a new process."""
    variables = os.environ if environment is None else environment
    return {name: value for name, value in variables.items() if not name.startswith("COVERAGE_")}


@contextmanager
def measuring_paused() -> Iterator[None]:
    """Measure no coverage in this process during the block."""
    measuring = Coverage.current()
    if measuring is None:
        yield
        return
    # Coverage.start would also patch fork and _exit once more each time.
    collector = measuring._collector
    assert collector is not None
    collector.stop()
    measuring._started = False
    try:
        yield
    finally:
        collector.start()
        measuring._started = True


def is_unmeasured(item: pytest.Item) -> bool:
    """Tell whether a test runs lines again: a property, a marked test, or the SQLite half of a test on both.

    Both halves run the same lines above the two kinds of database, whose own tests are measured on both.
    """
    if item.get_closest_marker("unmeasured") or is_hypothesis_test(getattr(item, "obj", None)):
        return True
    called = getattr(item, "callspec", None)
    is_sqlite = called is not None and called.params.get("new_database") == "sqlite"
    return is_sqlite and "tests/integration/store/backends/" not in item.nodeid
