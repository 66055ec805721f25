"""Opening a store from a database URL, and the check that this code supports its schema."""

import re
from pathlib import Path

from calltally.calls.errors import Misconfigured
from calltally.store.backends.postgres.options import DEFAULTS, PostgresOptions
from calltally.store.backends.schema import COPYING, HEAD, UNFINISHED_COPY, upgrade_in_subprocess
from calltally.store.backends.sqlite.store import SqliteStore, read_file
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock, Statement, StoreOperation, execute
from calltally.store.maintenance.key_rotation import newest_secrets

_MIGRATE = "run `calltally migrate`"


def open_store(url: str, clock: Clock, options: PostgresOptions = DEFAULTS) -> Store:
    """Open the store at `sqlite:///path` or `postgresql://…`. Raises Misconfigured if there is none."""
    if (path := sqlite_path(url)) is not None:
        if not path.exists():
            message = f"there is no database at {path}; {_MIGRATE}"
            raise Misconfigured(message)
        return SqliteStore(path, clock)
    if re.match(r"postgres(ql)?://", url):
        from calltally.store.backends.postgres.store import PostgresStore  # deferred: takes half of the start

        return PostgresStore(url, clock, options)
    message = "CALLTALLY_DATABASE_URL has to begin with sqlite:/// or postgresql://"
    raise Misconfigured(message)


def holds_secrets(path: Path) -> bool:
    """Decide whether an SQLite file has secrets, before any key or store exists. False if not migrated."""
    if not path.exists():
        return False
    try:
        return bool(read_file(path, newest_secrets()))
    except Misconfigured:
        return False


def sqlite_path(url: str) -> Path | None:
    """Return the path in an SQLite URL (three slashes: relative, four: absolute), or None for other URLs."""
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def migrate(url: str) -> None:
    """Create an SQLite file that is missing, and migrate the database to the schema of this code."""
    if (path := sqlite_path(url)) is not None:
        _create_file(path)
    upgrade_in_subprocess(url)


def _create_file(path: Path) -> None:
    """Create an empty file if there is none, readable by its owner alone: it will hold call transcripts."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
    except OSError as fault:
        message = f"the database {path} cannot be created ({fault.strerror}); check CALLTALLY_DATABASE_URL"
        raise Misconfigured(message) from fault


async def schema_of(url: str, clock: Clock) -> str | None:
    """Return the schema version of a database; None if it has no schema or does not exist."""
    try:
        store = open_store(url, clock)
    except Misconfigured:
        return None
    try:
        rows = await store.read(execute("meta_schema_version"))
    except Misconfigured:
        return None
    finally:
        await store.close()
    return rows[0][0] if rows else None


async def check_schema(store: Store) -> None:
    """Raise Misconfigured, with the remedy, unless this code supports the schema.

    It supports its own schema, and later ones that allow it: so old nodes keep running during an upgrade.
    """
    if (fault := await store.read(_schema_fault())) is not None:
        raise Misconfigured(fault)


def _schema_fault() -> StoreOperation[str | None]:
    rows = yield Statement("meta_schema_version", {})
    version = rows[0][0] if rows else ""
    if version == HEAD:
        return None
    if version == COPYING:
        return f"the database cannot be used: {UNFINISHED_COPY}"
    if version < HEAD:
        return f"the schema is at version {version or 'none'}, this code needs {HEAD}; {_MIGRATE}"
    supported = yield Statement("meta_oldest_schema", {})
    if supported and supported[0][0] <= HEAD:
        return None
    return (
        f"the schema is at version {version}, later than {HEAD} of this code; upgrade Calltally on this node"
    )
