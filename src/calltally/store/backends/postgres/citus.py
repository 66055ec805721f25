"""The PostgreSQL schema on many machines: tables that Citus spreads by tenant.

All rows of a tenant, of all tables, then are on one node: each key begins with the tenant, each
statement names it, and no transaction is of two (`Writer.per_tenant`).
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from calltally.store.db.operation import Row, Rows, Statement, StoreOperation

# What has no tenant stays where migrations run, and why that does no harm.
LOCAL_TABLES: Final = {
    "alembic_version": "one row of the migration tool, read by each process when it starts",
    "schema_support": "one row that says which code may run, read with the one before",
}
TENANT: Final = "tenant"
# The first one; the others are put where it is.
_ANCHOR: Final = "tenants"
_BY_HASH: Final = "h"


class Table(msgspec.Struct, frozen=True):
    """A table with about how many rows and bytes; `moves` unless it is where it belongs."""

    table: str
    rows: int
    bytes: int
    moves: bool


class Survey(msgspec.Struct, frozen=True):
    """Everything that stands in the way, in words; and the tables, in the order in which to move them."""

    missing: list[str]
    tables: list[Table]


class _Spread(msgspec.Struct, frozen=True):
    """How Citus keeps a table: by which column, and in which group of tables."""

    method: str
    column: str | None
    group: int


def is_distributed() -> StoreOperation[bool]:
    """Whether the facts of different tenants may be on different machines."""
    spread = yield from _spread_tables()
    return "facts" in spread and spread["facts"].method == _BY_HASH


def survey() -> StoreOperation[Survey]:
    """Look at everything before anything is changed."""
    spread = yield from _spread_tables()
    missing = yield from _missing_of_citus()
    keys = yield Statement("meta_unique_keys", {})
    missing += [*_wrong_keys(keys), *_wrong_spreads(spread)]
    rows = yield Statement("meta_tables", {})
    return Survey(missing, _in_order(rows, spread))


def distribute(table: str) -> StoreOperation[None]:
    """Spread one table, as a transaction of its own; takes as long as its rows take to be copied."""
    yield Statement("meta_without_time_limit", {})
    if table == _ANCHOR:
        yield Statement("meta_distribute_first", {})
    else:
        yield Statement("meta_distribute", {"table": table})


def _has_citus() -> StoreOperation[bool]:
    [(found,)] = yield Statement("meta_citus_catalogue", {})
    return bool(found)


def _spread_tables() -> StoreOperation[dict[str, _Spread]]:
    if not (yield from _has_citus()):
        return {}
    rows = yield Statement("meta_distributed_tables", {})
    return {table: _Spread(method, column, group) for table, method, column, group in rows}


def _missing_of_citus() -> StoreOperation[list[str]]:
    if not (yield from _has_citus()):
        how = "put citus into shared_preload_libraries of every node, then CREATE EXTENSION citus here"
        return [f"there is no Citus here: {how}"]
    missing = []
    [(nodes,)] = yield Statement("meta_shard_nodes", {})
    if not nodes:
        missing.append("there is no node to hold rows: SELECT citus_add_node('HOST', 5432) for each")
    [(copies,)] = yield Statement("meta_shard_copies", {})
    if copies not in (None, "1"):
        why = "Citus locks no rows where it writes copies itself; let PostgreSQL replicate each node"
        missing.append(f"citus.shard_replication_factor is {copies} and has to be 1: {why}")
    return missing


def _wrong_keys(keys: Sequence[Row]) -> Iterator[str]:
    for table, key, first in keys:
        if first != TENANT and table not in LOCAL_TABLES:
            yield f"the key {key} of {table} begins with {first or 'an expression'}, not with the tenant"


def _wrong_spreads(spread: dict[str, _Spread]) -> Iterator[str]:
    home = spread.get(_ANCHOR)
    for table, how in spread.items():
        if table in LOCAL_TABLES:
            continue
        if how.method != _BY_HASH or how.column != TENANT:
            by = f"by {how.column}" if how.method == _BY_HASH else "whole"
            yield f"{table} is kept {by} already: SELECT undistribute_table('{table}') first"
        elif home is None or how.group != home.group:
            yield f"{table} is not kept beside {_ANCHOR}: SELECT undistribute_table('{table}') first"


def _in_order(rows: Rows, spread: dict[str, _Spread]) -> list[Table]:
    tables = [
        Table(table, about, size, table not in spread)
        for table, about, size in rows
        if table not in LOCAL_TABLES
    ]
    return sorted(tables, key=lambda each: (each.table != _ANCHOR, each.table))
