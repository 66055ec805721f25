"""Every call is folded anew: a fact with a start and a talk implies the end of its call."""

from pathlib import Path

from calltally.store.backends.migrate import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Ask for the fold of all calls. `calltally migrate` does it after this."""
    run_sql(Path(__file__))
