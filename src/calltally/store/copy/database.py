"""Source or target of a copy: the tables of a database, read and written in pages.

All statements are made from the catalogue of the database, so a migration needs no change here.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from calltally.store.backends.schema import COPYING, HEAD
from calltally.store.db.operation import Row, Rows

Position: TypeAlias = Any
# SQLite has words as text, PostgreSQL as a sorted tsvector: both sides read them sorted.
WORDS: Final = "words"
_PROGRESS: Final = "copy_progress"
_INDEXES: Final = "indexes"
_TABLE: Final = "table "


class Table(NamedTuple):
    """A table with its stored columns by name, without generated columns and row ids."""

    name: str
    columns: tuple[str, ...]


class TablePage(NamedTuple):
    """Some rows of a table, and the position in this database after them."""

    rows: Sequence[Row]
    position: Position


class TableProgress(NamedTuple):
    """Position of the source up to which the target has a table's rows, and whether that is all of them."""

    position: Position = None
    is_complete: bool = False


class IndexDefinition(NamedTuple):
    """Name of an index or a key with the statements that create and drop it."""

    name: str
    create: str
    drop: str


class CopyDatabase(ABC):
    """Database as the source or the target of a copy.

    A target without its indexes loads several times faster. Their definitions are stored in the target until
    they exist again. Until then, the schema version keeps every other command away from it.
    """

    # Type of a column of bytes.
    bytes_type: str

    @abstractmethod
    def execute(self, statement: str, *values: object) -> Rows:
        """Run one statement with values for its `?`."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[object]:
        """Return a context manager that commits, or rolls back after an error."""

    @abstractmethod
    def tables(self) -> list[Table]:
        """Return the tables with a tenant, in the order of their names."""

    @abstractmethod
    def keep_writers_out(self) -> None:
        """Lock the tables against writes until `close`. Raises Misconfigured and Unavailable."""

    @abstractmethod
    def pages(self, table: Table, after: Position) -> Iterator[TablePage]:
        """Yield the rows of a table as they are stored, after a position or from the start."""

    @abstractmethod
    def insert(self, table: Table, rows: Sequence[Row]) -> None: ...

    @abstractmethod
    def index_definitions(self) -> list[IndexDefinition]:
        """Return the indexes that a load is faster without."""

    @abstractmethod
    def index_names(self) -> set[str]:
        """Return the names of all indexes that exist."""

    @abstractmethod
    def close(self) -> None: ...

    def version(self) -> str:
        """Return the version of the schema."""
        rows = self.execute("SELECT version_num FROM alembic_version")
        return str(rows[0][0]) if rows else ""

    def is_empty(self, table: Table) -> bool:
        return not self.execute(f"SELECT 1 FROM {table.name} LIMIT 1")  # noqa: S608 (a name of the catalogue)

    def begin(self) -> None:
        """Mark the database as a copy that is not finished, and drop its indexes."""
        with self.transaction():
            definitions = self.index_definitions()
            self.execute(
                f"CREATE TABLE {_PROGRESS} (item TEXT PRIMARY KEY, value {self.bytes_type} NOT NULL)"
            )
            self._note(_INDEXES, definitions)
            for each in definitions:
                self.execute(each.drop)
            self.execute("UPDATE alembic_version SET version_num = ?", COPYING)

    def progress(self) -> dict[str, TableProgress]:
        """Return the progress of each table that was begun."""
        rows = self.execute(f"SELECT item, value FROM {_PROGRESS}")  # noqa: S608 (a constant)
        return {
            item.removeprefix(_TABLE): msgspec.msgpack.decode(value, type=TableProgress)
            for item, value in rows
            if item.startswith(_TABLE)
        }

    def load(self, table: Table, page: TablePage) -> None:
        """Add a page, and note its position in the same transaction."""
        with self.transaction():
            self.insert(table, page.rows)
            self._note(_TABLE + table.name, TableProgress(page.position))

    def complete(self, table: Table, position: Position) -> None:
        self._note(_TABLE + table.name, TableProgress(position, is_complete=True))

    def clear(self, table: Table) -> None:
        """Remove all rows of a table, to copy it again."""
        with self.transaction():
            self.execute(f"DELETE FROM {table.name}")  # noqa: S608 (a name of the catalogue)
            self._note(_TABLE + table.name, TableProgress())

    def build_indexes(self) -> None:
        """Create the indexes that `begin` dropped, each in its own transaction."""
        query = f"SELECT value FROM {_PROGRESS} WHERE item = ?"  # noqa: S608 (a constant)
        [(stored,)] = self.execute(query, _INDEXES)
        existing = self.index_names()
        for each in msgspec.msgpack.decode(stored, type=list[IndexDefinition]):
            if each.name not in existing:
                self.execute(each.create)

    def finish(self) -> None:
        """Make the copy a database of this version."""
        with self.transaction():
            self.execute(f"DROP TABLE {_PROGRESS}")
            self.execute("UPDATE alembic_version SET version_num = ?", HEAD)

    def _note(self, item: str, value: object) -> None:
        self.execute(
            f"INSERT INTO {_PROGRESS} (item, value) VALUES (?, ?)"  # noqa: S608 (a constant)
            " ON CONFLICT (item) DO UPDATE SET value = excluded.value",
            item,
            msgspec.msgpack.encode(value),
        )


def sorted_words(words: str) -> str:
    """Return distinct words in the order of a tsvector: by their bytes."""
    return " ".join(sorted(set(words.split())))
