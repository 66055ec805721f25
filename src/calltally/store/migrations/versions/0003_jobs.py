"""Jobs that a worker does in its own time, and the files that they leave."""

from pathlib import Path

from calltally.store.backends.migrate import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """New tables, and one index over what merges left: there are few of those."""
    run_sql(Path(__file__))
