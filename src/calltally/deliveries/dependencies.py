"""Dependencies of the deliveries."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from calltally.calls.times import SECOND_US
from calltally.net.http_client import OutgoingClient
from calltally.store.db.interface import ObservableStore
from calltally.store.db.operation import Clock
from calltally.store.tenants.vault import Vault

# A lease outlives the longest request under it by at least this.
MARGIN_S: Final = 0.5
_SPARE_S: Final = 2.0


class DeliveryMetrics(Protocol):
    """Counter of deliveries and of notifications."""

    def delivery_attempted(self, outcome: str, *, took_s: float, age_s: float | None) -> None:
        """Count one attempt; `age_s`, from the commit on, is given for the first attempt of an event."""
        ...

    def notification_attempted(self, outcome: str) -> None:
        """Count one notification to a sink of alerts."""
        ...


@dataclass(frozen=True, kw_only=True)
class DeliveryDependencies:
    """Dependencies of the deliveries. `vault` may raise Misconfigured, so it is called only when needed.

    `chance` returns 0 to 1; `holder` is a name that no other process has; `timeout_s` is that of `outgoing`.
    `public_url` is that of this service, empty if unset, for links in events.
    """

    store: ObservableStore
    outgoing: OutgoingClient
    vault: Callable[[], Vault]
    clock: Clock
    chance: Callable[[], float]
    holder: str
    timeout_s: float
    tally: DeliveryMetrics
    user_agent: str
    public_url: str = ""

    @property
    def lease_us(self) -> int:
        return int((self.timeout_s + _SPARE_S) * SECOND_US)


class NoMetrics:
    """Metrics of a process without a metrics endpoint: counts nothing."""

    def delivery_attempted(self, outcome: str, *, took_s: float, age_s: float | None) -> None:
        """Count nothing."""

    def notification_attempted(self, outcome: str) -> None:
        """Count nothing."""


NO_METRICS: Final = NoMetrics()
