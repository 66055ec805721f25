"""Removal of a tenant with everything that is stored of it, in batches that any process can continue.

The first commit marks the tenant and removes its ledger head, keys and secrets. From then on no statement
finds the tenant: facts, requests and background work of it are refused or skipped. The rows of all tables
follow in batches, and the mark is the last to go. So an interrupted removal is continued by its mark.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from calltally.calls.times import SECOND_US
from calltally.store.db.operation import Clauses, Params, Row, Statement, StoreOperation, execute_batch
from calltally.store.snapshots.ledger_head import lock_head
from calltally.store.tenants.tenants import is_tenant_id, need_tenant

# Processes may write for a tenant for this long after its removal began: they cache keys and secrets for five
# seconds, and store the counts of refused callbacks every ten.
SETTLE_US: Final = 15 * SECOND_US

# Removed with the mark, because everything that a tenant does begins with one of them.
_FENCES: Final = (
    *("ledger_heads", "api_keys", "provider_secrets", "webhook_endpoints", "delivery_heads", "alert_sinks"),
)
# Each table with the columns that identify a row within its tenant, in the order of an index.
TABLES: Final[Mapping[str, str]] = {
    "outbox": "revision, event",
    "delivery_attempts": "endpoint, event_id, attempt",
    "deliveries": "endpoint, event_id",
    "delivery_heads": "tenant",
    "webhook_endpoints": "endpoint",
    "call_texts": "id, valid_from",
    "voice_sessions": "session_id, id",
    "facts": "node, key",
    "identities": "node",
    # By time: then the pages of most indexes are removed one after the other.
    "calls": "created_us, id",
    "call_versions": "created_us, id, valid_from",
    "tombstones": "revision",
    "counts": "facet, width_s, bucket_s",
    "count_history": "valid_to, facet, width_s, bucket_s",
    "quality": "grain, bucket_s, key",
    "quality_closed": "day_s",
    "refolds": "tenant",
    "holds": "name",
    "ledger_marks": "marked_us",
    "ledger_heads": "tenant",
    "alert_notices": "sink, alert, change",
    "alert_changes": "alert, change",
    "alerts": "alert",
    "alert_sinks": "sink",
    "alert_rules": "tenant",
    "alert_states": "tenant",
    "alert_steps": "step_s, route, provider, provider_account, agent",
    "job_files": "job, place",
    "jobs": "job",
    "dead_letters": "letter_id",
    "signature_failures": "provider, step_s",
    "unlisted_fields": "provider, name",
    "kept_answers": "name",
    "reveals": "at_us, key_id, call_id",
    "provider_secrets": "provider",
    "route_numbers": "number",
    "routes": "route",
    "api_keys": "key_id",
}
# The lease of the removal itself, and the mark.
LAST_TABLES: Final = ("leases", "tenants")
# Each row has the work of so many: SQLite removes every word of a text from its index, and a call from ten
# indexes.
_WEIGHTS: Final = {"call_texts": 100, "calls": 4}


class StartedRemoval(NamedTuple):
    """A tenant that is being removed, and the time at which that began."""

    tenant: str
    removed_us: int


def count_tenant_rows(tenant: str) -> StoreOperation[dict[str, int]]:
    """Return the number of a tenant's rows by table, without empty tables. Raises NotFound.

    It reads every row: a second for some millions.
    """
    yield from need_stored_tenant(tenant)
    counts = yield from execute_batch(
        *(Statement("count_rows", {"tenant": tenant}, (("table", table),)) for table in TABLES)
    )
    return {table: rows[0][0] for table, rows in zip(TABLES, counts, strict=True) if rows[0][0]}


def need_stored_tenant(tenant: str) -> StoreOperation[None]:
    """Raise NotFound for a tenant that does not exist, and is not being removed either."""
    if (yield from find_removal(tenant)) is None:
        yield from need_tenant(tenant)


def find_removal(tenant: str) -> StoreOperation[StartedRemoval | None]:
    """Return the removal of a tenant if it has begun and is not finished."""
    if not is_tenant_id(tenant):
        return None
    rows = yield Statement("find_removal", {"tenant": tenant})
    return StartedRemoval(tenant, rows[0][0]) if rows else None


def admin_removals() -> StoreOperation[list[StartedRemoval]]:
    rows = yield Statement("admin_removals", {})
    return [StartedRemoval(*row) for row in rows]


def begin_removal(tenant: str, now_us: int) -> StoreOperation[None]:
    """Make a tenant inaccessible. Raises NotFound. Does nothing if its removal has begun."""
    if (yield from find_removal(tenant)) is not None:
        return
    yield from need_tenant(tenant)
    yield from lock_head(tenant)
    yield Statement("mark_removal", {"tenant": tenant, "now_us": now_us})
    for table in _FENCES:
        yield Statement("drop_rows", {"tenant": tenant}, (("table", table),))


def finish_removal(tenant: str, now_us: int) -> StoreOperation[bool]:
    """Remove the mark, so that the tenant can be created again. Return False if rows are left.

    Also False until no process writes for the tenant any more.
    """
    removal = yield from find_removal(tenant)
    if removal is None:
        return True
    if now_us - removal.removed_us < SETTLE_US:
        return False
    rows = yield from execute_batch(
        *(Statement("has_rows", {"tenant": tenant}, (("table", table),)) for table in TABLES)
    )
    if any(rows):
        return False
    for table in LAST_TABLES:
        yield Statement("drop_rows", {"tenant": tenant}, (("table", table),))
    return True


class TenantRows:
    """Position of a removal in the tables of a tenant. After a failed commit, begin with a new one."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._tables = list(TABLES)
        self._last: Row | None = None

    @property
    def table(self) -> str | None:
        """Name of the table that the next batch begins with; None after the last one."""
        return self._tables[0] if self._tables else None

    def remove_batch(self, most: int) -> StoreOperation[int]:
        """Remove up to `most` rows of one table and return their number; 0 after the last table."""
        while self._tables:
            removed = yield from self._remove_some(self._tables[0], most)
            if removed:
                return removed
            self._tables.pop(0)
            self._last = None
        return 0

    def _remove_some(self, table: str, most: int) -> StoreOperation[int]:
        keys = TABLES[table]
        after = ""
        params: Params = {"tenant": self._tenant}
        # Without it, PostgreSQL would read all removed rows again for each batch.
        if self._last is not None:
            bounds, values = _bounds("after", self._last)
            after, params = f" AND ({keys}) > ({bounds})", {**params, **values}
        clauses: Clauses = (("table", table), ("keys", keys), ("filters", after))
        few = max(1, most // _WEIGHTS.get(table, 1))
        rows = yield Statement("next_rows", {**params, "most": few}, clauses)
        if rows:
            bounds, values = _bounds("upto", rows[-1])
            yield Statement("remove_rows", {**params, **values}, (*clauses, ("bounds", bounds)))
            self._last = rows[-1]
        return len(rows)


def _bounds(prefix: str, row: Row) -> tuple[str, dict[str, object]]:
    """Return the parameters of a row's key, as SQL and as values."""
    values = {f"{prefix}_{chr(ord('a') + at)}": value for at, value in enumerate(row)}
    return ", ".join(f":{name}" for name in values), values
