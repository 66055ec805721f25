"""Which days of the roll-ups of quality are closed: their sums stand in those of several days."""

from pathlib import Path

from calltally.store.backends.migrate import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """A new table, empty: a worker closes the days that there are, one by one, beside all else."""
    run_sql(Path(__file__))
