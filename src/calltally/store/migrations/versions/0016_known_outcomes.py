"""Quality counts only the calls whose outcome a source reports."""

from pathlib import Path

from calltally.store.backends.migrate import run_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the columns. `calltally migrate` measures all calls again after this."""
    run_sql(Path(__file__))
