"""Distribution of the PostgreSQL tables over several machines by Citus, by tenant.

All rows of a tenant, in all tables, are then on one node: each key begins with the tenant, each statement
names it, and no transaction contains two (`GroupCommitWriter.per_tenant`).
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from calltally.store.db.operation import Statement, StoreOperation

# Tables without a tenant stay on the node where migrations run; the values say why that is harmless.
LOCAL_TABLES: Final = {
    "alembic_version": "one row of the migration tool, read by each process when it starts",
    "schema_support": "one row that says which code may run, read with the one before",
}
TENANT: Final = "tenant"
# The first table to distribute; the others are colocated with it.
_ANCHOR: Final = "tenants"
_BY_HASH: Final = "h"


class TableStatus(msgspec.Struct, frozen=True):
    """A table with its approximate numbers of rows and bytes; `moves` unless it is distributed already."""

    table: str
    rows: int
    bytes: int
    moves: bool


class CitusReadiness(msgspec.Struct, frozen=True):
    """Readiness for Citus: messages on missing prerequisites, and the tables in the order to move them."""

    missing: list[str]
    tables: list[TableStatus]


class _Distribution(msgspec.Struct, frozen=True):
    """Distribution of a table by Citus: method, column and colocation group."""

    method: str
    column: str | None
    group: int


def is_distributed() -> StoreOperation[bool]:
    """Decide whether the facts of different tenants may be on different machines."""
    distributed = yield from _distributed_tables()
    return "facts" in distributed and distributed["facts"].method == _BY_HASH


def read_citus_readiness() -> StoreOperation[CitusReadiness]:
    """Check all prerequisites before anything is changed."""
    distributed = yield from _distributed_tables()
    missing = yield from _missing_prerequisites()
    keys = yield Statement("meta_unique_keys", {})
    missing += [
        f"the key {key} of {table} begins with {first or 'an expression'}, not with the tenant"
        for table, key, first in keys
        if first != TENANT and table not in LOCAL_TABLES
    ]
    missing += _wrong_distributions(distributed)
    tables = [
        TableStatus(table, about, size, table not in distributed)
        for table, about, size in (yield Statement("meta_tables", {}))
        if table not in LOCAL_TABLES
    ]
    return CitusReadiness(missing, sorted(tables, key=lambda each: (each.table != _ANCHOR, each.table)))


def distribute(table: str) -> StoreOperation[None]:
    """Distribute one table, as a transaction of its own. Takes as long as copying its rows."""
    yield Statement("meta_without_time_limit", {})
    if table == _ANCHOR:
        yield Statement("meta_distribute_first", {})
    else:
        yield Statement("meta_distribute", {"table": table})


def _has_citus() -> StoreOperation[bool]:
    [(found,)] = yield Statement("meta_citus_catalogue", {})
    return bool(found)


def _distributed_tables() -> StoreOperation[dict[str, _Distribution]]:
    if not (yield from _has_citus()):
        return {}
    rows = yield Statement("meta_distributed_tables", {})
    return {table: _Distribution(method, column, group) for table, method, column, group in rows}


def _missing_prerequisites() -> StoreOperation[list[str]]:
    if not (yield from _has_citus()):
        how = "put citus into shared_preload_libraries of every node, then CREATE EXTENSION citus here"
        return [f"Citus is not installed: {how}"]
    missing = []
    [(nodes,)] = yield Statement("meta_shard_nodes", {})
    if not nodes:
        missing.append("Citus has no node for rows: run SELECT citus_add_node('HOST', 5432) for each node")
    [(copies,)] = yield Statement("meta_shard_copies", {})
    if copies not in (None, "1"):
        why = "with copies of its own Citus locks no rows; let PostgreSQL replicate each node"
        missing.append(f"citus.shard_replication_factor is {copies} and has to be 1: {why}")
    return missing


def _wrong_distributions(distributed: dict[str, _Distribution]) -> Iterator[str]:
    home = distributed.get(_ANCHOR)
    for table, how in distributed.items():
        if table in LOCAL_TABLES:
            continue
        if how.method != _BY_HASH or how.column != TENANT:
            by = f"distributed by {how.column}" if how.method == _BY_HASH else "a reference table"
            yield f"{table} is {by} already: run SELECT undistribute_table('{table}') first"
        elif home is None or how.group != home.group:
            yield f"{table} is not colocated with {_ANCHOR}: run SELECT undistribute_table('{table}') first"
