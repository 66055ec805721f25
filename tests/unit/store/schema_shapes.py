"""Rules for statements of migrations, so that Citus can distribute the tables."""

import re
from collections.abc import Iterator
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from tests.unit.store.shapes import TENANT, VOLATILE

_PLAIN: Final = (exp.Create, exp.Alter, exp.Update, exp.Insert, exp.Delete, exp.Drop)
_MADE: Final = {"TABLE", "INDEX"}


def schema_faults(sql: str) -> list[str]:
    """Return the faults of one statement of a PostgreSQL migration."""
    if re.search(r"\bCONCURRENTLY\b", sql):
        return ["it has to run outside of a transaction, where a failure leaves half of it"]
    if re.fullmatch(r"\s*LOCK TABLE [\w, ]+ IN ACCESS EXCLUSIVE MODE\s*", sql):
        # All locks at once, released again if one is not available.
        return []
    trees = _trees(sql)
    if len(trees) != 1:
        return ["not one statement"]
    (tree,) = trees
    if not isinstance(tree, _PLAIN) or (isinstance(tree, exp.Create | exp.Drop) and tree.kind not in _MADE):
        return ["it makes no table and no index"]
    return [*_foreign_keys(tree), *_columns(tree), *_keys(tree), *_changes(tree)]


def _trees(sql: str) -> list[exp.Expr]:
    """Return an empty list for SQL that cannot be parsed: the code contains none."""
    try:
        return [
            tree
            for tree in sqlglot.parse(re.sub(r"\) WITH \(.*\)$", ")", sql.strip()), dialect="postgres")
            if tree
        ]
    except ParseError:
        return []


def _foreign_keys(tree: exp.Expr) -> Iterator[str]:
    if tree.find(exp.ForeignKey, exp.Reference) is not None:
        yield "a foreign key: to be checked, it may need a row of another node"


def _columns(tree: exp.Expr) -> Iterator[str]:
    for column in tree.find_all(exp.ColumnDef):
        kind = column.kind.sql().upper() if column.kind else ""
        if "SERIAL" in kind or column.find(exp.GeneratedAsIdentityColumnConstraint) is not None:
            yield f"{column.name} is of a sequence: each node would have its own"
        for default in column.find_all(exp.DefaultColumnConstraint):
            for function in default.find_all(exp.Func):
                name = (function.name if isinstance(function, exp.Anonymous) else function.sql_name()).lower()
                if name in VOLATILE:
                    yield f"{name}() may come out otherwise each time"


def _keys(tree: exp.Expr) -> Iterator[str]:
    for columns in _unique_keys(tree):
        if columns[0] != TENANT:
            yield f"a key begins with {columns[0]}, not with the tenant"


def _unique_keys(tree: exp.Expr) -> Iterator[list[str]]:
    if isinstance(tree, exp.Create) and tree.args.get("unique"):
        yield [column.name for column in tree.this.args["params"].args["columns"]]
    for key in tree.find_all(exp.PrimaryKey):
        yield [column.name for column in key.expressions]
    for unique in tree.find_all(exp.UniqueColumnConstraint):
        column = unique.find_ancestor(exp.ColumnDef)
        yield [column.name] if column else [each.name for each in unique.this.expressions]
    for primary in tree.find_all(exp.PrimaryKeyColumnConstraint):
        column = primary.find_ancestor(exp.ColumnDef)
        yield [column.name if column else ""]


def _changes(tree: exp.Expr) -> Iterator[str]:
    if isinstance(tree, exp.Alter) and len(tree.args["actions"]) > 1:
        yield "two changes in one statement"
