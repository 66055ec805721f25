"""PostgreSQL databases for tests: each clean, most of them used before, for to make one takes long."""

import itertools
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

TEMPLATE = "template_calltally"
# What a server of one run takes on the disk, several times over.
_ROOM_BYTES = 2 << 30
_MEMORY = Path("/dev/shm")  # noqa: S108 (the system's own folder; names in it are made by others)
_numbers = itertools.count()

# Whatever a test did to the schema changes this: then nobody else gets that database.
_SHAPE = """
SELECT md5(string_agg(part, ' ' ORDER BY part)) FROM (
    SELECT format('class %s %s', oid, xmin) AS part FROM pg_class WHERE oid >= 16384
    UNION ALL SELECT format('column %s %s %s', attrelid, attnum, xmin)
    FROM pg_attribute WHERE attrelid >= 16384
    UNION ALL SELECT format('constraint %s %s', oid, xmin) FROM pg_constraint WHERE oid >= 16384
    UNION ALL SELECT format('trigger %s %s', oid, xmin) FROM pg_trigger
    UNION ALL SELECT format('routine %s %s', oid, xmin) FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT format('schema %s %s', oid, xmin) FROM pg_namespace WHERE oid >= 16384
    UNION ALL SELECT format('setting %s %s %s', setdatabase, setrole, setconfig) FROM pg_db_role_setting
) AS parts
"""
_OTHERS_END = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"


def folder_in_memory() -> Path | None:
    """Return a folder in memory for temporary files, if there is room."""
    has_room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    return _MEMORY if has_room else None


def address(server: str, name: str) -> str:
    """The URL of one database of a server."""
    return urlsplit(server)._replace(path=f"/{name}").geturl()


class Databases:
    """Databases that are as the template is, of one server; whoever takes one gives it back."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._free: list[str] = []
        self._shapes: dict[str, str] = {}
        with psycopg.connect(address(server, TEMPLATE), autocommit=True) as template:
            tables = [name for (name,) in template.execute(_TABLES)]
            # Rows that migrations wrote; a test that changes them keeps the database to itself.
            self._seeded = [table for table in tables if _has_rows(template, [table])]
            self._emptied = [table for table in tables if table not in self._seeded]
            self._seeds = _rows(template, self._seeded)

    def take(self) -> str:
        """The URL of a migrated database without rows."""
        name = self._free.pop() if self._free else self._made()
        return address(self._server, name)

    def give_back(self, url: str) -> None:
        """Empty it for the next, or remove it where more was changed than rows."""
        name = urlsplit(url).path.removeprefix("/")
        with psycopg.connect(url, autocommit=True) as used:
            used.execute(_OTHERS_END)
            is_whole = _shape(used) == self._shapes.pop(name) and _rows(used, self._seeded) == self._seeds
            if is_whole:
                if filled := _has_rows(used, self._emptied):
                    used.execute(f"TRUNCATE {', '.join(filled)}".encode())
                self._shapes[name] = _shape(used)
        if is_whole:
            self._free.append(name)
        else:
            self._drop(name)

    def _made(self) -> str:
        name = f"test_{next(_numbers)}"
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE} STRATEGY FILE_COPY'.encode())
        with psycopg.connect(address(self._server, name)) as connection:
            self._shapes[name] = _shape(connection)
        return name

    def _drop(self, name: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def _shape(database: psycopg.Connection) -> str:
    return str(database.execute(_SHAPE).fetchall())


def _has_rows(database: psycopg.Connection, tables: list[str]) -> list[str]:
    """Those of the tables that have any."""
    statement = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables)
    return [table for (table,) in database.execute(statement.encode())]


def _rows(database: psycopg.Connection, tables: list[str]) -> list[str]:
    return [str(sorted(database.execute(f"SELECT * FROM {table}".encode()))) for table in tables]
