"""Webhook endpoints, deliveries and attempts."""

from pathlib import Path

from calltally.store.backends.migrate import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """New tables, and three columns of the outbox that rows from before leave empty."""
    run_sql(Path(__file__))
