"""Column for endpoints that receive whole numbers although their tenant masks them."""

from pathlib import Path

from calltally.store.backends.migrate import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """A column that no row is rewritten for."""
    run_sql(Path(__file__))
