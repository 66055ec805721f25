"""Vault of secrets, encrypted at rest with AES-256-GCM and bound to their tenant and provider."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec

from calltally.calls.errors import DamagedStore, Misconfigured, NotFound
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.tenants.tenants import is_tenant_id, need_tenant

# Format of a sealed secret: this byte, the key's id, then the output of `aes_gcm`.
_VERSION: Final = 1
_HEAD: Final = 2


class Vault:
    """Vault that seals with the current key, and opens with it or a former one. Keys are 32 bytes each."""

    def __init__(self, key: bytes, former: bytes | None = None) -> None:
        self._current = _key_id(key)
        self._keys = {_key_id(each): each for each in (former, key) if each}

    def seal(self, tenant: str, provider: str, secrets: Mapping[str, str]) -> bytes:
        """Encrypt secrets by name, so that they open only for this tenant and provider."""
        from calltally.store.tenants import (
            aes_gcm as sealing,
        )  # deferred: 6 MB, which no idle service has to hold

        plain = msgspec.json.encode(dict(secrets))
        made = sealing.encrypt(self._keys[self._current], plain, _bound_to(tenant, provider))
        return bytes((_VERSION, self._current)) + made

    def open(self, tenant: str, provider: str, sealed: bytes) -> dict[str, str]:
        """Return the secrets by name. Raises Misconfigured for another key, DamagedStore for other bytes."""
        from calltally.store.tenants import aes_gcm as sealing  # deferred: the same

        whose = f"the secrets of tenant {tenant!r} for {provider!r}"
        key = self._keys.get(sealed[1]) if sealed[:1] == bytes((_VERSION,)) and sealed[1:] else None
        if key is None:
            remedy = "set CALLTALLY_FORMER_SECRET_KEY, or store them again"
            raise Misconfigured(f"{whose} were encrypted with another key: {remedy}")
        plain = sealing.decrypt(key, sealed[_HEAD:], _bound_to(tenant, provider))
        if plain is None:
            message = f"{whose} cannot be decrypted: the stored bytes or the key changed; store them again"
            raise DamagedStore(message)
        return msgspec.json.decode(plain, type=dict[str, str])

    def reseal(self, tenant: str, provider: str, sealed: bytes) -> bytes:
        """Return the same secrets sealed with the current key. Raises as `open` does."""
        return self.seal(tenant, provider, self.open(tenant, provider, sealed))


def _key_id(key: bytes) -> int:
    return sha256(b"calltally key id" + key).digest()[0]


def _bound_to(tenant: str, provider: str) -> bytes:
    return f"{tenant}\0{provider}".encode()


def put_provider_secrets(tenant: str, provider: str, sealed: bytes, now_us: int) -> StoreOperation[None]:
    """Store a provider's sealed secrets in place of earlier ones. Raises NotFound for an unknown tenant."""
    yield from need_tenant(tenant)
    params = {"tenant": tenant, "provider": provider, "sealed": sealed, "now_us": now_us}
    yield Statement("put_provider_secrets", params)


def list_provider_secrets(tenant: str) -> StoreOperation[list[tuple[str, int]]]:
    """Return the providers with stored secrets, each with the time of its last change. Raises NotFound."""
    yield from need_tenant(tenant)
    rows = yield Statement("list_provider_secrets", {"tenant": tenant})
    return [(provider, updated_us) for provider, updated_us in rows]


def remove_provider_secrets(tenant: str, provider: str) -> StoreOperation[None]:
    """Remove a provider's secrets; its callbacks are refused from then on. Raises NotFound."""
    yield from need_tenant(tenant)
    if not (yield Statement("remove_provider_secrets", {"tenant": tenant, "provider": provider})):
        raise no_secrets(tenant, provider)


def no_secrets(tenant: str, provider: str) -> NotFound:
    """Return the error that no secrets of a provider are stored."""
    return NotFound(f"tenant {tenant} has no secrets of {provider[:64]!r}")


def find_provider_secrets(tenant: str, provider: str) -> StoreOperation[bytes | None]:
    """Return a provider's sealed secrets; None if there are none, also for an unknown tenant."""
    if not is_tenant_id(tenant):
        return None
    rows = yield Statement("find_provider_secrets", {"tenant": tenant, "provider": provider})
    return rows[0][0] if rows else None


def record_receipt(key: tuple[str, str], now_us: int) -> StoreOperation[None]:
    """Store the time of the last authentic callback of a tenant and a provider."""
    tenant, provider = key
    yield Statement("record_receipt", {"tenant": tenant, "provider": provider, "now_us": now_us})


def secrets_of_tenant(tenant: str) -> StoreOperation[list[tuple[str, bytes]]]:
    """Return the sealed secrets of a tenant, each with its provider."""
    rows = yield Statement("provider_secrets_of_tenant", {"tenant": tenant})
    return [(row[0], row[1]) for row in rows]
