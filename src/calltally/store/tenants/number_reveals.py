"""Who had whole numbers shown of a tenant that masks them: of which call, when, by which key."""

from typing import NamedTuple

from calltally.store.db.operation import Statement, StoreOperation


class Reveal(NamedTuple):
    """One look. `key_id` is `admin` for the admin key, which is of no tenant."""

    at_us: int
    key_id: str
    call_id: bytes


def note_reveal(tenant: str, reveal: Reveal) -> StoreOperation[None]:
    """Keep it, before anything is shown."""
    yield Statement("note_reveal", {"tenant": tenant, **reveal._asdict()})


def reveals_of_tenant(tenant: str, most: int) -> StoreOperation[list[Reveal]]:
    """The latest ones, newest first."""
    rows = yield Statement("reveals_of_tenant", {"tenant": tenant, "most": most})
    return [Reveal(at_us, key_id, bytes(call_id)) for at_us, key_id, call_id in rows]
