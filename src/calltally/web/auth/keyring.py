"""Authentication of bearer keys (RFC 6750) against the store, and of the admin key."""

import re
from collections.abc import Callable
from hmac import compare_digest
from typing import Final, Protocol, TypeVar

from cachetools import TTLCache

from calltally.calls.errors import Unauthorized
from calltally.calls.times import SECOND_US
from calltally.logs import redact_text
from calltally.store.db.operation import Clock, StoreOperation
from calltally.store.db.usage import CacheUse
from calltally.store.tenants.api_keys import digest_of_key, find_key, tenant_of_key
from calltally.web.request.access import ADMIN, Access

T = TypeVar("T")

# For this long, a key that another process revoked may still work here.
CACHE_TTL_US: Final = 5 * SECOND_US
CACHE_KEYS: Final = 10_000
# The scheme is case-insensitive (RFC 9110, section 11.1); the token's alphabet is RFC 6750's.
_BEARER: Final = re.compile(rb"bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE)
_NO_KEY: Final = (
    "the request has no key; send it as Authorization: Bearer ct_..., or the admin key as x-admin-key"
)
_NO_BEARER: Final = (
    "the Authorization header is not of the form Bearer KEY; send Authorization: Bearer ct_..."
)
# The same for both: whether a key once existed is nobody's business.
_UNKNOWN_KEY: Final = "the key is unknown or revoked; copy the whole key, or create another"
_WRONG_ADMIN_KEY: Final = (
    "the value of x-admin-key is not this service's admin key, or the service has no admin key"
)
_ADMIN_KEY_AS_BEARER: Final = "this is the admin key; send it as x-admin-key, without Authorization"
_TENANT_KEY_AS_ADMIN: Final = "this is a tenant's key; send it as Authorization: Bearer ct_..."
_ADMIN_ACCESS: Final = Access(None, ADMIN, frozenset(), is_admin=True, name=ADMIN)


class Reads(Protocol):
    """The read access to the store that a key lookup needs."""

    async def read(self, operation: StoreOperation[T]) -> T:
        """Run a read-only operation."""
        ...


class KeyRing:
    """Authenticator with a cache of valid keys. `clock` should be monotonic.

    Wrong keys are not cached, because an attacker can send any number of them.
    """

    def __init__(self, store: Reads, clock: Clock, admin_key: str | None = None) -> None:
        self._store = store
        self._admin_key = admin_key.encode() if admin_key else None
        self._cache: TTLCache[bytes, Access] = TTLCache(CACHE_KEYS, CACHE_TTL_US, timer=clock)
        # Number of revocations. A lookup that started before a revocation is not cached after it.
        self._revocations = 0
        self._hits = self._misses = 0

    @property
    def use(self) -> CacheUse:
        """Lookups in the cache of keys."""
        return CacheUse(self._hits, self._misses)

    async def access(self, authorization: bytes | None, admin_key: bytes | None) -> Access:
        """Return the access of the headers' values; `authorization` wins if both are sent.

        Raises Unauthorized, with the same message for an unknown and a revoked key.
        """
        if authorization is not None:
            return await self._authenticate_bearer(authorization)
        if admin_key is None:
            raise Unauthorized(_NO_KEY)
        if not self._is_admin_key(admin_key):
            is_of_tenant = tenant_of_key(admin_key.decode("latin-1")) is not None
            raise Unauthorized(_TENANT_KEY_AS_ADMIN if is_of_tenant else _WRONG_ADMIN_KEY)
        return _ADMIN_ACCESS

    def _is_admin_key(self, key: bytes) -> bool:
        return self._admin_key is not None and compare_digest(key, self._admin_key)

    async def _authenticate_bearer(self, authorization: bytes) -> Access:
        found = _BEARER.fullmatch(authorization)
        if found is None:
            raise Unauthorized(_NO_BEARER)
        text = found[1].decode("ascii")
        tenant = tenant_of_key(text)
        if tenant is None:
            raise Unauthorized(_ADMIN_KEY_AS_BEARER if self._is_admin_key(found[1]) else _UNKNOWN_KEY)
        digest = digest_of_key(text)
        cached = self._cache.get(digest)
        if cached is not None:
            self._hits += 1
            return cached
        self._misses += 1
        return await self._look_up(tenant, digest)

    async def _look_up(self, tenant: str, digest: bytes) -> Access:
        before = self._revocations
        key = await self._store.read(find_key(tenant, digest))
        if key is None:
            self._cache.pop(digest, None)
            raise Unauthorized(_UNKNOWN_KEY)
        access = Access(
            tenant,
            key.key_id,
            key.scopes,
            is_masked=key.is_masked,
            masks=key.masks,
            country=key.country,
            name=redact_text(key.name),
        )
        if before == self._revocations:
            self._cache[digest] = access
        return access

    def forget(self, tenant: str, key_id: str) -> None:
        """Remove a key from the cache of this process.

        Call it after the store has committed the revocation.
        """
        self._drop(lambda access: (access.tenant, access.key_id) == (tenant, key_id))

    def forget_tenant(self, tenant: str) -> None:
        """Remove all keys of a tenant from the cache of this process."""
        self._drop(lambda access: access.tenant == tenant)

    def _drop(self, matches: Callable[[Access], bool]) -> None:
        self._revocations += 1
        revoked = [digest for digest, access in [*self._cache.items()] if matches(access)]
        for digest in revoked:
            self._cache.pop(digest, None)
