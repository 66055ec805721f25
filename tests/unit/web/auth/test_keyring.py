"""Authentication by keys, and its cache."""

import asyncio
from typing import TypeVar

import pytest

from calltally.calls.errors import Unauthorized
from calltally.store.db.operation import Rows, Statement, StoreOperation
from calltally.store.tenants.api_keys import digest_of_key, mint_key
from calltally.web.auth.keyring import CACHE_KEYS, CACHE_TTL_US, KeyRing
from calltally.web.request.access import Access

T = TypeVar("T")

KEY = mint_key("acme-1", ["calls:read", "events:write"])
ADMIN_KEY = "let-me-in"


class OneTable:
    """A store that knows keys by (tenant, digest), and counts how often it is asked."""

    def __init__(self) -> None:
        self.keys = {
            ("acme-1", digest_of_key(KEY.text)): (KEY.key_id, " ".join(KEY.scopes), 0, None, "billing")
        }
        self.requested = 0
        self.reading = asyncio.Event()
        self.opened = asyncio.Event()
        self.opened.set()

    async def read(self, step: StoreOperation[T]) -> T:
        self.requested += 1
        statement = next(step)
        assert isinstance(statement, Statement)
        row = self.keys.get((statement.params["tenant"], statement.params["digest"]))
        rows: Rows = [row] if row else []
        self.reading.set()
        await self.opened.wait()
        try:
            step.send(rows)
        except StopIteration as done:
            result: T = done.value
            return result
        message = "the step asked for more"
        raise AssertionError(message)


class Ring:
    """A key ring with a clock to turn."""

    def __init__(self) -> None:
        self.now_us = 0
        self.store = OneTable()
        self.keys = KeyRing(self.store, lambda: self.now_us, ADMIN_KEY)

    def bearer(self, text: str, scheme: str = "Bearer") -> Access:
        return asyncio.run(self.keys.access(f"{scheme} {text}".encode(), None))

    def admin(self, text: str | None) -> Access:
        return asyncio.run(self.keys.access(None, None if text is None else text.encode()))


@pytest.fixture
def ring() -> Ring:
    return Ring()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_a_good_key_is_its_tenants(ring: Ring, scheme: str) -> None:
    access = Access("acme-1", KEY.key_id, frozenset(KEY.scopes), name="billing")
    assert ring.bearer(KEY.text, scheme) == access


WITHOUT_BEARER = [
    b"",
    b"Bearer",
    b"Bearer ",
    b"Basic " + KEY.text.encode(),
    KEY.text.encode(),
    b"Bearer " + KEY.text.encode() + b"\xff",
]
UNKNOWN = [
    b"Bearer " + KEY.text.encode()[:-1],
    b"Bearer " + KEY.text.encode() + b"x",
    b"Bearer " + KEY.text.encode().replace(b"acme-1", b"acme-2"),
    b"Bearer " + mint_key("acme-1", ["calls:read"]).text.encode(),
    b"Bearer " + ADMIN_KEY.encode() + b"x",
]


def refusal(ring: Ring, authorization: bytes) -> str:
    with pytest.raises(Unauthorized) as wrong:
        asyncio.run(ring.keys.access(authorization, None))
    return wrong.value.detail


# Numbered, as a new key in the name of a test would make it another test in each process.
@pytest.mark.parametrize("authorization", WITHOUT_BEARER, ids=range(len(WITHOUT_BEARER)))
def test_header_without_bearer_is_refused_with_its_form(ring: Ring, authorization: bytes) -> None:
    assert "is not of the form Bearer KEY" in refusal(ring, authorization)
    assert ring.store.requested == 0


def test_every_unknown_key_gets_the_same_words(ring: Ring) -> None:
    assert len({refusal(ring, authorization) for authorization in UNKNOWN}) == 1


