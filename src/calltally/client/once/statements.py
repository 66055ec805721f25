"""The statements of the ledger of effects, in the words of one database.

Times are the database's own unless `now_us` is given: so the leases of many machines go by one clock.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeAlias

Dialect: TypeAlias = Literal["sqlite", "postgres"]

VERSION: Final = 1
SCHEMA: Final = Path(__file__).with_name("schema.sql")

# How SQLite's transactions are opened and closed. IMMEDIATE waits for its turn to write before it reads: one
# that learns at its first write that another was faster would have to begin anew.
BEGIN: Final = "BEGIN IMMEDIATE"
COMMIT: Final = "COMMIT"
ROLLBACK: Final = "ROLLBACK"
SAVE: Final = "SAVEPOINT calltally_once"
RELEASE: Final = "RELEASE calltally_once"
BACK_TO: Final = "ROLLBACK TO calltally_once"

_STATEMENTS: Final = Path(__file__).with_name("statements.sql")
_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_COMMENT: Final = re.compile(r"^\s*--.*$", re.MULTILINE)
_END: Final = re.compile(r";\s*$", re.MULTILINE)
_PLACE: Final = re.compile(r"\{(\w+)\}")
_PARAMETER: Final = re.compile(r":([a-z_]+)")
_GIVEN: Final = "CAST(:now_us AS BIGINT)"
_CLOCKS: Final[Mapping[Dialect, str]] = {
    # SQLite's clock has milliseconds.
    "sqlite": "CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000",
    "postgres": "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
}
_LOCKS: Final[Mapping[Dialect, str]] = {"sqlite": "", "postgres": "FOR UPDATE"}


@cache
def statement(dialect: Dialect, name: str) -> str:
    """One statement, with its parameters as the database's driver takes them by name."""
    now = f"coalesce({_GIVEN}, {_CLOCKS[dialect]})"
    lease = f"{now} + CAST(:lease_us AS BIGINT)"
    places = {"now": now, "lease": lease, "locked": _LOCKS[dialect]}
    text = _PLACE.sub(lambda place: places[place[1]], _named()[name])
    return _PARAMETER.sub(r"%(\1)s", text) if dialect == "postgres" else text


@cache
def _named() -> dict[str, str]:
    parts = _NAME.split(_STATEMENTS.read_text(encoding="utf-8"))[1:]
    return {name: _one_by_one(text)[0] for name, text in zip(parts[::2], parts[1::2], strict=True)}


def schema_statements() -> list[str]:
    """The statements of schema.sql, one by one: not every driver takes several at once."""
    return _one_by_one(SCHEMA.read_text(encoding="utf-8"))


def _one_by_one(text: str) -> list[str]:
    return [part.strip() for part in _END.split(_COMMENT.sub("", text)) if part.strip()]
