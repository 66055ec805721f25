"""All that comes in over HTTP, put together over one store."""

from calltally.ingest.callbacks import Callbacks, Providers, StoredSecrets
from calltally.ingest.own_events import OwnEvents
from calltally.ingest.routes import RouteTables
from calltally.providers.registry import PROVIDERS
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock
from calltally.store.tenants.vault import Vault


class Intake:
    """The two ways in, which share what they remember of the tenants' routes."""

    def __init__(self, store: Store, vault: Vault, clock: Clock, *, providers: Providers = PROVIDERS) -> None:
        self._routes = RouteTables(store, clock)
        self._secrets = StoredSecrets(store, vault, clock)
        self.callbacks = Callbacks(store, providers, secrets=self._secrets, routes=self._routes)
        self.own_events = OwnEvents(store, self._routes)

    def forget(self, tenant: str) -> None:
        """Make a change of the tenant's routes or secrets count at once; other processes take two seconds."""
        self._routes.forget(tenant)
        self._secrets.forget_tenant(tenant)
