"""Bring a database to the schema of this code.

`python -m calltally.store.backends.migrate` reads the URL from its input, so that no process list shows it.

On SQLite it must be a process of its own: Alembic brings another SQLite library than apsw, and two
libraries on one file in one process do not see each other's locks (a committed row was lost so).
"""

import re
import sqlite3
import sys
from pathlib import Path
from typing import Any, Final

import psycopg
import sqlalchemy
import sqlalchemy.exc
from alembic import op
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

_FOLDER: Final = Path(__file__).parents[1] / "migrations"
# Any number that no other program on the database is likely to lock by.
_LOCK: Final = 0x63616C6C
# Whoever asks for a table behind a migration that waits for it has to wait as well. So it gives up soon.
_LOCK_TIMEOUT_S: Final = 10
# How often it asks for tables that readers use: each time for less than a deadlock takes to be found (1 s).
_ATTEMPTS: Final = 20
_HELD: Final = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
# SQLite has one lock for writing, so this is also how long one migration waits for another.
_BUSY_S: Final = 60


def upgrade(url: str, target: str = "head") -> None:
    """Run what is missing up to `target`, as one transaction under a lock.

    A second one waits, then has nothing to do. A transaction of somebody else's is waited for only
    so long; nothing has changed then.
    """
    engine = _engine(url)
    with engine.connect() as connection:
        _begin(connection)
        try:
            _run(connection, target)
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")
    engine.dispose()


def run_sql(migration: Path) -> None:
    """Run the SQL file beside a migration that is for the database at hand, statement by statement."""
    dialect = "sqlite" if op.get_bind().dialect.name == "sqlite" else "postgres"
    for statement in statements_of(migration.with_suffix(f".{dialect}.sql").read_text(encoding="utf-8")):
        if statement.lstrip().startswith("LOCK TABLE"):
            _lock_together(op.get_bind(), statement)
        else:
            op.execute(statement)


def statements_of(script: str) -> list[str]:
    """The statements of a script, each to be sent by itself."""
    # At the end of a line: inside one, a semicolon is part of a trigger.
    parts = re.split(r";\n", re.sub(r"--[^\n]*", "", script))
    return [part.rstrip().removesuffix(";") for part in parts if part.strip()]


def _lock_together(connection: sqlalchemy.Connection, statement: str) -> None:
    """Lock all tables of a statement, or let go of those that it got so far and try again.

    A reader may hold one of them and wait for another. To wait for it in turn would be a deadlock, which
    takes a second to be found and then costs one of the two its work.
    """
    for attempt in range(_ATTEMPTS):
        connection.exec_driver_sql("SAVEPOINT together")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_S * 1000 // _ATTEMPTS}ms'")
        try:
            connection.exec_driver_sql(statement)
        except sqlalchemy.exc.OperationalError as fault:
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT together")
            if attempt == _ATTEMPTS - 1 or not isinstance(fault.orig, _HELD):
                raise
        else:
            return


def _run(connection: sqlalchemy.Connection, target: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    scripts = ScriptDirectory.from_config(config)

    def ahead(revision: str, _context: object) -> list[Any]:
        return scripts._upgrade_revs(target, revision)  # noqa: SLF001 - how Alembic's own command does it

    with EnvironmentContext(config, scripts, fn=ahead, destination_rev=target) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()


def _begin(connection: sqlalchemy.Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    connection.exec_driver_sql("BEGIN")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_S}s'")
    # Every writer of the ledger locks heads before all else: kept out here, none of them holds a table that
    # the migration comes to later, which would be a deadlock. Reads go on.
    if connection.exec_driver_sql("SELECT to_regclass('ledger_heads')").scalar() is not None:
        connection.exec_driver_sql("LOCK TABLE ledger_heads IN EXCLUSIVE MODE")


def _engine(url: str) -> sqlalchemy.Engine:
    address = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)
    waits = {"timeout": _BUSY_S} if address.startswith("sqlite") else {}
    return sqlalchemy.create_engine(address, isolation_level="AUTOCOMMIT", connect_args=waits)


def _in_words(fault: sqlalchemy.exc.DBAPIError) -> str:
    """One line: what to do where somebody else held the database, else the database's own words."""
    cause = fault.orig
    if isinstance(cause, psycopg.errors.LockNotAvailable):
        return (
            f"a transaction has held its tables for more than {_LOCK_TIMEOUT_S} s; nothing was changed."
            " End it (pg_stat_activity shows it), then try again"
        )
    if isinstance(cause, psycopg.errors.DeadlockDetected):
        return "it met a transaction that held what it needed; nothing was changed, try again"
    if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
        return (
            f"another process has been writing to it for more than {_BUSY_S} s; nothing was changed."
            " Let it finish, then try again"
        )
    return " ".join(str(cause).split())


def main() -> None:
    """Migrate the URL on the standard input; ends with the database's own words where it cannot."""
    try:
        upgrade(sys.stdin.read().strip())
    except sqlalchemy.exc.DBAPIError as fault:
        sys.exit(_in_words(fault))
    except CommandError:
        sys.exit("its schema is of a later version; upgrade Calltally on this node")


if __name__ == "__main__":
    main()
