"""Seal all secrets of a tenant with the current key, so that a former one can be forgotten."""

from collections.abc import Iterator

import msgspec

from calltally.calls.identity import uuid_text
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.tenants.vault import Vault
from calltally.store.webhooks.endpoints import reseal_endpoints


class Resealed(msgspec.Struct, frozen=True):
    """How many secrets of a tenant were sealed anew, by what they are for."""

    tenant: str
    providers: int
    webhook_endpoints: int
    alert_sinks: int


def reseal_tenant(tenant: str, vault: Vault) -> StoreOperation[Resealed]:
    """All of a tenant's, as one transaction. Raises Misconfigured where neither key opens one."""
    providers = yield Statement("provider_secrets_of_tenant", {"tenant": tenant})
    for provider, sealed in providers:
        named = {"tenant": tenant, "provider": provider, "sealed_before": sealed}
        yield Statement("reseal_provider", {**named, "sealed": vault.reseal(tenant, provider, sealed)})
    sinks = yield Statement("sink_secrets_of_tenant", {"tenant": tenant})
    for sink, sealed in sinks:
        named = {"tenant": tenant, "sink": sink, "sealed_before": sealed}
        yield Statement("reseal_sink", {**named, "sealed": vault.reseal(tenant, sink_name(sink), sealed)})
    endpoints = yield from reseal_endpoints(tenant, vault)
    return Resealed(tenant, len(providers), endpoints, len(sinks))


def sink_name(sink: bytes) -> str:
    """What the settings of an alert sink are sealed for (`alerts.telling.sealed_for`)."""
    return f"alert sink {uuid_text(sink)}"


def total(resealed: Iterator[Resealed]) -> int:
    """How many secrets that were in all."""
    return sum(each.providers + each.webhook_endpoints + each.alert_sinks for each in resealed)
