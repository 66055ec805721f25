"""Catalogue of the named statements in `sql/`, in the dialect of one database."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import aiosql
from aiosql.types import SQLOperationType

from calltally.store.db.operation import AnyStatement, StatementMany

_FOLDER: Final = Path(__file__).parents[1] / "sql"
_DRIVERS: Final = {"sqlite": "apsw", "postgres": "psycopg"}
_SILENT: Final = {SQLOperationType.INSERT_UPDATE_DELETE, SQLOperationType.INSERT_UPDATE_DELETE_MANY}
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_PARAMETER: Final = re.compile(r"(?<!:):([a-z_]\w*)")
# The condition that limits a table to the tenants of the parameter rows (k), or of rows joined earlier (p).
_TENANT_CONDITION: Final = re.compile(r"\b(\w+)\.tenant = [kp]\.tenant\b")
# The array parameters that carry the rows of a `StatementMany`.
_ARRAYS: Final = re.compile(r"\bunnest\(((?:\s*%\(\w+\)b::\w+\[\],?)+\s*)\)(?=\s+AS \w+ \()")


class NamedSql(NamedTuple):
    """One statement in the dialect of its database.

    `names` are its parameters in the order in which SQLite numbers them, so that rows can be bound by
    position: binding by name takes twice as long. `binds_one_row` is true for a `StatementMany` of a single
    row whose values are bound directly instead of as arrays.
    """

    sql: str
    returns_rows: bool
    names: tuple[str, ...]
    binds_one_row: bool = False


class Statements:
    """Statements of one dialect by name, with a cache of those whose clauses are filled in.

    `is_distributed` is true where tenants may be on different machines, None until the database was checked.
    """

    is_distributed: bool | None = None

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._named = load(dialect)
        self._filled: dict[tuple[str, tuple[tuple[str, str], ...]], NamedSql] = {}

    def find(self, name: str, clauses: tuple[tuple[str, str], ...] = ()) -> NamedSql:
        """Return the statement, its `{placeholders}` filled from `clauses`: our own SQL, never input."""
        if not clauses:
            return self._named[name]
        return self._filled.get((name, clauses)) or self._fill(name, clauses)

    def resolve(self, request: AnyStatement) -> NamedSql:
        """Return the SQL of a statement, in its form for a single row if it has only one.

        Where tenants are distributed and all rows are of one tenant, the SQL names that tenant.
        """
        named = self.find(request.name, request.clauses)
        if not isinstance(request, StatementMany):
            return named
        if self.is_distributed is False and len(request.rows) == 1:
            return for_one_row(named)
        if not self.is_distributed:
            return named
        first = request.rows[0].get("tenant")
        has_one_tenant = first is not None and all(row["tenant"] == first for row in request.rows)
        return pin_to_tenant(named) if has_one_tenant else named

    def _fill(self, name: str, clauses: tuple[tuple[str, str], ...]) -> NamedSql:
        named = self._named[name]
        texts = dict(clauses)
        if self._dialect == "postgres":
            texts = {placeholder: _PARAMETER.sub(r"%(\1)b", text) for placeholder, text in clauses}
        sql = _PLACEHOLDER.sub(lambda found: texts.get(found[1], found[0]), named.sql)
        # A placeholder that no clause fills stands for the statement of that name in this dialect.
        sql = _PLACEHOLDER.sub(lambda found: self._named[found[1]].sql.rstrip(";"), sql)
        filled = self._filled[name, clauses] = _named(sql, returns_rows=named.returns_rows)
        return filled


@cache
def pin_to_tenant(named: NamedSql) -> NamedSql:
    """Return the statement for rows of one tenant, given as a plain value: Citus routes by it to one node."""
    sql = _TENANT_CONDITION.sub(r"\g<0> AND \1.tenant = (%(tenant)b::text[])[1]", named.sql)
    return named._replace(sql=sql)


@cache
def for_one_row(named: NamedSql) -> NamedSql:
    """Return the statement over values instead of arrays, if it only reads and takes its rows by `unnest`.

    Values are planned like constants, which takes a third of the time. Making arrays of them takes as long as
    the rest of sending the statement.
    """
    sql, replaced = _ARRAYS.subn(lambda arrays: f"(VALUES ({arrays[1].replace('[]', '')}))", named.sql)
    is_complete = replaced == 1 and "[]" not in sql
    return named._replace(sql=sql, binds_one_row=True) if named.returns_rows and is_complete else named


@cache
def load(dialect: str) -> Mapping[str, NamedSql]:
    """Return every statement of `dialect` ("sqlite" or "postgres"): the shared ones and its own."""
    return {**_from_folder("shared", dialect), **_from_folder(dialect, dialect)}


def _from_folder(folder: str, dialect: str) -> dict[str, NamedSql]:
    queries = aiosql.from_path(_FOLDER / folder, _DRIVERS[dialect], mandatory_parameters=False)
    named = {}
    for name in queries.available_queries:
        if not name.endswith("_cursor"):
            query = getattr(queries, name)
            # Binary parameters need no escaping of blobs and have half the bytes.
            sql = re.sub(r"%\((\w+)\)s", r"%(\1)b", query.sql) if dialect == "postgres" else query.sql
            named[name] = _named(sql, returns_rows=query.operation not in _SILENT)
    return named


def _named(sql: str, *, returns_rows: bool) -> NamedSql:
    return NamedSql(sql, returns_rows, tuple(dict.fromkeys(_PARAMETER.findall(sql))))
