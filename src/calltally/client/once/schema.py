"""The ledger's tables in the user's own database."""

from calltally.calls.errors import Misconfigured
from calltally.client.once.sans_io import Plain, Statement, Step
from calltally.client.once.statements import VERSION, Dialect, schema_statements


def install_tables(dialect: Dialect) -> Step[None]:
    """Make what is not there yet. Raises Misconfigured where a later Calltally made it."""
    if dialect == "postgres":
        yield Statement("meta_lock_schema", {})
    for sql in schema_statements():
        yield Plain(sql)
    versions = yield Statement("meta_read_version", {})
    if not versions:
        yield Statement("meta_write_version", {"version": VERSION})
    elif versions[0][0] > VERSION:
        raise Misconfigured(
            f"the ledger of effects is of version {versions[0][0]}, which a later Calltally made; this one "
            f"knows version {VERSION}. Install the later one here too"
        )
