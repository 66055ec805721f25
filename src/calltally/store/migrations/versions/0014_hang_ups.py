"""Refold of every call: which side hung up, and values of the bodies that earlier releases did not read."""

from pathlib import Path

from calltally.store.backends.migrate import run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Request the fold of all calls. `calltally migrate` does it after this, and reads the bodies again."""
    run_sql(Path(__file__))
