"""Shape of statements that keeps tenants apart, so that a tenant's rows may be on a machine of their own.

A checker over syntax trees. It knows nothing of what the statements mean.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final

import sqlglot
from sqlglot import exp

TENANT: Final = "tenant"
# Functions that may compute a written value: the result must be equal on several machines.
IMMUTABLE: Final = frozenset(
    {
        *("unnest", "cast", "coalesce", "count", "max", "min", "sum", "and", "or", "exists", "case", "if"),
        *("array_to_tsvector", "string_to_array", "encode", "decode"),
    }
)
# Functions with a different result each time, which reads may not use either.
VOLATILE: Final = frozenset(
    {
        *("now", "clock_timestamp", "statement_timestamp", "transaction_timestamp", "timeofday", "unixepoch"),
        *("current_timestamp", "current_datetime", "current_date", "current_time", "localtime"),
        *("random", "rand", "randomblob", "uuid", "gen_random_uuid", "uuid_generate_v4", "uuidv4", "uuidv7"),
        *("nextval", "currval", "lastval", "setval", "last_insert_rowid", "txid_current"),
        *("localtimestamp", "pg_current_xact_id"),
    }
)
_PARAMETER: Final = re.compile(r"%\((\w+)\)b")
# Columns of one row by which SQLite finds another row.
_ROW_NAMES: Final = {"rowid", "document"}
_GIVEN: Final = "the parameter"
_OUTSIDE: Final = "a scope around it"


def parsed(sql: str, dialect: str) -> exp.Expr:
    """Return the syntax tree of a statement."""
    words = _PARAMETER.sub(r"%(\1)s", sql).replace("%%", "%") if dialect == "postgres" else sql
    trees = sqlglot.parse(words.rstrip().removesuffix(";"), dialect=dialect)
    if len(trees) != 1 or trees[0] is None:
        raise ValueError(f"not one statement: {sql}")
    return trees[0]


def faults(statement: exp.Expr, tables: frozenset[str], dialect: str) -> list[str]:
    """Return the faults of a statement on `tables`, which all have a tenant."""
    return [
        *_unbound_tables(statement, tables, dialect),
        *_wrong_inserts(statement),
        *_wrong_conflicts(statement),
        *_moved_tenants(statement),
        *_wrong_functions(statement),
    ]


class Scope:
    """Tables and conditions of one SELECT, UPDATE or DELETE, without those of inner scopes."""

    def __init__(self, node: exp.Expr, tables: frozenset[str], dialect: str) -> None:
        inner = {cte.alias for cte in node.root().find_all(exp.CTE)}
        self._is_sqlite = dialect == "sqlite"
        self._sources = {source.alias_or_name: source for source in _sources(node)}
        self.tables = {
            alias: source.name
            for alias, source in self._sources.items()
            if isinstance(source, exp.Table) and source.name in tables - inner
        }
        self._same: dict[str, set[str]] = {alias: {alias} for alias in self._sources}
        for condition in _conditions(node):
            self._take(condition)

    def is_bound(self, alias: str) -> bool:
        """Return whether a table's tenant equals that of a source that is not a table."""
        return not self._same[alias] <= self.tables.keys()

    def is_pinned(self, alias: str) -> bool:
        """Return whether a table's tenant is a plain value, from which Citus knows the node."""
        return _GIVEN in self._same[alias]

    def _take(self, condition: exp.Expr) -> None:
        if not isinstance(condition, exp.EQ):
            return
        sides = [self._side(condition.this), self._side(condition.expression)]
        if None in sides and self._is_sqlite:
            sides = self._rows(condition)
        left, right = sides
        if left is not None and right is not None:
            self._join(left, right)

    def _side(self, side: exp.Expr) -> str | None:
        """Return the source of a tenant column; None for another expression."""
        if isinstance(side, exp.Column):
            return self._owner(side) if side.name == TENANT else None
        named = [index.name for index in side.find_all(exp.Placeholder)]
        return _GIVEN if named == [TENANT] and side.find(exp.Column, exp.Select) is None else None

    def _rows(self, condition: exp.EQ) -> list[str | None]:
        """Return pairs of sources of which one identifies a row of the other: a row has one tenant."""
        columns = [condition.this, condition.expression]
        if not all(isinstance(each, exp.Column) for each in columns):
            return [None, None]
        names_row = any(each.name in _ROW_NAMES for each in columns)
        return [self._owner(each) for each in columns] if names_row else [None, None]

    def _owner(self, column: exp.Column) -> str | None:
        if column.table:
            return column.table if column.table in self._sources else _OUTSIDE
        return next(iter(self._sources)) if len(self._sources) == 1 else None

    def _join(self, left: str, right: str) -> None:
        together = self._same.get(left, {left}) | self._same.get(right, {right})
        for each in together:
            if each in self._same:
                self._same[each] = together


def scopes(statement: exp.Expr, tables: frozenset[str], dialect: str) -> Iterator[Scope]:
    """Return every scope of a statement with a table of the schema."""
    for node in statement.find_all(exp.Select, exp.Update, exp.Delete):
        scope = Scope(node, tables, dialect)
        if scope.tables and not (dialect == "sqlite" and _selects_single_row(node)):
            yield scope


