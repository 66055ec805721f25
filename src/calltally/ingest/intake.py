"""Composition of the HTTP intake over one store."""

from calltally.ingest.callbacks import CallbackReceiver, Providers, SecretCache
from calltally.ingest.own_events import OwnEventReceiver
from calltally.ingest.replay import DeadLetterReplay
from calltally.ingest.routes import RouteTableCache
from calltally.providers.registry import PROVIDERS
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock
from calltally.store.db.usage import CacheUse
from calltally.store.tenants.vault import Vault


class Intake:
    """Intake of callbacks and of own events, with shared caches of the tenants' routes and secrets."""

    def __init__(self, store: Store, vault: Vault, clock: Clock, *, providers: Providers = PROVIDERS) -> None:
        self._store, self._clock, self._providers = store, clock, providers
        self._routes = RouteTableCache(store, clock)
        self._secrets = SecretCache(store, vault, clock)
        self.callbacks = CallbackReceiver(store, providers, secrets=self._secrets, routes=self._routes)
        self.own_events = OwnEventReceiver(store, self._routes)

    def dead_letter_replay(self, *, deliver: bool) -> DeadLetterReplay:
        return DeadLetterReplay(
            self._store, self._providers, clock=self._clock, secrets=self._secrets, deliver=deliver
        )

    def cache_use(self) -> dict[str, CacheUse]:
        """Return the lookups in the caches, by their names in metrics."""
        return {"routes": self._routes.use, "secrets": self._secrets.use}

    def invalidate(self, tenant: str) -> None:
        """Drop the tenant's cached routes and secrets. Other processes follow within two seconds."""
        self._routes.invalidate(tenant)
        self._secrets.invalidate_tenant(tenant)
