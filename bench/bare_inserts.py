"""Rows of the ledger alone, recorded beforehand and inserted in bare batches.

The rows of each table are those that the ledger made of the same facts (facts, calls, versions,
counters and their history, outbox, heads), by the same statements, at the same durability. What is
left out is all that decides what they are: reading, folding, encoding, compressing.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import apsw

from bench.timing import wall_us
from calltally.store.backends.sqlite.connection import connect
from calltally.store.db.interface import Submission
from calltally.store.db.operation import AnyStatement, Rows, StatementMany, run_operation
from calltally.store.db.operation import Batch as BatchOfStatements
from calltally.store.db.statements import Statements
from calltally.store.ledger.record import record

BATCH_FACTS: Final = 256
_CHECKPOINT_PAGES: Final = 1_000


class Insert(NamedTuple):
    """One statement with all rows of a batch."""

    sql: str
    rows: list[tuple[Any, ...]]


Batch: TypeAlias = list[Insert]


class Recorder:
    """Runs the ledger on a database of its own, to learn what it writes.

    In memory: what it left to be written to disk would hold up the commits that are measured next.
    """

    def __init__(self, empty: Path, heads_from: Path) -> None:
        self._statements = Statements("sqlite")
        self._connection = apsw.Connection(":memory:")
        self._batch: Batch = []
        _copy_into(self._connection, empty)
        # The same revisions as in the copy that the rows are meant for.
        self._connection.execute("ATTACH ? AS source", (str(heads_from),))
        self._connection.execute("INSERT INTO ledger_heads SELECT * FROM source.ledger_heads")
        self._connection.execute("DETACH source")

    def batches(self, submissions: Iterable[Submission]) -> list[Batch]:
        """Return the rows of `submissions`, batch by batch."""
        stream = iter(submissions)
        written: list[Batch] = []
        while facts := list(islice(stream, BATCH_FACTS)):
            written.append(self._record(facts))
        return written

    def _record(self, facts: Sequence[Submission]) -> Batch:
        self._batch = []
        with self._connection:
            run_operation(record(facts, wall_us()), self._execute)
        return self._batch

    def _execute(self, request: AnyStatement | BatchOfStatements) -> Rows:
        assert not isinstance(request, BatchOfStatements)
        named = self._statements.find(request.name, request.clauses)
        many = request.rows if isinstance(request, StatementMany) else [request.params]
        rows = [tuple(row[name] for name in named.names) for row in many]
        if not named.returns_rows:
            self._batch.append(Insert(named.sql, rows))
        return self._connection.executemany(named.sql, rows).fetchall()

    def close(self) -> None:
        """Let go of its database."""
        self._connection.close()


def _copy_into(connection: apsw.Connection, path: Path) -> None:
    source = connect(path)
    with connection.backup("main", source, "main") as backup:
        backup.step()
    source.close()


class BareWriter:
    """Writes batches as transactions, as a careful program without a ledger would."""

    def __init__(self, path: Path) -> None:
        self._connection: apsw.Connection = connect(path)
        self._connection.wal_autocheckpoint(_CHECKPOINT_PAGES)
        self._cursor = self._connection.cursor()

    def write(self, batches: Iterable[Batch]) -> None:
        """One durable transaction a batch."""
        execute = self._cursor.execute
        for batch in batches:
            execute("BEGIN IMMEDIATE")
            for sql, rows in batch:
                self._cursor.executemany(sql, rows)
            execute("COMMIT")

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()
