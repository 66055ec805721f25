"""The named statements of `sql/`, in the words of one database."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import aiosql
from aiosql.types import SQLOperationType

from calltally.store.db.operation import AnyStatement, Params, StatementMany

_FOLDER: Final = Path(__file__).parents[1] / "sql"
_DRIVERS: Final = {"sqlite": "apsw", "postgres": "psycopg"}
_SILENT: Final = {SQLOperationType.INSERT_UPDATE_DELETE, SQLOperationType.INSERT_UPDATE_DELETE_MANY}
_PLACE: Final = re.compile(r"\{(\w+)\}")
_PARAMETER: Final = re.compile(r"(?<!:):([a-z_]\w*)")
# Where a table is held to the tenants of the rows that are asked for (k), or of rows before them (p).
_HELD: Final = re.compile(r"\b(\w+)\.tenant = [kp]\.tenant\b")
# The arrays that the rows of a `Many` come in.
_ARRAYS: Final = re.compile(r"\bunnest\(((?:\s*%\(\w+\)b::\w+\[\],?)+\s*)\)(?=\s+AS \w+ \()")


class NamedSql(NamedTuple):
    """One statement as its database takes it.

    `returns_rows` is whether rows come back; `names` are its parameters in the order in which SQLite
    numbers them, so that rows can be bound by place: by name it takes twice as long. `takes_row` is whether
    it is a `Many` whose one row is bound as it is.
    """

    sql: str
    returns_rows: bool
    names: tuple[str, ...]
    binds_one_row: bool = False


class Statements:
    """Statements of one dialect by name, with their clauses filled in and kept.

    `is_distributed` is whether tenants may be on different machines; None until somebody looked.
    """

    is_distributed: bool | None = None

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._named = load(dialect)
        self._filled: dict[tuple[str, tuple[tuple[str, str], ...]], NamedSql] = {}

    def find(self, name: str, clauses: tuple[tuple[str, str], ...] = ()) -> NamedSql:
        """The statement, its `{place}`s filled by `clauses`: constant SQL of ours, never input."""
        if not clauses:
            return self._named[name]
        known = self._filled.get((name, clauses))
        return known or self._fill(name, clauses)

    def of(self, request: AnyStatement) -> NamedSql:
        """The statement of a request, for one row if that is all there is.

        Where tenants are spread, it says whose rows it is about, if of one.
        """
        named = self.find(request.name, request.clauses)
        if not isinstance(request, StatementMany):
            return named
        if self.is_distributed is False and len(request.rows) == 1:
            return for_one_row(named)
        return pin_to_tenant(named) if self.is_distributed and _have_one_tenant(request.rows) else named

    def _fill(self, name: str, clauses: tuple[tuple[str, str], ...]) -> NamedSql:
        named = self._named[name]
        texts = {place: _in_words_of(self._dialect, text) for place, text in clauses}
        sql = _PLACE.sub(lambda place: texts.get(place[1], place[0]), named.sql)
        filled = _named(self._with_fragments(sql), returns_rows=named.returns_rows)
        self._filled[name, clauses] = filled
        return filled

    def _with_fragments(self, sql: str) -> str:
        """A place that no clause fills is the name of another statement: each dialect has its own of it."""
        return _PLACE.sub(lambda place: self._named[place[1]].sql.rstrip(";"), sql)


@cache
def pin_to_tenant(named: NamedSql) -> NamedSql:
    """The statement for rows of one tenant, with that tenant as a plain value: so Citus knows whom to ask."""
    sql = _HELD.sub(r"\g<0> AND \1.tenant = (%(tenant)b::text[])[1]", named.sql)
    return named._replace(sql=sql)


@cache
def for_one_row(named: NamedSql) -> NamedSql:
    """The statement over values instead of arrays, if it only reads and takes its rows by `unnest`.

    Values are planned as constants are, which takes a third of the time; to make arrays of them takes as long
    as the rest of asking.
    """
    sql, taken = _ARRAYS.subn(lambda arrays: f"(VALUES ({arrays[1].replace('[]', '')}))", named.sql)
    is_whole = taken == 1 and "[]" not in sql
    return named._replace(sql=sql, binds_one_row=True) if named.returns_rows and is_whole else named


def _have_one_tenant(rows: Sequence[Params]) -> bool:
    first = rows[0].get("tenant")
    return first is not None and all(row["tenant"] == first for row in rows)


@cache
def load(dialect: str) -> Mapping[str, NamedSql]:
    """Every statement of `dialect` ("sqlite" or "postgres"): the shared ones and its own."""
    return {**_from_folder("shared", dialect), **_from_folder(dialect, dialect)}


def _from_folder(folder: str, dialect: str) -> dict[str, NamedSql]:
    queries = aiosql.from_path(_FOLDER / folder, _DRIVERS[dialect], mandatory_parameters=False)
    named = {
        name: getattr(queries, name) for name in queries.available_queries if not name.endswith("_cursor")
    }
    return {
        name: _named(_typed(query.sql, dialect), returns_rows=query.operation not in _SILENT)
        for name, query in named.items()
    }


def _named(sql: str, *, returns_rows: bool) -> NamedSql:
    return NamedSql(sql, returns_rows, tuple(dict.fromkeys(_PARAMETER.findall(sql))))


def _in_words_of(dialect: str, clause: str) -> str:
    return _PARAMETER.sub(r"%(\1)b", clause) if dialect == "postgres" else clause


def _typed(sql: str, dialect: str) -> str:
    # Binary parameters spare PostgreSQL the escaping of every blob, at half the bytes.
    return re.sub(r"%\((\w+)\)s", r"%(\1)b", sql) if dialect == "postgres" else sql
