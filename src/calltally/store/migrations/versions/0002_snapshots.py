"""Snapshots, erasure, retention, search, leases; which code may run on this schema."""

from pathlib import Path

from calltally.store.backends.migrate import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add columns with constant defaults, which rewrites no table, then indexes and new tables."""
    run_sql(Path(__file__))
