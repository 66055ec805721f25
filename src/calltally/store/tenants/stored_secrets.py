"""Check that the stored secrets open with the keys of this process."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from calltally.calls.errors import DamagedStore, Misconfigured
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.maintenance.key_rotation import sink_name
from calltally.store.tenants.vault import Vault
from calltally.store.webhooks.endpoints import secret_binding

# Secrets to check of each kind. A wrong key opens none of them, so a few suffice.
_MOST: Final = 8

_WRONG_KEY: Final = (
    "none of the stored secrets opens with the secret key (CALLTALLY_SECRET_KEY; unset: secret.key beside the"
    " SQLite database). Restore the key that they were encrypted with from the backup, or set"
    " CALLTALLY_FORMER_SECRET_KEY to it. If it is lost for good, store a provider's secrets again with"
    " `calltally provider put`; then the service starts, and names the others that do not open"
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
    """Return why some do not open. Raises Misconfigured where none does: the key is not theirs."""
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
