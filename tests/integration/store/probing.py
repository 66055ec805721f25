"""Direct access to a store's database, past its own code, and short forms of common reads."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import apsw
import msgspec
import psycopg

from calltally.calls.events import Fact
from calltally.calls.list_query import ListQuery
from calltally.calls.measures import COUNTS, decode_measures
from calltally.store.backends.open import sqlite_path
from calltally.store.db.interface import Store, Submission, SubmissionResult
from calltally.store.ledger.lookup import find_call
from calltally.store.listing.list_calls import list_calls
from calltally.store.verify.run import Verification, VerifyResult
from tests.conftest import TENANT, Bench, records_of


class Direct:
    """Separate connection to the database of a store; `?` is a parameter."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 (two drivers that share no type)
        self._connection = connection

    def __call__(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        if isinstance(self._connection, apsw.Connection):
            return self._connection.execute(sql, params).fetchall()
        cursor = self._connection.execute(sql.replace("?", "%s"), params or None)
        return cursor.fetchall() if cursor.description else []


# Statements that take a revision of the schema back, newest first.
_KNOWN_OUTCOMES = ("answerer_known", "transfer_known", "known_transfers", "escalation_known", "handed_over")
UNDO = {
    "0024": [],
    "0023": ["ALTER TABLE provider_secrets DROP COLUMN received_us"],
    "0022": [
        "DROP INDEX calls_of_parent",
        "DROP INDEX calls_updated",
        "ALTER TABLE calls DROP COLUMN parent_call_sid",
        "ALTER TABLE call_versions DROP COLUMN parent_call_sid",
    ],
    "0021": ["ALTER TABLE tenants DROP COLUMN removed_us"],
    "0020": ["ALTER TABLE api_keys DROP COLUMN last_used_us"],
    "0019": ["DROP TABLE kept_answers"],
    "0018": ["ALTER TABLE alert_steps DROP COLUMN transfer_known"],
    "0017": [
        "DROP INDEX calls_from_ending",
        "DROP INDEX calls_to_ending",
        "DROP INDEX calls_of_sid",
        "DROP INDEX identities_of_sid",
        "ALTER TABLE tenants DROP COLUMN default_country",
    ],
    "0016": [
        *(f"ALTER TABLE quality DROP COLUMN {name}" for name in (*_KNOWN_OUTCOMES, "containable")),
        "ALTER TABLE tenants DROP COLUMN bridged_is_escalation",
    ],
    "0015": ["DROP TABLE unlisted_fields"],
}
# Statements that one of the databases needs alone: PostgreSQL has expressions instead of these columns.
UNDO_POSTGRES = {"0024": ["DROP INDEX calls_from_reversed", "DROP INDEX calls_to_reversed"]}
UNDO_SQLITE = {
    "0024": [
        "DROP INDEX calls_from",
        "CREATE INDEX calls_from ON calls (tenant, from_number, created_us, id)",
        "DROP INDEX calls_to",
        "CREATE INDEX calls_to ON calls (tenant, to_number, created_us, id)",
        *(
            f"ALTER TABLE {table} DROP COLUMN {side}_reversed"
            for table in ("calls", "call_versions")
            for side in ("from", "to")
        ),
    ],
    "0017": [
        f"ALTER TABLE {table} DROP COLUMN {side}_{name}"
        for table in ("calls", "call_versions")
        for side in ("from", "to")
        for name in ("ending", "digits")
    ],
}


def downgrade(url: str, version: str) -> None:
    """Turn a present database into one of an earlier schema, whose later revisions changed few tables."""
    with direct(url) as db:
        _forget_later_counts(db)
        for revision, statements in UNDO.items():
            own = (UNDO_SQLITE if sqlite_path(url) else UNDO_POSTGRES).get(revision, [])
            for statement in [*statements, *own] if revision > version else ():
                db(statement)
        db("UPDATE alembic_version SET version_num = ?", version)


def _forget_later_counts(db: Direct) -> None:
    """Remove the marks of later counts from the measures of all calls."""
    marks = (1 << len(COUNTS)) - 1
    for call_id, stored in db("SELECT id, measured FROM calls WHERE measured IS NOT NULL"):
        measures = decode_measures(bytes(stored))
        kept = msgspec.structs.replace(measures, marks=measures.marks & marks)
        db("UPDATE calls SET measured = ? WHERE id = ?", msgspec.msgpack.encode(kept), call_id)


@contextmanager
def direct(url: str) -> Iterator[Direct]:
    """Open and close a connection; each statement commits by itself."""
    path = sqlite_path(url)
    connection: Any = apsw.Connection(str(path)) if path else psycopg.connect(url, autocommit=True)
    try:
        yield Direct(connection)
    finally:
        connection.close()


async def verified(store: Store, *tenants: str, repair: bool = False) -> VerifyResult:
    """Return the result of `calltally verify`."""
    verification = Verification(store, lambda _kind, _count: None, Random(1), repair=repair)
    return await verification.run(tenants or (TENANT,))


def verdict(bench: Bench, *tenants: str, repair: bool = False) -> VerifyResult:
    return bench.run(verified(bench.store, *tenants, repair=repair))


def submit(
    bench: Bench, *reported: Fact, tenant: str = TENANT, announce: bool = True
) -> list[SubmissionResult]:
    """Submit facts in one request."""
    return bench.run(bench.store.submit([Submission(tenant, each, announce) for each in reported]))


def listed(bench: Bench, tenant: str = TENANT) -> list[dict[str, Any]]:
    """Return every call of a tenant."""
    page = bench.run(bench.store.read(list_calls(tenant, ListQuery(limit=1000))))
    calls = records_of(page)
    assert page.total == len(calls)
    return calls


def found(bench: Bench, id_or_sid: str, tenant: str = TENANT) -> dict[str, Any] | None:
    """Return one call by an id or a SID."""
    record = bench.run(bench.store.read(find_call(tenant, id_or_sid)))
    call: dict[str, Any] | None = json.loads(record) if record else None
    return call
