"""Time of the last use of each API key, stored at most once an hour and after the response."""

from typing import Final

from calltally.calls.times import SECOND_US
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock
from calltally.store.tenants.api_keys import record_key_use
from calltally.web.metrics.stored_times import StoredTimes
from calltally.web.request.access import Access

PRECISION_US: Final = 3_600 * SECOND_US


class KeyUses:
    """Recorder of the uses of keys."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.times: StoredTimes[tuple[str, str]] = StoredTimes(
            store, clock, lambda key, now_us: record_key_use(*key, now_us), PRECISION_US
        )

    def note(self, access: Access) -> None:
        """Record a use, unless one of this hour is recorded. The admin key is not stored, so it has none."""
        if access.tenant is not None:
            self.times.note((access.tenant, access.key_id))
