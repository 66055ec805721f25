"""Locks of an SQLite file between processes: one service per file, and the wait of a writer."""

from pathlib import Path

import pytest

from calltally.calls.errors import Misconfigured
from calltally.store.backends.sqlite.connection import busy_handler, sole_service


def test_only_one_service_runs_on_a_file(tmp_path: Path) -> None:
    path, other = tmp_path / "calls.db", tmp_path / "other.db"
    path.touch()
    other.touch()
    refused = pytest.raises(Misconfigured, match=r"another `calltally serve` .* runs on .*calls\.db")
    for _ in range(2):
        with sole_service(path), sole_service(other), refused, sole_service(path):
            pytest.fail("two services on one file")
    assert (tmp_path / "calls.db-serve").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", [None, "absent.db"])
def test_without_a_file_there_is_no_lock(tmp_path: Path, name: str | None) -> None:
    path = tmp_path / name if name else None
    with sole_service(path), sole_service(path):
        assert list(tmp_path.iterdir()) == []


def test_busy_handler_retries_until_its_time_is_up() -> None:
    assert busy_handler(60_000)(0)
    assert not busy_handler(0)(0)
