"""Installation of the ledger's tables in the user's own database."""

from calltally.calls.errors import Misconfigured
from calltally.client.once.sans_io import LedgerOperation, NamedStatement, RawSql
from calltally.client.once.statements import VERSION, Dialect, schema_statements


def install_tables(dialect: Dialect) -> LedgerOperation[None]:
    """Create missing tables. Raises Misconfigured if a later Calltally created them."""
    if dialect == "postgres":
        yield NamedStatement("meta_lock_schema", {})
    for sql in schema_statements():
        yield RawSql(sql)
    versions = yield NamedStatement("meta_read_version", {})
    if not versions:
        yield NamedStatement("meta_write_version", {"version": VERSION})
    elif versions[0][0] > VERSION:
        raise Misconfigured(
            f"the ledger of effects has version {versions[0][0]} of a later Calltally; this one supports "
            f"version {VERSION}. Install the later Calltally here too"
        )
