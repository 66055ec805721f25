"""Column for tenants that hide numbers."""

from pathlib import Path

from calltally.store.backends.migrate import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """A column that no row is rewritten for."""
    run_sql(Path(__file__))
