"""Alerts: the steps that they are judged by, what they are, and where they are told."""

from pathlib import Path

from calltally.store.backends.migrate import run_sql

revision = "0005"
down_revision = "0003"


def upgrade() -> None:
    """New tables alone. Steps of the calls that are there are counted behind it, by `calltally migrate`."""
    run_sql(Path(__file__))
