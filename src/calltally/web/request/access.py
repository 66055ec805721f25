"""Who asks: what a key that was presented stands for."""

from typing import Final, NamedTuple

CALLS_READ: Final = "calls:read"
TRANSCRIPTS_READ: Final = "transcripts:read"
PII_READ: Final = "pii:read"
EVENTS_WRITE: Final = "events:write"
EXPORTS_WRITE: Final = "exports:write"
ALERTS_WRITE: Final = "alerts:write"
WEBHOOKS_WRITE: Final = "webhooks:write"
ADMIN: Final = "admin"


class Access(NamedTuple):
    """A key that was found good. `tenant` is None for the admin key alone, which names one by `tenant=`.

    From one that `is_masked` the tenant hides whole telephone numbers; where it `masks` them, pages show them
    to others only when they ask, and note who did.
    """

    tenant: str | None
    key_id: str
    scopes: frozenset[str]
    is_admin: bool = False
    is_masked: bool = False
    masks: bool = False

    def has_scope(self, scope: str) -> bool:
        """Whether what needs `scope` is open to this key; the admin key may do everything."""
        return self.is_admin or scope in self.scopes

    @property
    def can_read_bodies(self) -> bool:
        """Whether it may read bodies as they came, with what was said and numbers in any form."""
        return self.has_scope(TRANSCRIPTS_READ) and not self.is_masked
