"""Table of the fields and end reasons that no coverage page lists."""

from pathlib import Path

from calltally.store.backends.migrate import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create an empty table."""
    run_sql(Path(__file__))
