"""An SQLite file as a side of a copy."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path
from typing import Final

from calltally.store.backends.sqlite.connection import ERROR_TRANSLATION, connect, sole_service
from calltally.store.copy.database import (
    WORDS,
    CopyDatabase,
    IndexDefinition,
    Position,
    Table,
    TablePage,
    sorted_words,
)
from calltally.store.db.operation import Row, Rows
from calltally.store.ledger.sqlite_rowids import segment_of

_PAGE_ROWS: Final = 2_000
_CACHE_KIB: Final = 256 * 1024
_CHECKPOINT_PAGES: Final = 24_000
# Stored columns with the primary key; hidden ones are generated. A row id under a name is no data.
_COLUMNS: Final = """
SELECT l.name, x.name, x.pk, l.wr FROM pragma_table_list AS l JOIN pragma_table_xinfo(l.name) AS x
WHERE l.schema = 'main' AND l.type = 'table' AND x.hidden = 0
    AND NOT (x.type = 'INTEGER' AND x.pk = 1 AND NOT l.wr)
    AND EXISTS (SELECT 1 FROM pragma_table_info(l.name) AS t WHERE t.name = 'tenant')
ORDER BY l.name, x.name
"""
_INDEXES: Final = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
# As `put_calls` does it: rows of one tenant and hour are adjacent.
_ROW_ID: Final = (
    "coalesce((SELECT max(s.rowid) FROM calls AS s"
    " WHERE s.rowid >= ?1 AND s.rowid < ?1 + 2147483648), ?1) + 1"
)


class SqliteCopy(CopyDatabase):
    """SQLite file; no service runs on it while it is open."""

    bytes_type = "BLOB"

    def __init__(self, path: Path) -> None:
        with ExitStack() as opened:
            opened.enter_context(sole_service(path))
            self._connection = connect(path)
            self._lock = opened.pop_all()
        self._connection.pragma("cache_size", -_CACHE_KIB)
        # A power cut may take the last pages of the copy away, and their positions with them.
        self._connection.pragma("synchronous", "NORMAL")
        self._connection.pragma("wal_autocheckpoint", _CHECKPOINT_PAGES)
        # Columns of the key of each table without row ids.
        self._keys: dict[str, tuple[str, ...]] = {}

    def execute(self, statement: str, *values: object) -> Rows:
        with ERROR_TRANSLATION:
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with ERROR_TRANSLATION, self._connection:
            yield

    def tables(self) -> list[Table]:
        found = []
        for name, rows in groupby(self.execute(_COLUMNS), key=lambda row: str(row[0])):
            columns = list(rows)
            found.append(Table(name, tuple(column for _, column, _, _ in columns)))
            if columns[0][3]:
                key = sorted((number, column) for _, column, number, _ in columns if number)
                self._keys[name] = tuple(column for _, column in key)
        return found

    def keep_writers_out(self) -> None:
        """Take the write lock, which also fixes the state that is read."""
        self.execute("BEGIN IMMEDIATE")

    def pages(self, table: Table, after: Position) -> Iterator[TablePage]:
        """Yield pages in the order of the row ids, or of the primary key for a table without them."""
        keys = self._keys.get(table.name, ("rowid",))
        listed = ", ".join(keys)
        words = table.columns.index(WORDS) + len(keys) if WORDS in table.columns else None
        position = after
        while True:
            where = f" WHERE ({listed}) > ({', '.join('?' * len(keys))})" if position else ""
            query = f"SELECT {listed}, {', '.join(table.columns)} FROM {table.name}{where}"  # noqa: S608 (of the catalogue)
            found = self.execute(f"{query} ORDER BY {listed} LIMIT {_PAGE_ROWS}", *(position or ()))
            if not found:
                return
            position = found[-1][: len(keys)]
            if words is not None:
                found = [(*row[:words], sorted_words(row[words]), *row[words + 1 :]) for row in found]
            yield TablePage([row[len(keys) :] for row in found], position)

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        columns, numbers = ", ".join(table.columns), range(1, len(table.columns) + 1)
        values = ", ".join(f"?{number}" for number in numbers)
        if table.name == "calls":
            tenant, created = table.columns.index("tenant"), table.columns.index("created_us")
            rows = [(segment_of(row[tenant], row[created]), *row) for row in rows]
            columns = f"rowid, {columns}"
            values = f"{_ROW_ID}, {', '.join(f'?{number + 1}' for number in numbers)}"
        statement = f"INSERT INTO {table.name} ({columns}) VALUES ({values})"  # noqa: S608 (of the catalogue)
        with ERROR_TRANSLATION:
            self._connection.executemany(statement, rows)

    def index_definitions(self) -> list[IndexDefinition]:
        return [IndexDefinition(name, sql, f"DROP INDEX {name}") for name, sql in self.execute(_INDEXES)]

    def index_names(self) -> set[str]:
        return {name for name, _ in self.execute(_INDEXES)}

    def close(self) -> None:
        """Close the file, which also writes the WAL into it."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._connection.close()
        self._lock.close()
