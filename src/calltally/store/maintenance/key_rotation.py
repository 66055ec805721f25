"""Key rotation: seals all secrets of a tenant with the current key, so that the former can be discarded."""

from collections.abc import Iterator

import msgspec

from calltally.calls.identity import uuid_text
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.tenants.vault import Vault
from calltally.store.webhooks.endpoints import reseal_endpoints


class ResealedSecrets(msgspec.Struct, frozen=True):
    """Numbers of a tenant's secrets that were sealed again, by purpose."""

    tenant: str
    providers: int
    webhook_endpoints: int
    alert_sinks: int


def reseal_tenant(tenant: str, vault: Vault) -> StoreOperation[ResealedSecrets]:
    """Seal all secrets of a tenant in one transaction. Raises Misconfigured if neither key opens one."""
    providers = yield Statement("provider_secrets_of_tenant", {"tenant": tenant})
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
    """Return the total number of secrets."""
    return sum(each.providers + each.webhook_endpoints + each.alert_sinks for each in resealed)
