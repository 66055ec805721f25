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
    "alerts:write": "acknowledge alerts, set their rules and where they are told",
    "webhooks:write": "manage webhook endpoints",
}
# 256 bits as unpadded base64url: 43 characters. Guessing is hopeless, so a plain hash is enough at rest.
_RANDOM_BYTES: Final = 32
# A tenant's id has no underscore, so the second one ends it; the random part may have more.
_KEY: Final = re.compile(r"ct_([a-z0-9-]{1,64})_[A-Za-z0-9_-]{43}", re.ASCII)
_KEY_ID: Final = re.compile(r"key_[0-9a-f]{16}", re.ASCII)


class Key(NamedTuple):
    """What may be shown of a key at any time."""

    key_id: str
    name: str
    scopes: tuple[str, ...]
    created_us: int
    revoked_us: int | None


class NewKey(NamedTuple):
    """A key as it is shown once: `text` is the secret."""

    key_id: str
    text: str
    scopes: tuple[str, ...]


class KnownKey(NamedTuple):
    """What a presented key turned out to be.

    `masks` is whether its tenant hides whole numbers, `is_masked` whether from this very key.
    """

    key_id: str
    scopes: frozenset[str]
    is_masked: bool = False
    masks: bool = False


def mint_key(tenant: str, scopes: Collection[str]) -> NewKey:
    """A new key for `tenant`; nothing is stored. Raises InvalidInput for an unknown scope, or none."""
    text = f"ct_{check_tenant_id(tenant)}_{secrets.token_urlsafe(_RANDOM_BYTES)}"
    return NewKey(f"key_{secrets.token_hex(8)}", text, check_scopes(scopes))


def check_scopes(scopes: Collection[str]) -> tuple[str, ...]:
    """The scopes, each once and sorted; raises InvalidInput naming the wrong ones."""
    unknown = sorted(set(scopes) - SCOPES.keys())
    if unknown or not scopes:
        wrong = f"unknown: {', '.join(unknown)}" if unknown else "none given"
        raise InvalidInput.of("scopes", f"scopes are one or more of {', '.join(SCOPES)}; {wrong}")
    return tuple(sorted(set(scopes)))


def tenant_of_key(text: str) -> str | None:
    """The tenant that a key's own text names; None if it cannot be a key."""
    found = _KEY.fullmatch(text)
    return found[1] if found else None


def digest_of_key(text: str) -> bytes:
    """What is stored of a key."""
    return sha256(text.encode()).digest()


def add_key(tenant: str, key: NewKey, name: str, now_us: int) -> StoreOperation[Key]:
    """Store a minted key. Raises NotFound for an unknown tenant."""
    yield from need_tenant(tenant)
    params = {
        "tenant": tenant,
        "key_id": key.key_id,
        "digest": digest_of_key(key.text),
        "name": check_name(name),
        "scopes": " ".join(key.scopes),
        "now_us": now_us,
    }
    yield Statement("add_key", params)
    return Key(key.key_id, name, key.scopes, now_us, None)


def find_key(tenant: str, digest: bytes) -> StoreOperation[KnownKey | None]:
    """The unrevoked key of that digest."""
    rows = yield Statement("find_key", {"tenant": tenant, "digest": digest})
    if not rows:
        return None
    [(key_id, words, masks_numbers)] = rows
    scopes = frozenset(words.split())
    masks = bool(masks_numbers)
    return KnownKey(key_id, scopes, masks and PII_READ not in scopes, masks)


def list_keys(tenant: str) -> StoreOperation[list[Key]]:
    """All keys of a tenant by age, the revoked ones too. Raises NotFound for an unknown tenant."""
    yield from need_tenant(tenant)
    rows = yield Statement("list_keys", {"tenant": tenant})
    return [
        Key(key_id, name, tuple(scopes.split()), created_us, revoked_us)
        for key_id, name, scopes, created_us, revoked_us in rows
    ]


def revoke_key(tenant: str, key_id: str, now_us: int) -> StoreOperation[None]:
    """End a key for good; a second time changes nothing. Raises NotFound for an unknown tenant or key."""
    yield from need_tenant(tenant)
    params = {"tenant": tenant, "key_id": key_id, "now_us": now_us}
    done = (yield Statement("revoke_key", params)) if _KEY_ID.fullmatch(key_id) else []
    if not done:
        message = f"tenant {tenant!r} has no key {key_id[:64]!r}"
        raise NotFound(message)
