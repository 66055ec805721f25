"""`calltally db copy`: the move of a whole database to PostgreSQL or to SQLite."""

from collections.abc import Callable
from typing import Annotated, Final

import typer

from calltally.bootstrap.clocks import steady_clock
from calltally.cli.console.options import AsJson
from calltally.cli.console.output import print_json
from calltally.store.copy.run import opened_copy

_INTERVAL_US: Final = 10_000_000
_NEXT: Final = (
    "Set CALLTALLY_DATABASE_URL to the target, and keep the secret key: CALLTALLY_SECRET_KEY, or for SQLite"
    " the file secret.key beside the database. Run `calltally verify`, then start Calltally."
)


def copy_database(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="URL of the database to copy.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="URL of an empty or a missing database.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Copy a database into an empty one, of the same or of the other kind, and compare every row.

    Stop the service first. After an interruption, run the same command again: it continues. Revisions, ids,
    epochs, keys and secrets stay the same, so clients go on unchanged. Other users of the machine can see
    arguments: leave a password out of the URL, and store it in ~/.pgpass.
    """
    with opened_copy(source, target, ProgressReport(steady_clock).report) as copy:
        tables = copy.run()
    if as_json:
        print_json(tables)
        return
    rows = sum(each.rows for each in tables)
    typer.echo(f"Copied {rows:,} rows of {len(tables)} tables. Source and target are equal.")
    typer.echo(_NEXT, err=True)


class ProgressReport:
    """Progress lines on stderr, one in ten seconds; `clock` returns microseconds."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._printed_us = clock()

    def report(self, step: str, rows: int) -> None:
        """Print a step, such as `copied facts`, and its rows so far."""
        now_us = self._clock()
        if now_us - self._printed_us >= _INTERVAL_US:
            self._printed_us = now_us
            typer.echo(f"{step}: {rows:,} rows", err=True)
