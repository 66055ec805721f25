"""The roll-ups of quality, and what each call has added to them."""

from pathlib import Path

from calltally.store.backends.migrate import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """A new table, two columns that are null at first, and an index over calls yet to be measured."""
    run_sql(Path(__file__))
