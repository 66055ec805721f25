"""Bring a database to the schema of this code.

`python -m calltally.store.migrate` reads the URL from its input, so that no process list shows it.

On SQLite it must be a process of its own: Alembic brings another SQLite library than apsw, and two
libraries on one file in one process do not see each other's locks (a committed row was lost so).
"""

import re
import sys
from pathlib import Path
from typing import Any, Final

import sqlalchemy
import sqlalchemy.exc
from alembic import op
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

_FOLDER: Final = Path(__file__).parent / "migrations"
# Any number that no other program on the database is likely to lock by.
_LOCK: Final = 0x63616C6C


def upgrade(url: str) -> None:
    """Run what is missing, as one transaction under a lock: a second one waits, then has nothing to do."""
    engine = sqlalchemy.create_engine(_sqlalchemy_url(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        _begin(connection)
        try:
            _run(connection)
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")
    engine.dispose()


def run_sql(migration: Path) -> None:
    """Run the SQL file beside a migration that is for the database at hand, statement by statement."""
    dialect = "sqlite" if op.get_bind().dialect.name == "sqlite" else "postgres"
    script = migration.with_suffix(f".{dialect}.sql").read_text(encoding="utf-8")
    for statement in re.sub(r"--[^\n]*", "", script).split(";"):
        if statement.strip():
            op.execute(statement)


def _run(connection: sqlalchemy.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    scripts = ScriptDirectory.from_config(config)

    def ahead(revision: str, _context: object) -> list[Any]:
        return scripts._upgrade_revs("head", revision)  # noqa: SLF001 - how Alembic's own command does it

    with EnvironmentContext(config, scripts, fn=ahead, destination_rev="head") as environment:
        environment.configure(connection=connection)
        environment.run_migrations()


def _begin(connection: sqlalchemy.Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def _sqlalchemy_url(url: str) -> str:
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)


def main() -> None:
    """Migrate the URL on the standard input; ends with the database's own words where it cannot."""
    try:
        upgrade(sys.stdin.read().strip())
    except sqlalchemy.exc.DBAPIError as fault:
        sys.exit(" ".join(str(fault.orig).split()))


if __name__ == "__main__":
    main()
