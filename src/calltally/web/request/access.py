"""API scopes, and the rights of an authenticated key."""

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
    """Rights of an authenticated key.

    `tenant` is None only for the admin key, which names a tenant with `tenant=`. `is_masked`: the tenant
    hides full telephone numbers from this key. `masks`: the tenant masks numbers, so pages show full numbers
    only on request and log each reveal. `country`: national numbers in searches are of this country.
    `name`: the key's, for the log.
    """

    tenant: str | None
    key_id: str
    scopes: frozenset[str]
    is_admin: bool = False
    is_masked: bool = False
    masks: bool = False
    country: str | None = None
    name: str = ""

    def has_scope(self, scope: str) -> bool:
        """Return whether the key has `scope`; the admin key has every scope."""
        return self.is_admin or scope in self.scopes

    @property
    def can_read_bodies(self) -> bool:
        """Return whether the key may read raw bodies, which contain transcripts and numbers in any form."""
        return self.has_scope(TRANSCRIPTS_READ) and not self.is_masked
