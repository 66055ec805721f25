"""Tenants. All other data is stored under a tenant's id and never crosses tenants."""

import re
import secrets
from typing import Final, NamedTuple

from calltally.calls.country import COUNTRIES
from calltally.calls.errors import Conflict, InvalidInput, NotFound
from calltally.store.db.operation import Row, Statement, StoreOperation

MAX_TENANT_CHARS: Final = 64
MAX_NAME_CHARS: Final = 200
# A hundred years.
MAX_RETENTION_DAYS: Final = 36_500
TENANT_PATTERN: Final = "[a-z0-9]+(?:-[a-z0-9]+)*"
# A character allowed in one line of display text: no control characters, line ends or characters that change
# the writing direction. Not isprintable(), which changes with Python's Unicode version and has no pattern.
LINE_CHAR: Final = r"[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]"
_TENANT: Final = re.compile(TENANT_PATTERN, re.ASCII)
# A lone surrogate is possible in Python strings but not in JSON, whose patterns cannot name it.
_LINE: Final = re.compile(rf"(?:(?![\ud800-\udfff]){LINE_CHAR})*")


class Tenant(NamedTuple):
    """One tenant. `name` is for display, the id for everything else.

    `retention_days` is the maximum age of its calls, None for no limit. With `masks_numbers` only keys with
    `pii:read` see whole telephone numbers. With `bridged_is_escalation` the quality counts a bridged transfer
    as an escalation. Searches read national numbers of `default_country` (ISO 3166-1, two letters).
    """

    tenant: str
    name: str
    created_us: int
    retention_days: int | None = None
    masks_numbers: bool = False
    bridged_is_escalation: bool = False
    default_country: str | None = None


def is_tenant_id(tenant: str) -> bool:
    """Decide whether a text is a valid tenant id, which keys and URLs can contain unescaped."""
    return len(tenant) <= MAX_TENANT_CHARS and _TENANT.fullmatch(tenant) is not None


def check_tenant_id(tenant: str) -> str:
    """Return the id. Raises InvalidInput if it is not a valid tenant id."""
    if is_tenant_id(tenant):
        return tenant
    form = "lower-case letters and digits, with single hyphens between them"
    raise InvalidInput.of("id", f"a tenant's id is 1 to {MAX_TENANT_CHARS} {form}")


def is_line(text: str, most_chars: int) -> bool:
    """Decide whether `text` consists of at most `most_chars` characters allowed by LINE_CHAR."""
    return len(text) <= most_chars and _LINE.fullmatch(text) is not None


def check_name(name: str) -> str:
    """Return a display name. Raises InvalidInput if it is not valid."""
    if is_line(name, MAX_NAME_CHARS):
        return name
    raise InvalidInput.of("name", f"a name is at most {MAX_NAME_CHARS} printable characters on one line")


def new_epoch() -> str:
    """Return a random epoch, unique to a ledger: followers of another must start again (invariant 4)."""
    return secrets.token_hex(8)


def add_tenant(tenant: str, name: str, now_us: int, epoch: str) -> StoreOperation[Tenant]:
    """Create a tenant and its empty ledger with a new `epoch`. Raises Conflict if it exists."""
    params = {"tenant": check_tenant_id(tenant), "name": check_name(name), "now_us": now_us}
    made = yield Statement("add_tenant", params)
    if not made:
        is_removed = yield Statement("find_removal", {"tenant": tenant})
        message = f"tenant {tenant!r} " + (
            "is being removed; create it again when that is finished" if is_removed else "already exists"
        )
        raise Conflict(message)
    yield Statement("add_ledger_head", {"tenant": tenant, "epoch": epoch})
    return Tenant(tenant, name, now_us)


def find_tenant(tenant: str) -> StoreOperation[Tenant | None]:
    """Find a tenant by id. An invalid id is not looked up: a database may fail on it."""
    if not is_tenant_id(tenant):
        return None
    rows = yield Statement("find_tenant", {"tenant": tenant})
    return _tenant(rows[0]) if rows else None


def need_tenant(tenant: str) -> StoreOperation[Tenant]:
    """Return the tenant with that id. Raises NotFound."""
    found = yield from find_tenant(tenant)
    if found is None:
        raise unknown_tenant(tenant)
    return found


def unknown_tenant(tenant: str) -> NotFound:
    """Return the error for a tenant that does not exist. It names no other: they are not for every reader."""
    remedy = "`calltally tenant list` lists the tenants, and `calltally tenant add` creates one"
    return NotFound(f"there is no tenant {tenant[:MAX_TENANT_CHARS]!r}: {remedy}")


def admin_list_tenants() -> StoreOperation[list[Tenant]]:
    rows = yield Statement("admin_list_tenants", {})
    return [_tenant(row) for row in rows]


def set_retention(tenant: str, days: int | None) -> StoreOperation[None]:
    """Set the maximum age of calls and dead letters; None is no limit. Raises NotFound and InvalidInput."""
    if days is not None and not 1 <= days <= MAX_RETENTION_DAYS:
        raise InvalidInput.of("days", f"calls are kept for 1 to {MAX_RETENTION_DAYS} days, or forever")
    yield from need_tenant(tenant)
    yield Statement("set_retention", {"tenant": tenant, "days": days})


def set_masking(tenant: str, *, masks: bool) -> StoreOperation[None]:
    """Hide whole telephone numbers from keys without `pii:read`, or show them to all. Raises NotFound."""
    yield from need_tenant(tenant)
    yield Statement("set_masking", {"tenant": tenant, "masks": int(masks)})


def set_bridged_is_escalation(tenant: str, *, counts: bool) -> StoreOperation[None]:
    """Count bridged transfers as escalations in the quality, or only escalations. Raises NotFound."""
    yield from need_tenant(tenant)
    yield Statement("set_bridged_is_escalation", {"tenant": tenant, "counts": int(counts)})


def set_default_country(tenant: str, country: str | None) -> StoreOperation[None]:
    """Set the country of national numbers in searches. Raises NotFound and InvalidInput."""
    if country is not None and country not in COUNTRIES:
        raise InvalidInput.of(
            "default_country", f"{country[:8]!r} is not a country: send two letters, such as US or DE"
        )
    yield from need_tenant(tenant)
    yield Statement("set_default_country", {"tenant": tenant, "country": country})


def _tenant(row: Row) -> Tenant:
    tenant, name, created_us, retention_days, masks_numbers, bridged_is_escalation, country = row
    flags = bool(masks_numbers), bool(bridged_is_escalation)
    return Tenant(tenant, name, created_us, retention_days, *flags, country)


class StoredReveal(NamedTuple):
    """One reveal of a call's numbers. `key_id` is `admin` for the admin key, which belongs to no tenant."""

    at_us: int
    key_id: str
    call_id: bytes


def record_reveal(tenant: str, reveal: StoredReveal) -> StoreOperation[None]:
    """Record a reveal, before the response contains the numbers."""
    yield Statement("note_reveal", {"tenant": tenant, **reveal._asdict()})


def reveals_of_tenant(tenant: str, most: int) -> StoreOperation[list[StoredReveal]]:
    rows = yield Statement("reveals_of_tenant", {"tenant": tenant, "most": most})
    return [StoredReveal(at_us, key_id, bytes(call_id)) for at_us, key_id, call_id in rows]