def test_key_in_the_other_header_is_named(ring: Ring) -> None:
    assert "this is the admin key" in refusal(ring, b"Bearer " + ADMIN_KEY.encode())
    with pytest.raises(Unauthorized, match="this is a tenant's key"):
        ring.admin(KEY.text)
    assert ring.store.requested == 0


def test_missing_key_is_named(ring: Ring) -> None:
    with pytest.raises(Unauthorized, match="the request has no key"):
        ring.admin(None)


def test_a_malformed_key_is_not_read_from_the_database(ring: Ring) -> None:
    with pytest.raises(Unauthorized):
        ring.bearer("ct_Acme_" + "x" * 43)
    assert ring.store.requested == 0


def test_the_admin_key_is_of_no_tenant(ring: Ring) -> None:
    access = ring.admin(ADMIN_KEY)
    assert access.is_admin
    assert access.tenant is None


@pytest.mark.parametrize("text", ["", "let-me-i", "let-me-in ", "LET-ME-IN"])
def test_a_wrong_admin_key_is_refused(ring: Ring, text: str) -> None:
    with pytest.raises(Unauthorized):
        ring.admin(text)


@pytest.mark.parametrize("text", ["", "None", "anything"])
def test_without_an_admin_key_configured_nobody_is_admin(ring: Ring, text: str) -> None:
    keys = KeyRing(ring.store, lambda: 0)
    with pytest.raises(Unauthorized):
        asyncio.run(keys.access(None, text.encode()))


def test_the_bearer_key_counts_where_both_are_sent(ring: Ring) -> None:
    access = asyncio.run(ring.keys.access(f"Bearer {KEY.text}".encode(), ADMIN_KEY.encode()))
    assert not access.is_admin


def test_a_good_key_is_read_from_the_database_once_in_a_while(ring: Ring) -> None:
    for _ in range(3):
        ring.bearer(KEY.text)
    assert ring.store.requested == 1
    ring.now_us = CACHE_TTL_US
    ring.bearer(KEY.text)
    assert ring.store.requested == 2


def test_a_wrong_key_is_read_from_the_database_each_time(ring: Ring) -> None:
    wrong = mint_key("acme-1", ["calls:read"]).text
    for _ in range(2):
        with pytest.raises(Unauthorized):
            ring.bearer(wrong)
    assert ring.store.requested == 2


def test_a_revocation_elsewhere_counts_when_the_memory_runs_out(ring: Ring) -> None:
    ring.bearer(KEY.text)
    ring.store.keys.clear()
    ring.bearer(KEY.text)
    ring.now_us = CACHE_TTL_US
    with pytest.raises(Unauthorized):
        ring.bearer(KEY.text)


def test_a_revocation_here_counts_at_once(ring: Ring) -> None:
    ring.bearer(KEY.text)
    ring.store.keys.clear()
    ring.keys.forget("acme-2", KEY.key_id)
    ring.bearer(KEY.text)
    ring.keys.forget("acme-1", KEY.key_id)
    with pytest.raises(Unauthorized):
        ring.bearer(KEY.text)


def test_a_lookup_that_began_before_a_revocation_is_not_cached_after_it(ring: Ring) -> None:
    async def race() -> Access:
        ring.store.opened.clear()
        early = asyncio.create_task(ring.keys.access(f"Bearer {KEY.text}".encode(), None))
        await ring.store.reading.wait()
        ring.store.keys.clear()
        ring.keys.forget("acme-1", KEY.key_id)
        ring.store.opened.set()
        return await early

    assert asyncio.run(race()).tenant == "acme-1"
    with pytest.raises(Unauthorized):
        ring.bearer(KEY.text)


def test_memory_is_bounded(ring: Ring) -> None:
    async def look_up_many() -> None:
        for at in range(CACHE_KEYS + 5):
            digest = at.to_bytes(4, "big")
            ring.store.keys["acme-1", digest] = (str(at), "calls:read", 0, None, "")
            await ring.keys._look_up("acme-1", digest)

    asyncio.run(look_up_many())
    assert len(ring.keys._cache) == CACHE_KEYS
