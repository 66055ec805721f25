"""The copy of a database: load, comparison, indexes. After an interruption it continues where it was."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.errors import DamagedStore, Misconfigured
from calltally.store.backends.open import migrate, sqlite_path
from calltally.store.backends.schema import COPYING, HEAD
from calltally.store.copy.database import CopyDatabase, Table, TablePage, TableProgress
from calltally.store.copy.sqlite_file import SqliteCopy

_DIGEST_BITS: Final = 64


class CopiedTable(msgspec.Struct, frozen=True):
    """A table that is equal in source and target, with the number of its rows."""

    table: str
    rows: int


class _Digest(NamedTuple):
    """Number of a table's rows, and the sum of their hashes: the same in any order, for this process."""

    rows: int = 0
    hashes: int = 0

    def plus(self, page: TablePage) -> "_Digest":
        total = self.hashes + sum(map(hash, page.rows))
        return _Digest(self.rows + len(page.rows), total % (1 << _DIGEST_BITS))


Report: TypeAlias = Callable[[str, int], None]


class DatabaseCopy:
    """Copy of all rows of a source into a target. `report` gets a step and its rows so far."""

    def __init__(self, source: CopyDatabase, target: CopyDatabase, report: Report) -> None:
        self._source = source
        self._target = target
        self._report = report

    def run(self) -> list[CopiedTable]:
        """Copy and compare. Raises Misconfigured, DamagedStore and Unavailable."""
        tables = self._checked_tables()
        self._source.keep_writers_out()
        progress = self._target.progress()
        copied = {each: self._copy(each, progress.get(each.name, TableProgress())) for each in tables}
        found = [self._compared(table, digest) for table, digest in copied.items()]
        self._report("creating indexes", sum(each.rows for each in found))
        self._target.build_indexes()
        self._target.finish()
        return found

    def _checked_tables(self) -> list[Table]:
        """Begin the copy unless it was begun. Raises Misconfigured if these two cannot be copied."""
        if (version := self._source.version()) != HEAD:
            raise Misconfigured(_wrong_version("source", version))
        version = self._target.version()
        if version not in (HEAD, COPYING):
            raise Misconfigured(_wrong_version("target", version))
        tables = self._source.tables()
        if self._target.tables() != tables:
            message = (
                "source and target have different tables or columns; remove those that are not Calltally's"
            )
            raise Misconfigured(message)
        if version == HEAD:
            if taken := [each.name for each in tables if not self._target.is_empty(each)]:
                message = f"the target has rows in {', '.join(taken)}. Name an empty database, or a new one"
                raise Misconfigured(message)
            self._target.begin()
        return tables

    def _copy(self, table: Table, progress: TableProgress) -> _Digest | None:
        """Load the rest of a table. Return its digest if this run loaded it from its beginning."""
        if progress.is_complete:
            return None
        digest, position = _Digest(), progress.position
        for page in self._source.pages(table, position):
            self._target.load(table, page)
            digest, position = digest.plus(page), page.position
            self._report(f"copied {table.name}", digest.rows)
        self._target.complete(table, position)
        return None if progress.position else digest

    def _compared(self, table: Table, copied: _Digest | None) -> CopiedTable:
        """Compare a table, and copy it again if the source was written between two runs."""
        wanted = copied or self._digest(self._source.pages(table, None))
        if self._digest(self._target.pages(table, None)) != wanted:
            self._target.clear(table)
            again = self._copy(table, TableProgress())
            if self._digest(self._target.pages(table, None)) != again:
                message = f"the target stores other rows in {table.name} than were written; check its disk"
                raise DamagedStore(message)
            wanted = again or wanted
        self._report(f"compared {table.name}", wanted.rows)
        return CopiedTable(table.name, wanted.rows)

    @staticmethod
    def _digest(pages: Iterable[TablePage]) -> _Digest:
        digest = _Digest()
        for page in pages:
            digest = digest.plus(page)
        return digest


@contextmanager
def opened_copy(source_url: str, target_url: str, report: Report) -> Iterator[DatabaseCopy]:
    """Open both databases; create a target that has no tables. Raises Misconfigured and Unavailable."""
    if _address(source_url) == _address(target_url):
        raise Misconfigured("source and target are the same database")
    with closing(_open(source_url)) as source:
        if (path := sqlite_path(target_url)) is not None and not path.exists():
            migrate(target_url)
        with closing(_open(target_url)) as target:
            try:
                target.version()
            except Misconfigured:
                migrate(target_url)
            yield DatabaseCopy(source, target, report)


def _address(url: str) -> str:
    path = sqlite_path(url)
    return str(path.resolve()) if path is not None else url


def _open(url: str) -> CopyDatabase:
    if (path := sqlite_path(url)) is not None:
        if not path.exists():
            raise Misconfigured(f"there is no database at {path}")
        return SqliteCopy(path)
    if re.match(r"postgres(ql)?://", url):
        from calltally.store.copy.postgres_database import PostgresCopy  # deferred: SQLite needs no driver

        return PostgresCopy(url)
    raise Misconfigured(f"{url} has to begin with sqlite:/// or postgresql://")


def _wrong_version(side: str, version: str) -> str:
    if version == COPYING:
        return f"the {side} is itself a copy that is not finished; finish that copy first"
    return (
        f"the schema of the {side} is at version {version or 'none'}, this code needs {HEAD}; run `calltally"
        f" migrate` with CALLTALLY_DATABASE_URL set to the {side}"
    )
