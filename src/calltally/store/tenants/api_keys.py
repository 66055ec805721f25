"""API keys: `ct_<tenant>_<43 random characters>`. Only their digests are stored."""

import re
import secrets
from collections.abc import Collection
from hashlib import sha256
from typing import Final, NamedTuple

from calltally.calls.errors import InvalidInput, NotFound
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.tenants.tenants import check_name, check_tenant_id, need_tenant

PII_READ: Final = "pii:read"
SCOPES: Final = {
    "calls:read": "list calls and read one with its events",
    "transcripts:read": "read transcripts and raw provider bodies",
    PII_READ: "see whole phone numbers where the tenant masks them",
    "events:write": "send events about calls",
    "exports:write": "start bulk exports",
    "alerts:write": "acknowledge alerts, set their rules and their notification sinks",
    "webhooks:write": "manage webhook endpoints",
}
# 256 bits as unpadded base64url: 43 characters. Guessing is hopeless, so a plain hash is enough at rest.
_RANDOM_BYTES: Final = 32
# A tenant's id has no underscore, so the second one ends it; the random part may have more.
_KEY: Final = re.compile(r"ct_([a-z0-9-]{1,64})_[A-Za-z0-9_-]{43}", re.ASCII)
_KEY_ID: Final = re.compile(r"key_[0-9a-f]{16}", re.ASCII)


class StoredApiKey(NamedTuple):
    """Public data of a stored key. `last_used_us` is accurate to an hour; None before the first use."""

    key_id: str
    name: str
    scopes: tuple[str, ...]
    created_us: int
    revoked_us: int | None
    last_used_us: int | None = None


class IssuedApiKey(NamedTuple):
    """A new key. `text` is the secret, which is returned only once."""

    key_id: str
    text: str
    scopes: tuple[str, ...]


class AuthenticatedKey(NamedTuple):
    """A valid key. `masks`: its tenant hides whole numbers; `is_masked`: they are hidden from it.

    `country` is its tenant's default country. `name` is empty for a key without one.
    """

    key_id: str
    scopes: frozenset[str]
    is_masked: bool = False
    masks: bool = False
    country: str | None = None
    name: str = ""


def mint_key(tenant: str, scopes: Collection[str]) -> IssuedApiKey:
    """Return a new key for `tenant` without storing it. Raises InvalidInput for unknown or no scopes."""
    text = f"ct_{check_tenant_id(tenant)}_{secrets.token_urlsafe(_RANDOM_BYTES)}"
    return IssuedApiKey(f"key_{secrets.token_hex(8)}", text, check_scopes(scopes))


def check_scopes(scopes: Collection[str]) -> tuple[str, ...]:
    """Return the scopes without repeats and sorted. Raises InvalidInput that names the wrong ones."""
    unknown = sorted(set(scopes) - SCOPES.keys())
    if unknown or not scopes:
        wrong = f"unknown: {', '.join(unknown)}" if unknown else "none given"
        raise InvalidInput.of("scopes", f"scopes are one or more of {', '.join(SCOPES)}; {wrong}")
    return tuple(sorted(set(scopes)))


def tenant_of_key(text: str) -> str | None:
    """Return the tenant in a key's text; None if the text cannot be a key."""
    found = _KEY.fullmatch(text)
    return found[1] if found else None


def digest_of_key(text: str) -> bytes:
    return sha256(text.encode()).digest()


def add_key(tenant: str, key: IssuedApiKey, name: str, now_us: int) -> StoreOperation[StoredApiKey]:
    """Store a minted key. Raises NotFound for an unknown tenant."""
    yield from need_tenant(tenant)
    values = {"digest": digest_of_key(key.text), "name": check_name(name), "scopes": " ".join(key.scopes)}
    yield Statement("add_key", {"tenant": tenant, "key_id": key.key_id, **values, "now_us": now_us})
    return StoredApiKey(key.key_id, name, key.scopes, now_us, None)


def find_key(tenant: str, digest: bytes) -> StoreOperation[AuthenticatedKey | None]:
    """Find the key with that digest, unless it is revoked."""
    rows = yield Statement("find_key", {"tenant": tenant, "digest": digest})
    if not rows:
        return None
    [(key_id, words, masks_numbers, country, name)] = rows
    scopes = frozenset(words.split())
    masks = bool(masks_numbers)
    return AuthenticatedKey(key_id, scopes, masks and PII_READ not in scopes, masks, country, name)


def list_keys(tenant: str) -> StoreOperation[list[StoredApiKey]]:
    """List all keys of a tenant by age, revoked ones included. Raises NotFound for an unknown tenant."""
    yield from need_tenant(tenant)
    rows = yield Statement("list_keys", {"tenant": tenant})
    return [
        StoredApiKey(key_id, name, tuple(scopes.split()), *times) for key_id, name, scopes, *times in rows
    ]


def need_key(tenant: str, key_id: str) -> StoreOperation[StoredApiKey]:
    """Return the key with that id, also if it is revoked. Raises NotFound for an unknown tenant or key."""
    for key in (yield from list_keys(tenant)):
        if key.key_id == key_id:
            return key
    raise _unknown_key(tenant, key_id)


def record_key_use(tenant: str, key_id: str, now_us: int) -> StoreOperation[None]:
    """Store the time of a key's last use."""
    yield Statement("record_key_use", {"tenant": tenant, "key_id": key_id, "now_us": now_us})


def revoke_key(tenant: str, key_id: str, now_us: int) -> StoreOperation[None]:
    """Revoke a key for good; idempotent. Raises NotFound for an unknown tenant or key."""
    yield from need_tenant(tenant)
    params = {"tenant": tenant, "key_id": key_id, "now_us": now_us}
    done = (yield Statement("revoke_key", params)) if _KEY_ID.fullmatch(key_id) else []
    if not done:
        raise _unknown_key(tenant, key_id)


def _unknown_key(tenant: str, key_id: str) -> NotFound:
    return NotFound(f"tenant {tenant!r} has no key {key_id[:64]!r}")
