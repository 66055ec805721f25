"""The schema that migrations make is the one that is committed, where a change of it is seen in review."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from calltally.store.backends.open import sqlite_path
from tests.integration.store.probing import direct
from tests.integration.store.schema_text import FOLDER, REMAKE, schema_text


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    """A migrated database of either kind."""
    return new_database()


def committed(url: str) -> Path:
    return FOLDER / ("sqlite.sql" if sqlite_path(url) else "postgres.sql")


def test_migrations_make_the_schema_that_is_committed(url: str) -> None:
    assert schema_text(url) == committed(url).read_text(encoding="utf-8"), (
        f"if it is meant to change: {REMAKE}"
    )


def test_what_is_committed_makes_that_schema(url: str, tmp_path: Path) -> None:
    """It is SQL that runs, not only text that looks alike."""
    script = committed(url).read_text(encoding="utf-8")
    if sqlite_path(url):
        made_url = f"sqlite:///{tmp_path / 'made.db'}"
        with direct(made_url) as db:
            db(script)
        assert schema_text(made_url) == script
        return
    with psycopg.connect(url, autocommit=True) as made:
        made.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        made.execute(script)
    assert schema_text(url) == script


def test_a_difference_is_seen(url: str) -> None:
    with direct(url) as db:
        db("CREATE INDEX calls_by_agent ON calls (tenant, agent)")
    assert schema_text(url) != committed(url).read_text(encoding="utf-8")
