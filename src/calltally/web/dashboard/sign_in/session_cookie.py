"""Who sits in front of the pages: a key given once, kept sealed in a cookie that no script reads.

The cookie holds the key itself, encrypted under the service's secret key, so that a revoked key ends its
sessions and no process has to remember any. It is sealed anew while it is used, and ends after a while
of rest and, at the latest, after a week.
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
# As browsers know it over https: they then refuse one that a neighbouring host has set (RFC 6265bis, 4.1.3).
HOST_COOKIE: Final = f"__Host-{COOKIE}"
IDLE_US: Final = 12 * 3600 * SECOND_US
MAX_SESSION_US: Final = 7 * 86_400 * SECOND_US
_RENEWED_AFTER_US: Final = 15 * 60 * SECOND_US
_MOST_CHARS: Final = 4_096
_SEALED: Final = re.compile(r"[A-Za-z0-9_-]+")
_PURPOSE: Final = "dashboard session"


class SignedOut(CalltallyError):
    """Nobody is signed in, or what the cookie says has ended."""

    slug = "unauthorized"
    title = "Sign in first"


class DashboardSession(NamedTuple):
    """One person's stay. `tenant` is whom an administrator looks at, empty for a tenant's own key."""

    key: str
    tenant: str
    csrf: str
    began_us: int
    seen_us: int

    @classmethod
    def begin(cls, key: str, tenant: str, now_us: int) -> Self:
        """A new stay, with a new token for its forms."""
        return cls(key, tenant, secrets.token_urlsafe(24), now_us, now_us)

    def is_over(self, now_us: int) -> bool:
        """Whether it has rested too long, or lasted too long."""
        return now_us - self.seen_us > IDLE_US or now_us - self.began_us > MAX_SESSION_US

    def is_worn(self, now_us: int) -> bool:
        """Whether the cookie should be sealed anew."""
        return now_us - self.seen_us > _RENEWED_AFTER_US

    def sealed(self, vault: Vault) -> str:
        """As the cookie's value."""
        told = {name: str(value) for name, value in self._asdict().items()}
        return urlsafe_b64encode(vault.seal("", _PURPOSE, told)).decode().rstrip("=")


def open_session(vault: Vault, cookie: str | None, now_us: int) -> DashboardSession:
    """The session of a cookie's value. Raises SignedOut for none, a damaged one, and one that is over."""
    told = _unsealed(vault, cookie or "")
    session = DashboardSession(
        *(told["key"], told["tenant"], told["csrf"]),
        began_us=int(told["began_us"]),
        seen_us=int(told["seen_us"]),
    )
    if session.is_over(now_us):
        raise SignedOut("the session has ended; sign in again")
    return session


def _unsealed(vault: Vault, cookie: str) -> dict[str, str]:
    # The decoder passes over characters that are not of its alphabet.
    if len(cookie) > _MOST_CHARS or not _SEALED.fullmatch(cookie):
        raise SignedOut("nobody is signed in")
    try:
        sealed = urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))
        return vault.open("", _PURPOSE, sealed)
    except (NoBase64, ValueError, DamagedStore, Misconfigured) as fault:
        raise SignedOut("the session cannot be read; sign in again") from fault
