"""SQL statements of the ledger of effects, in the dialect of each database.

Times come from the database unless `now_us` is given, so that the leases of many machines use one clock.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeAlias

Dialect: TypeAlias = Literal["sqlite", "postgres"]

VERSION: Final = 1
SCHEMA: Final = Path(__file__).with_name("schema.sql")

# Transaction control of SQLite. IMMEDIATE takes the write lock before the first read: a transaction that
# finds at its first write that another was faster would have to start again.
BEGIN: Final = "BEGIN IMMEDIATE"
COMMIT: Final = "COMMIT"
ROLLBACK: Final = "ROLLBACK"
SAVEPOINT: Final = "SAVEPOINT calltally_once"
RELEASE_SAVEPOINT: Final = "RELEASE calltally_once"
ROLLBACK_TO_SAVEPOINT: Final = "ROLLBACK TO calltally_once"

_STATEMENTS_FILE: Final = Path(__file__).with_name("statements.sql")
_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_COMMENT: Final = re.compile(r"^\s*--.*$", re.MULTILINE)
_END: Final = re.compile(r";\s*$", re.MULTILINE)
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_PARAMETER: Final = re.compile(r":([a-z_]+)")
_GIVEN_NOW: Final = "CAST(:now_us AS BIGINT)"
_CLOCKS: Final[Mapping[Dialect, str]] = {
    # SQLite's clock has milliseconds.
    "sqlite": "CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000",
    "postgres": "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
}
_ROW_LOCKS: Final[Mapping[Dialect, str]] = {"sqlite": "", "postgres": "FOR UPDATE"}


@cache
def statement(dialect: Dialect, name: str) -> str:
    """Return a statement with named parameters in the style of the database's driver."""
    now = f"coalesce({_GIVEN_NOW}, {_CLOCKS[dialect]})"
    lease = f"{now} + CAST(:lease_us AS BIGINT)"
    values = {"now": now, "lease": lease, "row_lock": _ROW_LOCKS[dialect]}
    text = _PLACEHOLDER.sub(lambda match: values[match[1]], _statements_by_name()[name])
    return _PARAMETER.sub(r"%(\1)s", text) if dialect == "postgres" else text


@cache
def _statements_by_name() -> dict[str, str]:
    parts = _NAME.split(_STATEMENTS_FILE.read_text(encoding="utf-8"))[1:]
    return {name: _split_statements(text)[0] for name, text in zip(parts[::2], parts[1::2], strict=True)}


def schema_statements() -> list[str]:
    """Return the statements of schema.sql as a list: not every driver accepts several at once."""
    return _split_statements(SCHEMA.read_text(encoding="utf-8"))


def _split_statements(text: str) -> list[str]:
    return [part.strip() for part in _END.split(_COMMENT.sub("", text)) if part.strip()]
