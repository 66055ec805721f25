"""Who presents a key: bearer keys (RFC 6750) from the store, and the one admin key."""

import re
from collections.abc import Callable
from hmac import compare_digest
from typing import Final, NamedTuple, NoReturn, Protocol, TypeVar

from calltally.calls.errors import Unauthorized
from calltally.calls.times import SECOND_US
from calltally.store.db.operation import Clock, StoreOperation
from calltally.store.tenants.api_keys import digest_of_key, find_key, tenant_of_key
from calltally.web.request.access import ADMIN, Access

T = TypeVar("T")

# How long a key that another process revoked may go on working here.
CACHE_TTL_US: Final = 5 * SECOND_US
CACHE_KEYS: Final = 10_000
# The scheme is case-insensitive (RFC 9110, section 11.1); the token's alphabet is RFC 6750's.
_BEARER: Final = re.compile(rb"bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE)
_ADMIN_ACCESS: Final = Access(None, ADMIN, frozenset(), is_admin=True)


class Reads(Protocol):
    """The half of a store that looking a key up needs."""

    async def read(self, operation: StoreOperation[T]) -> T:
        """Run a step that only reads."""
        ...


class _Known(NamedTuple):
    access: Access
    until_us: int


class KeyRing:
    """Looks keys up and remembers the good ones for a few seconds. `clock` should be a monotonic one.

    Wrong keys are not remembered: an attacker has as many as they like.
    """

    def __init__(self, store: Reads, clock: Clock, admin_key: str | None = None) -> None:
        self._store = store
        self._clock = clock
        self._admin_key = admin_key.encode() if admin_key else None
        self._known: dict[bytes, _Known] = {}
        # Counts revocations, so that a look-up that began before one is not remembered after it.
        self._revocations = 0

    async def access(self, authorization: bytes | None, admin_key: bytes | None) -> Access:
        """The access that the headers stand for; `authorization` counts where both are sent.

        Raises Unauthorized, with the same words for a key that is missing, wrong or revoked.
        """
        if authorization is not None:
            return await self._of_bearer(authorization)
        if admin_key is None or self._admin_key is None or not compare_digest(admin_key, self._admin_key):
            _refuse()
        return _ADMIN_ACCESS

    async def _of_bearer(self, authorization: bytes) -> Access:
        found = _BEARER.fullmatch(authorization)
        text = found[1].decode("ascii") if found else ""
        tenant = tenant_of_key(text)
        if tenant is None:
            _refuse()
        digest = digest_of_key(text)
        known = self._known.get(digest)
        if known and known.until_us > self._clock():
            return known.access
        return await self._looked_up(tenant, digest)

    async def _looked_up(self, tenant: str, digest: bytes) -> Access:
        before = self._revocations
        key = await self._store.read(find_key(tenant, digest))
        if key is None:
            self._known.pop(digest, None)
            _refuse()
        access = Access(tenant, key.key_id, key.scopes, is_masked=key.is_masked, masks=key.masks)
        if before == self._revocations:
            self._remember(digest, access)
        return access

    def _remember(self, digest: bytes, access: Access) -> None:
        self._known.pop(digest, None)
        if len(self._known) >= CACHE_KEYS:
            del self._known[next(iter(self._known))]
        self._known[digest] = _Known(access, self._clock() + CACHE_TTL_US)

    def forget(self, tenant: str, key_id: str) -> None:
        """Make a revocation count at once in this process. Call it after the store has it."""
        self._forget(lambda access: (access.tenant, access.key_id) == (tenant, key_id))

    def forget_tenant(self, tenant: str) -> None:
        """The same for what keys of a tenant may see."""
        self._forget(lambda access: access.tenant == tenant)

    def _forget(self, is_meant: Callable[[Access], bool]) -> None:
        self._revocations += 1
        gone = [digest for digest, (access, _until) in self._known.items() if is_meant(access)]
        for digest in gone:
            del self._known[digest]


def _refuse() -> NoReturn:
    message = "send a valid key: Authorization: Bearer ct_..., or x-admin-key for administration"
    raise Unauthorized(message)
