"""The tenants themselves. A tenant is a wall: everything else is kept under its id."""

import re
import secrets
from typing import Final, NamedTuple

from calltally.calls.errors import Conflict, InvalidInput, NotFound
from calltally.store.db.operation import Row, Statement, StoreOperation

MAX_TENANT_CHARS: Final = 64
MAX_NAME_CHARS: Final = 200
# A hundred years.
MAX_RETENTION_DAYS: Final = 36_500
TENANT_PATTERN: Final = "[a-z0-9]+(?:-[a-z0-9]+)*"
# What may stand in one line of text for people: no control characters, no line ends, nothing that turns
# the direction of writing. Not isprintable(), which changes with Python's Unicode and has no pattern.
LINE_CHAR: Final = r"[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]"
_TENANT: Final = re.compile(TENANT_PATTERN, re.ASCII)
# Half of a surrogate pair can be in Python's text, not in JSON's, whose patterns cannot name it.
_LINE: Final = re.compile(rf"(?:(?![\ud800-\udfff]){LINE_CHAR})*")


class Tenant(NamedTuple):
    """One tenant; `name` is for people, the id for everything else.

    `retention_days` is how old its calls may become, None for any age; `masks_numbers` whether whole
    telephone numbers are for keys with `pii:read` alone.
    """

    tenant: str
    name: str
    created_us: int
    retention_days: int | None = None
    masks_numbers: bool = False


def is_tenant_id(tenant: str) -> bool:
    """Whether a tenant could be called this: what a key and a URL can carry as it is."""
    return len(tenant) <= MAX_TENANT_CHARS and _TENANT.fullmatch(tenant) is not None


def check_tenant_id(tenant: str) -> str:
    """The id itself; raises InvalidInput if no tenant could be called this."""
    if is_tenant_id(tenant):
        return tenant
    form = "lower-case letters and digits, with single hyphens between them"
    raise InvalidInput.of("id", f"a tenant's id is 1 to {MAX_TENANT_CHARS} {form}")


def is_line(text: str, most_chars: int) -> bool:
    """Whether `text` is of so many of LINE_CHAR at most."""
    return len(text) <= most_chars and _LINE.fullmatch(text) is not None


def check_name(name: str) -> str:
    """A name for people to read; raises InvalidInput."""
    if is_line(name, MAX_NAME_CHARS):
        return name
    raise InvalidInput.of("name", f"a name is at most {MAX_NAME_CHARS} printable characters on one line")


def new_epoch() -> str:
    """What no other ledger is called: followers of another epoch must start again (invariant 4)."""
    return secrets.token_hex(8)


def add_tenant(tenant: str, name: str, now_us: int, epoch: str) -> StoreOperation[Tenant]:
    """Make a tenant and its empty ledger, of an `epoch` of its own. Raises Conflict if it exists."""
    params = {"tenant": check_tenant_id(tenant), "name": check_name(name), "now_us": now_us}
    made = yield Statement("add_tenant", params)
    if not made:
        message = f"there is a tenant {tenant!r} already"
        raise Conflict(message)
    yield Statement("add_ledger_head", {"tenant": tenant, "epoch": epoch})
    return Tenant(tenant, name, now_us)


def find_tenant(tenant: str) -> StoreOperation[Tenant | None]:
    """The tenant of that id. What can be no id is not looked up: a database may choke on it."""
    if not is_tenant_id(tenant):
        return None
    rows = yield Statement("find_tenant", {"tenant": tenant})
    return _tenant(rows[0]) if rows else None


def need_tenant(tenant: str) -> StoreOperation[Tenant]:
    """The tenant of that id; raises NotFound."""
    found = yield from find_tenant(tenant)
    if found is None:
        message = f"there is no tenant {tenant[:MAX_TENANT_CHARS]!r}"
        raise NotFound(message)
    return found


def admin_list_tenants() -> StoreOperation[list[Tenant]]:
    """All tenants by id."""
    rows = yield Statement("admin_list_tenants", {})
    return [_tenant(row) for row in rows]


def set_retention(tenant: str, days: int | None) -> StoreOperation[None]:
    """Let calls and dead letters become so many days old, or any age. Raises NotFound and InvalidInput."""
    if days is not None and not 1 <= days <= MAX_RETENTION_DAYS:
        raise InvalidInput.of("days", f"calls are kept for 1 to {MAX_RETENTION_DAYS} days, or for ever")
    yield from need_tenant(tenant)
    yield Statement("set_retention", {"tenant": tenant, "days": days})


def set_masking(tenant: str, *, masks: bool) -> StoreOperation[None]:
    """Hide whole telephone numbers from keys without `pii:read`, or show them to all. Raises NotFound."""
    yield from need_tenant(tenant)
    yield Statement("set_masking", {"tenant": tenant, "masks": int(masks)})


def _tenant(row: Row) -> Tenant:
    tenant, name, created_us, retention_days, masks_numbers = row
    return Tenant(tenant, name, created_us, retention_days, bool(masks_numbers))
