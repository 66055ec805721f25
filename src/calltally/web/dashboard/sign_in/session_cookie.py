"""Session cookie of the dashboard: an encrypted API key that scripts cannot read.

The cookie contains the key, encrypted with the service's secret key. A revoked key therefore ends its
sessions, and no process stores sessions. The cookie is renewed while it is used. It expires when idle, and
after a week at the latest.
"""

import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NoBase64
from typing import Final, NamedTuple, Self

from calltally.calls.errors import CalltallyError, DamagedStore, Misconfigured
from calltally.calls.times import SECOND_US
from calltally.store.tenants.vault import Vault

COOKIE: Final = "calltally_session"
# Name over https: with this prefix, browsers refuse a cookie from a neighbouring host (RFC 6265bis, section
# 4.1.3).
HOST_COOKIE: Final = f"__Host-{COOKIE}"
# Name under a path of the host: the cookie keeps to that path, and the other name demands the path /.
SECURE_COOKIE: Final = f"__Secure-{COOKIE}"
IDLE_US: Final = 12 * 3600 * SECOND_US
MAX_SESSION_US: Final = 7 * 86_400 * SECOND_US
_RENEWED_AFTER_US: Final = 15 * 60 * SECOND_US
_MAX_CHARS: Final = 4_096
_SEALED: Final = re.compile(r"[A-Za-z0-9_-]+")
_PURPOSE: Final = "dashboard session"


class SignedOut(CalltallyError):
    """The session is missing, expired or invalid."""

    slug = "unauthorized"
    title = "Sign in first"


class DashboardSession(NamedTuple):
    """One session. `tenant` is the tenant that an administrator opened; empty for a tenant's own key."""

    key: str
    tenant: str
    csrf: str
    began_us: int
    seen_us: int

    @classmethod
    def start(cls, key: str, tenant: str, now_us: int) -> Self:
        return cls(key, tenant, secrets.token_urlsafe(24), now_us, now_us)

    def is_expired(self, now_us: int) -> bool:
        """Return whether the session was idle too long or has reached its maximum age."""
        return now_us - self.seen_us > IDLE_US or now_us - self.began_us > MAX_SESSION_US

    def needs_renewal(self, now_us: int) -> bool:
        return now_us - self.seen_us > _RENEWED_AFTER_US

    def seal(self, vault: Vault) -> str:
        fields = {name: str(value) for name, value in self._asdict().items()}
        return urlsafe_b64encode(vault.seal("", _PURPOSE, fields)).decode().rstrip("=")


def open_session(vault: Vault, cookie: str | None, now_us: int) -> DashboardSession:
    """Decrypt a cookie value. Raises SignedOut for a missing, damaged or expired session."""
    fields = _unsealed(vault, cookie or "")
    session = DashboardSession(
        *(fields["key"], fields["tenant"], fields["csrf"]),
        began_us=int(fields["began_us"]),
        seen_us=int(fields["seen_us"]),
    )
    if session.is_expired(now_us):
        raise SignedOut("your session has expired; sign in again")
    return session


def _unsealed(vault: Vault, cookie: str) -> dict[str, str]:
    # The decoder ignores characters outside its alphabet.
    if len(cookie) > _MAX_CHARS or not _SEALED.fullmatch(cookie):
        raise SignedOut("you are not signed in; sign in first")
    try:
        sealed = urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))
        return vault.open("", _PURPOSE, sealed)
    except (NoBase64, ValueError, DamagedStore, Misconfigured) as fault:
        raise SignedOut("your session cookie is invalid; sign in again") from fault
