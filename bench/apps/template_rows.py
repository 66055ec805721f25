"""The rows of the usual template: our records again, as a table with a column for each field."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from calltally.calls.model import CALL_FIELDS
from calltally.store.backends.sqlite.connection import connect

TABLE: Final = "call_logs"
URL_VARIABLE: Final = "BENCH_TEMPLATE_URL"
INTEGERS: Final = frozenset(
    {"duration_seconds", "ring_seconds", "hangup_cause", "sip_code", "conflicts", "revision"}
)
BOOLEANS: Final = frozenset({"escalated"})
INSTANTS: Final = frozenset({"created_at", "answered_at", "ended_at", "updated_at"})
DOCUMENTS: Final = frozenset({"escalation", "transfer", "cost", "tags", "metadata"})
# Counting more than these would be the template's own fault; it is spared that.
MOST_ROWS: Final = 100_000


def write_template_rows(source: Path, tenant: str, target: Path) -> dict[str, str]:
    """Copy the tenant's latest calls into a file of the template's own; returns its environment."""
    target.parent.mkdir(parents=True, exist_ok=True)
    connection = apsw.Connection(str(target))
    columns = ", ".join(CALL_FIELDS)
    placeholders = ", ".join("?" for _ in CALL_FIELDS)
    connection.execute(f"CREATE TABLE {TABLE} (tenant, {columns}, PRIMARY KEY (id))")
    connection.execute(f"CREATE INDEX listed ON {TABLE} (tenant, created_at)")
    with connection:
        connection.executemany(f"INSERT INTO {TABLE} VALUES (?, {placeholders})", _rows(source, tenant))
    connection.close()
    return {URL_VARIABLE: f"sqlite+aiosqlite:///{target}"}


def _rows(source: Path, tenant: str) -> Iterator[list[Any]]:
    connection = connect(source)
    records = connection.execute(
        "SELECT record FROM calls WHERE tenant = ? ORDER BY created_us DESC LIMIT ?", (tenant, MOST_ROWS)
    )
    for (record,) in records:
        call = msgspec.json.decode(record)
        yield [tenant, *(_stored(field, call[field]) for field in CALL_FIELDS)]
    connection.close()


def _stored(field: str, value: Any) -> Any:  # noqa: ANN401 - whatever JSON can say
    """As SQLAlchemy's types for SQLite would have written it."""
    if value is None:
        return None
    if field in INSTANTS:
        return value.replace("T", " ").removesuffix("Z")
    return msgspec.json.encode(value).decode() if field in DOCUMENTS else value
