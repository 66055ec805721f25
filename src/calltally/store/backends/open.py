"""From a database URL to a store, and the check that its schema is the one this code knows."""

import re
from pathlib import Path

from calltally.calls.errors import Misconfigured
from calltally.store.backends.postgres.options import DEFAULTS, PostgresOptions
from calltally.store.backends.schema import HEAD, upgrade_apart
from calltally.store.backends.sqlite.store import SqliteStore, read_file
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock, Rows, Statement, StoreOperation
from calltally.store.tenants.stored_secrets import newest_secrets

_MIGRATE = "run `calltally migrate`"


def open_store(url: str, clock: Clock, options: PostgresOptions = DEFAULTS) -> Store:
    """The store behind `sqlite:///path` or `postgresql://…`; raises Misconfigured where there is none."""
    if (path := sqlite_path(url)) is not None:
        if not path.exists():
            message = f"there is no database at {path}; {_MIGRATE}"
            raise Misconfigured(message)
        return SqliteStore(path, clock)
    if re.match(r"postgres(ql)?://", url):
        return _open_postgres(url, clock, options)
    message = "CALLTALLY_DATABASE_URL has to begin with sqlite:/// or postgresql://"
    raise Misconfigured(message)


def _open_postgres(url: str, clock: Clock, options: PostgresOptions) -> Store:
    from calltally.store.backends.postgres.store import (
        PostgresStore,
    )  # deferred: half of the start where SQLite is used

    return PostgresStore(url, clock, options)


def holds_secrets(path: Path) -> bool:
    """Tell from an SQLite file alone, before there is a key or a store; False where it is not migrated."""
    if not path.exists():
        return False
    try:
        return bool(read_file(path, newest_secrets()))
    except Misconfigured:
        return False


def sqlite_path(url: str) -> Path | None:
    """The file that an SQLite URL names (three slashes: relative, four: absolute), else None."""
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def migrate(url: str) -> None:
    """Make the database where it is a file that is missing, and bring its schema to this code's."""
    if (path := sqlite_path(url)) is not None:
        _make_file(path)
    upgrade_apart(url)


def _make_file(path: Path) -> None:
    """An empty file where there is none, for its owner alone: it will hold what people said on the phone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
    except OSError as fault:
        message = f"the database {path} cannot be made ({fault.strerror}); check CALLTALLY_DATABASE_URL"
        raise Misconfigured(message) from fault


async def schema_of(url: str, clock: Clock) -> str | None:
    """Which schema a database is at; None where it has none, or is not there."""
    try:
        store = open_store(url, clock)
    except Misconfigured:
        return None
    try:
        rows = await store.read(_schema_version())
    except Misconfigured:
        return None
    finally:
        await store.close()
    return rows[0][0] if rows else None


def _schema_version() -> StoreOperation[Rows]:
    return (yield Statement("meta_schema_version", {}))


async def check_schema(store: Store) -> None:
    """Raise Misconfigured, with what to do, unless this code runs on the schema.

    It does on its own, and on a later one that still supports it: old nodes go on while new ones come.
    """
    if (fault := await store.read(_schema_fault())) is not None:
        raise Misconfigured(fault)


def _schema_fault() -> StoreOperation[str | None]:
    rows = yield from _schema_version()
    version = rows[0][0] if rows else ""
    if version == HEAD:
        return None
    if version < HEAD:
        return f"the schema is at {version or 'nothing'}, this code needs {HEAD}; {_MIGRATE}"
    supported = yield Statement("meta_oldest_schema", {})
    if supported and supported[0][0] <= HEAD:
        return None
    return f"the schema is at {version}, too new for this code of {HEAD}; upgrade Calltally on this node"
