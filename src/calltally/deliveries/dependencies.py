"""What deliveries are made with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from calltally.calls.times import SECOND_US
from calltally.net.http_client import OutgoingClient
from calltally.store.db.interface import WatchedStore
from calltally.store.db.operation import Clock
from calltally.store.tenants.vault import Vault

# A lease outlives the longest request that is begun under it by at least this.
MARGIN_S: Final = 0.5
_SPARE_S: Final = 2.0


class DeliveryMetrics(Protocol):
    """Where is counted what becomes of deliveries."""

    def delivery_attempted(self, outcome: str, *, took_s: float, age_s: float | None) -> None:
        """One attempt; `age_s`, from the commit on, is given for an event's first."""
        ...


@dataclass(frozen=True, kw_only=True)
class DeliveryDependencies:
    """What deliveries are made with. `vault` may raise Misconfigured: it is asked when it is needed.

    `chance` gives 0 to 1; `holder` is a name that no other process has; `timeout_s` is that of `outgoing`.
    """

    store: WatchedStore
    outgoing: OutgoingClient
    vault: Callable[[], Vault]
    clock: Clock
    chance: Callable[[], float]
    holder: str
    timeout_s: float
    tally: DeliveryMetrics
    user_agent: str

    @property
    def lease_us(self) -> int:
        """For how long a tenant is claimed."""
        return int((self.timeout_s + _SPARE_S) * SECOND_US)


class NoMetrics:
    """Counts nothing: a process that nobody can ask."""

    def delivery_attempted(self, outcome: str, *, took_s: float, age_s: float | None) -> None:
        """Nothing."""


NO_METRICS: Final = NoMetrics()
