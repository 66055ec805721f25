"""Key rotation: checks that stored secrets can be decrypted, and encrypts them with the current key."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from calltally.calls.errors import DamagedStore, Misconfigured
from calltally.calls.identity import uuid_text
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.tenants.vault import Vault, secrets_of_tenant
from calltally.store.webhooks.endpoints import reseal_endpoints, secret_binding


class ResealedSecrets(msgspec.Struct, frozen=True):
    """Numbers of a tenant's secrets that were sealed again, by purpose."""

    tenant: str
    providers: int
    webhook_endpoints: int
    alert_sinks: int


def reseal_tenant(tenant: str, vault: Vault) -> StoreOperation[ResealedSecrets]:
    """Seal all secrets of a tenant in one transaction. Raises Misconfigured if neither key opens one."""
    providers = yield from secrets_of_tenant(tenant)
    for provider, sealed in providers:
        named = {"tenant": tenant, "provider": provider, "sealed_before": sealed}
        yield Statement("reseal_provider", {**named, "sealed": vault.reseal(tenant, provider, sealed)})
    sinks = yield Statement("sink_secrets_of_tenant", {"tenant": tenant})
    for sink, sealed in sinks:
        named = {"tenant": tenant, "sink": sink, "sealed_before": sealed}
        yield Statement("reseal_sink", {**named, "sealed": vault.reseal(tenant, sink_name(sink), sealed)})
    endpoints = yield from reseal_endpoints(tenant, vault)
    return ResealedSecrets(tenant, len(providers), endpoints, len(sinks))


def sink_name(sink: bytes) -> str:
    """Return the name that the settings of an alert sink are sealed for."""
    return f"alert sink {uuid_text(sink)}"


def total_secrets(resealed: Iterator[ResealedSecrets]) -> int:
    return sum(each.providers + each.webhook_endpoints + each.alert_sinks for each in resealed)


# Secrets to check of each kind. A wrong key opens none of them, so a few suffice.
_MOST: Final = 8

_WRONG_KEY: Final = (
    "no stored secret can be decrypted with the secret key (CALLTALLY_SECRET_KEY; unset: secret.key beside"
    " the SQLite database). Restore the key that encrypted them from the backup, or set"
    " CALLTALLY_FORMER_SECRET_KEY to it. If it is lost for good, store a provider's secrets again with"
    " `calltally provider put`; then the service starts, and logs the other secrets that cannot be decrypted"
)


class SealedSecret(NamedTuple):
    """A stored secret, encrypted, and the tenant and name that it is bound to."""

    tenant: str
    name: str
    sealed: bytes


def newest_secrets() -> StoreOperation[list[SealedSecret]]:
    """Return the newest secrets of providers, webhook endpoints and alert sinks, if any are stored."""
    providers = yield Statement("admin_newest_provider_secrets", {"most": _MOST})
    found = [SealedSecret(*row) for row in providers]
    endpoints = yield Statement("admin_newest_endpoint_secrets", {"most": _MOST})
    found += [
        SealedSecret(tenant, secret_binding(endpoint), sealed) for tenant, endpoint, sealed in endpoints
    ]
    sinks = yield Statement("admin_newest_sink_secrets", {"most": _MOST})
    return found + [SealedSecret(tenant, sink_name(sink), sealed) for tenant, sink, sealed in sinks]


def failing_secrets(vault: Vault, stored: Sequence[SealedSecret]) -> list[str]:
    """Return the errors of undecryptable secrets. Raises Misconfigured for a key that decrypts none."""
    faults = [fault for each in stored if (fault := _fault(vault, each))]
    if stored and len(faults) == len(stored):
        raise Misconfigured(_WRONG_KEY)
    return faults


def _fault(vault: Vault, secret: SealedSecret) -> str | None:
    try:
        vault.open(*secret)
    except (Misconfigured, DamagedStore) as fault:
        return fault.detail
    return None
