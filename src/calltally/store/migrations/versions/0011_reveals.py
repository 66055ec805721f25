"""Table of the reveals of masked numbers."""

from pathlib import Path

from calltally.store.backends.migrate import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """A new table, empty."""
    run_sql(Path(__file__))
