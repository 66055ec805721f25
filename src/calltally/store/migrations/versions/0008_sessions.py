"""Sessions, what was said in them, and that every call is to be folded anew."""

from pathlib import Path

from calltally.store.backends.migrate import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """A column that no row is rewritten for, and new tables. `calltally migrate` folds the calls after it."""
    run_sql(Path(__file__))
