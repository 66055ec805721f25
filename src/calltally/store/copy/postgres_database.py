"""A PostgreSQL database as a side of a copy, through COPY in its binary form."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any, Final

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Format

from calltally.calls.errors import Misconfigured
from calltally.store.backends.postgres.session_settings import CONNECT_S, LOCK_TIMEOUT_S, NETWORK_SETTINGS
from calltally.store.backends.postgres.store import database_address, error_translation
from calltally.store.copy.database import CopyDatabase, IndexDefinition, Position, Table, TablePage
from calltally.store.db.operation import Row, Rows

# Blocks of a table in a page: 2 MiB, and its large values beside them.
_PAGE_BLOCKS: Final = 256
# An arbitrary number that no other program on the database is likely to use.
_ADVISORY_LOCK: Final = 0x63707920
_SETTINGS: Final = """
SELECT set_config(name, value, false) FROM (VALUES
    ('statement_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), ('lock_timeout', ?),
    ('default_transaction_isolation', 'repeatable read'), ('synchronous_commit', 'off'),
    ('maintenance_work_mem', '256MB')
) AS wanted (name, value)
"""
_COLUMNS: Final = """
SELECT c.relname::text, a.attname::text, a.atttypid::bigint
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
    AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    AND EXISTS (SELECT FROM pg_attribute AS t WHERE t.attrelid = c.oid AND t.attname = 'tenant')
ORDER BY c.relname COLLATE "C", a.attname COLLATE "C"
"""
_INDEXES: Final = """
SELECT i.relname::text,
    CASE WHEN k.oid IS NULL THEN pg_get_indexdef(i.oid)
    ELSE format('ALTER TABLE %I ADD CONSTRAINT %I %s', t.relname, k.conname, pg_get_constraintdef(k.oid)) END,
    CASE WHEN k.oid IS NULL THEN format('DROP INDEX %I', i.relname)
    ELSE format('ALTER TABLE %I DROP CONSTRAINT %I', t.relname, k.conname) END
FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid JOIN pg_class AS t ON t.oid = x.indrelid
LEFT JOIN pg_constraint AS k ON k.conindid = i.oid
WHERE t.relnamespace = current_schema()::regnamespace AND t.relname = ANY(?)
ORDER BY t.relname, k.oid IS NULL, i.relname
"""
_BLOCKS: Final = "SELECT pg_relation_size(?::text::regclass) / current_setting('block_size')::bigint"
_OTHERS: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = ? AND pid <> pg_backend_pid()
"""
_IS_CITUS: Final = "SELECT to_regclass('pg_dist_partition') IS NOT NULL"


class PostgresCopy(CopyDatabase):
    """PostgreSQL database; no other copy runs on it while it is open."""

    bytes_type = "BYTEA"

    def __init__(self, url: str) -> None:
        self._address = database_address(url)
        self._error_translation = error_translation(url)
        network = {"connect_timeout": CONNECT_S, **NETWORK_SETTINGS, **conninfo_to_dict(url)}
        with self._error_translation:
            self._connection: psycopg.Connection[Any] = psycopg.connect(
                make_conninfo(**network), autocommit=True
            )
        self._types: dict[str, list[int]] = {}
        self._connection.adapters.register_loader("tsvector", _WordsLoader)
        self._connection.adapters.register_dumper(None, _WordsDumper)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        self.execute(_SETTINGS, f"{LOCK_TIMEOUT_S}s")
        if not self.execute("SELECT pg_try_advisory_lock(?)", _ADVISORY_LOCK)[0][0]:
            raise Misconfigured(f"another `calltally db copy` uses {self._address}; let it finish")
        if self.execute(_IS_CITUS)[0][0]:
            message = f"{self._address} has Citus, and a copy reads the tables of one machine; use pg_dump"
            raise Misconfigured(message)

    def execute(self, statement: str, *values: object) -> Rows:
        if values:
            statement = statement.replace("%", "%%").replace("?", "%s")
        with self._error_translation:
            cursor = self._connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._error_translation, self._connection.transaction():
            yield

    def tables(self) -> list[Table]:
        found = []
        for name, rows in groupby(self.execute(_COLUMNS), key=lambda row: str(row[0])):
            columns = list(rows)
            found.append(Table(name, tuple(column for _, column, _ in columns)))
            self._types[name] = [oid for _, _, oid in columns]
        return found

    def keep_writers_out(self) -> None:
        """Lock the tables against writes, before the first read fixes the state that is read."""
        [(others,)] = self.execute(_OTHERS, NETWORK_SETTINGS["application_name"])
        if others:
            message = (
                f"{others} connections of Calltally use {self._address}. Stop its servers, workers and"
                " commands, then run the copy again"
            )
            raise Misconfigured(message)
        self.execute("BEGIN")
        self.execute(f"LOCK TABLE {', '.join(self._types)} IN SHARE MODE")

    def pages(self, table: Table, after: Position) -> Iterator[TablePage]:
        """Yield pages in the order of the blocks."""
        [(blocks,)] = self.execute(_BLOCKS, table.name)
        for block in range(after or 0, blocks, _PAGE_BLOCKS):
            end = block + _PAGE_BLOCKS
            query = f"SELECT {', '.join(table.columns)} FROM {table.name}"  # noqa: S608 (of the catalogue)
            limits = f"WHERE ctid >= '({block},0)' AND ctid < '({end},0)'"
            copy = f"COPY ({query} {limits}) TO STDOUT (FORMAT BINARY)".encode()
            with self._error_translation, self._connection.cursor().copy(copy) as stream:
                stream.set_types(self._types[table.name])
                rows = list(stream.rows())
            yield TablePage(rows, end)

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        copy = f"COPY {table.name} ({', '.join(table.columns)}) FROM STDIN (FORMAT BINARY)".encode()
        with self._error_translation, self._connection.cursor().copy(copy) as stream:
            stream.set_types(self._types[table.name])
            for row in rows:
                stream.write_row(row)

    def index_definitions(self) -> list[IndexDefinition]:
        rows = self.execute(_INDEXES, list(self._types))
        return [IndexDefinition(*row) for row in rows]

    def index_names(self) -> set[str]:
        return {each.name for each in self.index_definitions()}

    def finish(self) -> None:
        """Finish the copy, durably, and let the planner know its sizes."""
        self.execute("SET synchronous_commit = on")
        super().finish()
        self.execute("ANALYZE")

    def close(self) -> None:
        self._connection.close()


class _WordsLoader(Loader):
    """Loader of a tsvector in its binary form: a count, then each word with its positions."""

    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        stored = bytes(data)
        words, offset = [], 4
        for _ in range(int.from_bytes(stored[:4])):
            end = stored.index(0, offset)
            words.append(stored[offset:end].decode())
            offset = end + 3 + 2 * int.from_bytes(stored[end + 1 : end + 3])
        return " ".join(words)


class _WordsDumper(Dumper):
    """Dumper of distinct words, sorted by their bytes, as a tsvector without positions."""

    format = Format.BINARY
    oid = psycopg.adapters.types["tsvector"].oid

    def dump(self, obj: str) -> bytes:
        words = obj.encode().split()
        return len(words).to_bytes(4) + b"".join(word + b"\0\0\0" for word in words)