def _selects_single_row(node: exp.Expr) -> bool:
    """Decide whether a query reads only the last rowid of a range, and no tenant's data."""
    requested = node.expressions if isinstance(node, exp.Select) else []
    columns = {column.name for column in node.find_all(exp.Column)}
    return len(requested) == 1 and isinstance(requested[0], exp.Max) and columns == {"rowid"}


def _sources(node: exp.Expr) -> Iterator[Any]:
    if not isinstance(node, exp.Select):
        yield node.this
    origin = node.args.get("from_")
    if origin is not None:
        yield origin.this
    yield from node.args.get("using") or []
    for join in node.args.get("joins") or []:
        yield join.this


def _conditions(node: exp.Expr) -> Iterator[exp.Expr]:
    where = node.args.get("where")
    wanted = [where.this] if where is not None else []
    wanted += [join.args["on"] for join in node.args.get("joins") or [] if join.args.get("on") is not None]
    for each in wanted:
        yield from each.flatten() if isinstance(each, exp.And) else [each]


def _unbound_tables(statement: exp.Expr, tables: frozenset[str], dialect: str) -> Iterator[str]:
    for scope in scopes(statement, tables, dialect):
        for alias, table in scope.tables.items():
            if not scope.is_bound(alias):
                yield f"{table} is not held to the tenant"


def _wrong_inserts(statement: exp.Expr) -> Iterator[str]:
    for insert in statement.find_all(exp.Insert):
        columns = [column.name for column in insert.this.expressions]
        if TENANT not in columns:
            yield f"an insert into {insert.this.this.name} does not name the tenant"
            continue
        index = columns.index(TENANT)
        if not all(_gives_tenant(row, index) for row in _rows_of(insert)):
            yield f"an insert into {insert.this.this.name} gives something else for the tenant"


def _rows_of(insert: exp.Insert) -> list[Any]:
    given = insert.expression
    return given.expressions if isinstance(given, exp.Values) else [given]


def _gives_tenant(row: exp.Expr, index: int) -> bool:
    values = row.expressions
    if len(values) == 1 and isinstance(values[0], exp.Star):
        # Directly from arrays, in their order.
        source = row.args["from_"].this
        values = source.expressions if isinstance(source, exp.Unnest) else []
    if index >= len(values):
        return False
    value = values[index].unalias()
    if isinstance(value, exp.Column):
        return value.name == TENANT
    return [each.name for each in value.find_all(exp.Placeholder)] == [TENANT]


def _wrong_conflicts(statement: exp.Expr) -> Iterator[str]:
    for conflict in statement.find_all(exp.OnConflict):
        keys = [key.name for key in conflict.args.get("conflict_keys") or []]
        if keys[:1] != [TENANT]:
            yield f"a conflict on {', '.join(keys) or 'anything'} does not begin with the tenant"


def _moved_tenants(statement: exp.Expr) -> Iterator[str]:
    for changing in statement.find_all(exp.Update, exp.OnConflict):
        for change in changing.expressions:
            if isinstance(change, exp.EQ) and change.this.name == TENANT:
                yield "a row is given to another tenant"


def _wrong_functions(statement: exp.Expr) -> Iterator[str]:
    writes = statement.find(exp.Insert, exp.Update, exp.Delete) is not None
    for function in statement.find_all(exp.Func):
        name = (function.name if isinstance(function, exp.Anonymous) else function.sql_name()).lower()
        if name in VOLATILE or (writes and name not in IMMUTABLE):
            yield f"{name}() may come out otherwise each time"


class Routing(StrEnum):
    """Nodes on which Citus runs a statement over one tenant, by its documentation and its planner's code."""

    ONE_NODE = "one node"
    COORDINATOR = "the coordinator, then one node"
    EVERY_NODE = "every node"
    REFUSED = "nowhere"


def routing(statement: exp.Expr, tables: frozenset[str]) -> Routing:
    """Return the nodes of a PostgreSQL statement: one if each of its tables has a plain tenant."""
    found = list(scopes(statement, tables, "postgres"))
    if all(scope.is_pinned(alias) for scope in found for alias in scope.tables):
        inserts = isinstance(statement, exp.Insert) and isinstance(statement.expression, exp.Select)
        return Routing.COORDINATOR if inserts and not found else Routing.ONE_NODE
    return Routing.REFUSED if _needs_one_node(statement, tables) else Routing.EVERY_NODE


def _needs_one_node(statement: exp.Expr, tables: frozenset[str]) -> bool:
    """Return whether only one node can run a statement: row locks, recursion, an inner limit."""
    if statement.find(exp.Lock) is not None:
        return True
    if any(each.args.get("recursive") for each in statement.find_all(exp.With)):
        return True
    inner = (
        scope for lateral in statement.find_all(exp.Lateral) for scope in scopes(lateral, tables, "postgres")
    )
    return any(True for _ in inner)
