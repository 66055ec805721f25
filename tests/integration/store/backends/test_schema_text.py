"""Migrations produce the committed schema, so that reviews show every change of it."""

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


def test_migrations_produce_the_committed_schema(url: str) -> None:
    assert schema_text(url) == committed(url).read_text(encoding="utf-8"), (
        f"if it is meant to change: {REMAKE}"
    )


def test_committed_schema_is_valid_sql(url: str, tmp_path: Path) -> None:
    """The text is SQL that runs and gives the same schema."""
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


def test_difference_is_detected(url: str) -> None:
    with direct(url) as db:
        db("CREATE INDEX calls_by_agent ON calls (tenant, agent)")
    assert schema_text(url) != committed(url).read_text(encoding="utf-8")
