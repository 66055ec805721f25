"""Who asks: what a key that was presented stands for."""

from typing import Final, NamedTuple

CALLS_READ: Final = "calls:read"
TRANSCRIPTS_READ: Final = "transcripts:read"
EVENTS_WRITE: Final = "events:write"
EXPORTS_WRITE: Final = "exports:write"
ALERTS_WRITE: Final = "alerts:write"
WEBHOOKS_WRITE: Final = "webhooks:write"
ADMIN: Final = "admin"


class Access(NamedTuple):
    """A key that was found good. `tenant` is None for the admin key alone, which names one by `tenant=`."""

    tenant: str | None
    key_id: str
    scopes: frozenset[str]
    is_admin: bool = False

    def may(self, scope: str) -> bool:
        """Whether what needs `scope` is open to this key; the admin key may do everything."""
        return self.is_admin or scope in self.scopes
