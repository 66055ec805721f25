"""The spine: tenants, facts, calls, versions, counts, outbox."""

from pathlib import Path

from calltally.store.backends.migrate import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    run_sql(Path(__file__))
