"""Log of revealed numbers: call, time and key, for tenants that mask numbers."""

from typing import NamedTuple

from calltally.store.db.operation import Statement, StoreOperation


class StoredReveal(NamedTuple):
    """One reveal of a call's numbers. `key_id` is `admin` for the admin key, which belongs to no tenant."""

    at_us: int
    key_id: str
    call_id: bytes


def record_reveal(tenant: str, reveal: StoredReveal) -> StoreOperation[None]:
    """Record a reveal, before the response contains the numbers."""
    yield Statement("note_reveal", {"tenant": tenant, **reveal._asdict()})


def reveals_of_tenant(tenant: str, most: int) -> StoreOperation[list[StoredReveal]]:
    """Return the latest reveals, newest first."""
    rows = yield Statement("reveals_of_tenant", {"tenant": tenant, "most": most})
    return [StoredReveal(at_us, key_id, bytes(call_id)) for at_us, key_id, call_id in rows]
