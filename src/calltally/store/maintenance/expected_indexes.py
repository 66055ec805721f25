"""Indexes that the migrations create, and those of them that a database does not have."""

import re
from functools import cache
from pathlib import Path
from typing import Final

from calltally.store.db.operation import Statement, StoreOperation

_VERSIONS: Final = Path(__file__).parents[1] / "migrations" / "versions"
_CHANGE: Final = re.compile(r"^(?:CREATE (?:UNIQUE )?INDEX (\w+)\b[^;]*|DROP INDEX (\w+));", re.MULTILINE)


@cache
def expected_indexes(dialect: str) -> dict[str, str]:
    """Return the statement that creates each index of a dialect, without the keys of tables."""
    found: dict[str, str] = {}
    for script in sorted(_VERSIONS.glob(f"*.{dialect}.sql")):
        for change in _CHANGE.finditer(script.read_text(encoding="utf-8")):
            created, dropped = change.groups()
            if dropped:
                del found[dropped]
            else:
                found[created] = " ".join(change[0].split())
    return found


def meta_missing_indexes(dialect: str) -> StoreOperation[dict[str, str]]:
    """Return the expected indexes that are missing, or that an interrupted creation left invalid."""
    existing = {name for (name,) in (yield Statement("meta_index_names", {}))}
    return {name: sql for name, sql in expected_indexes(dialect).items() if name not in existing}
