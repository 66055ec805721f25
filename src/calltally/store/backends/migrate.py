"""Migration of a database to the schema of this code.

`python -m calltally.store.backends.migrate` reads the URL from its input, so that no process list shows it.

On SQLite it must run in a process of its own: Alembic uses another SQLite library than apsw, and two
libraries on one file in one process do not see each other's locks (a committed row was lost that way).
"""

import re
import sqlite3
import sys
from collections.abc import Callable
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

from calltally.calls.errors import Misconfigured
from calltally.store.backends.schema import COPYING, UNFINISHED_COPY

_FOLDER: Final = Path(__file__).parents[1] / "migrations"
# Key of the advisory lock; an arbitrary number that no other program on the database is likely to use.
_LOCK: Final = 0x63616C6C
# Requests for a table queue behind a migration that waits for that table. So the migration gives up soon.
_LOCK_TIMEOUT_S: Final = 10
# Attempts to lock tables that readers use. Each is shorter than PostgreSQL's deadlock detection (1 s).
_ATTEMPTS: Final = 20
_LOCK_FAILURES: Final = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
# SQLite has one write lock, so this is also the time for which one migration waits for another.
_BUSY_S: Final = 60


def upgrade(url: str, target: str = "head") -> None:
    """Run the missing migrations up to `target`, as one transaction under a lock.

    A concurrent migration waits, then has nothing to do. The wait for other transactions is limited; a
    migration that gives up has changed nothing.
    """
    if url.startswith("sqlite"):
        engine = sqlalchemy.create_engine(
            url, isolation_level="AUTOCOMMIT", connect_args={"timeout": _BUSY_S}
        )
    else:
        # libpq reads the URL, which may name several hosts; SQLAlchemy reads only one.
        engine = sqlalchemy.create_engine(
            "postgresql+psycopg://", creator=lambda: _connect(url), isolation_level="AUTOCOMMIT"
        )
    with engine.connect() as connection:
        _begin(connection)
        try:
            _run(connection, target)
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")
    engine.dispose()


def _connect(url: str) -> psycopg.Connection:
    """Connect to PostgreSQL. Raises Misconfigured if the database cannot store every text."""
    connection = psycopg.connect(url)
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        connection.close()
        message = (
            f"its encoding is {encoding}, and Calltally needs UTF8. Create it with"
            " CREATE DATABASE calltally TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
        )
        raise Misconfigured(message)
    return connection


def sql_migration(file: str) -> Callable[[], None]:
    """Return a function that runs the SQL file beside a migration for the database's dialect."""

    def upgrade_by_sql() -> None:
        dialect = "sqlite" if op.get_bind().dialect.name == "sqlite" else "postgres"
        script = Path(file).with_suffix(f".{dialect}.sql").read_text(encoding="utf-8")
        for statement in statements_of(script):
            if statement.lstrip().startswith("LOCK TABLE"):
                _lock_all(op.get_bind(), statement)
            else:
                op.execute(statement)

    return upgrade_by_sql


def statements_of(script: str) -> list[str]:
    """Return the statements of a script, to be sent one at a time."""
    # Only a semicolon at the end of a line separates: inside a line it is part of a trigger.
    parts = re.split(r";\n", re.sub(r"--[^\n]*", "", script))
    return [part.rstrip().removesuffix(";") for part in parts if part.strip()]


def _lock_all(connection: sqlalchemy.Connection, statement: str) -> None:
    """Lock all tables of a statement; on failure release the locks taken so far and try again.

    A reader may hold one of the tables and wait for another. Waiting for that reader would be a deadlock,
    which PostgreSQL detects after a second and resolves by aborting one of the two.
    """
    for attempt in range(_ATTEMPTS):
        connection.exec_driver_sql("SAVEPOINT together")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_S * 1000 // _ATTEMPTS}ms'")
        try:
            connection.exec_driver_sql(statement)
        except sqlalchemy.exc.OperationalError as fault:
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT together")
            if attempt == _ATTEMPTS - 1 or not isinstance(fault.orig, _LOCK_FAILURES):
                raise
        else:
            return


def _run(connection: sqlalchemy.Connection, target: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    scripts = ScriptDirectory.from_config(config)

    def pending_revisions(revision: str, _context: object) -> list[Any]:
        return scripts._upgrade_revs(target, revision)  # noqa: SLF001 - as Alembic's own command does

    with EnvironmentContext(config, scripts, fn=pending_revisions, destination_rev=target) as environment:
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
    # Every writer of the ledger locks this table first. Blocked here, no writer holds a table that the
    # migration needs later, which would be a deadlock. Reads continue.
    if connection.exec_driver_sql("SELECT to_regclass('ledger_heads')").scalar() is not None:
        connection.exec_driver_sql("LOCK TABLE ledger_heads IN EXCLUSIVE MODE")


def _failure_message(fault: sqlalchemy.exc.DBAPIError) -> str:
    """Return one line: the remedy if another transaction held the database, else the database's message."""
    cause = fault.orig
    if isinstance(cause, psycopg.errors.LockNotAvailable):
        return (
            f"a transaction has locked its tables for more than {_LOCK_TIMEOUT_S} s; nothing was changed."
            " End that transaction (pg_stat_activity shows it), then try again"
        )
    if isinstance(cause, psycopg.errors.DeadlockDetected):
        return "a deadlock with another transaction; nothing was changed, try again"
    if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
        return (
            f"another process has been writing to it for more than {_BUSY_S} s; nothing was changed."
            " Let it finish, then try again"
        )
    return " ".join(str(cause).split())


def main() -> None:
    """Migrate the database whose URL is on the standard input. Exits with an error message on failure."""
    try:
        upgrade(sys.stdin.read().strip())
    except sqlalchemy.exc.DBAPIError as fault:
        sys.exit(_failure_message(fault))
    except Misconfigured as fault:
        sys.exit(fault.detail)
    except CommandError as fault:
        is_copy = COPYING in str(fault)
        sys.exit(
            UNFINISHED_COPY
            if is_copy
            else "its schema belongs to a later version; upgrade Calltally on this node"
        )


if __name__ == "__main__":
    main()
