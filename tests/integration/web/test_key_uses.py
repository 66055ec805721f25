"""Time of a key's last use: stored after a request, once an hour."""

from calltally.calls.errors import Unavailable
from calltally.store.tenants.api_keys import list_keys
from calltally.web.auth.key_uses import PRECISION_US, KeyUses
from calltally.web.request.access import ADMIN, Access
from tests.conftest import TENANT, Bench
from tests.integration.web.service import Broken, Service


def last_use(bench: Bench) -> int | None:
    [key] = bench.run(bench.store.read(list_keys(TENANT)))
    return key.last_used_us


async def noted(uses: KeyUses, *accesses: Access) -> None:
    for access in accesses:
        uses.note(access)
    await uses.times.written()


def test_a_use_is_stored_once_an_hour(bench: Bench) -> None:
    Service(bench)
    [key] = bench.run(bench.store.read(list_keys(TENANT)))
    uses = KeyUses(bench.store, lambda: bench.now_us)
    access = Access(TENANT, key.key_id, frozenset())
    assert last_use(bench) is None
    first_us = bench.now_us
    bench.run(noted(uses, access, access))
    assert last_use(bench) == first_us
    bench.now_us += PRECISION_US // 2
    bench.run(noted(uses, access))
    assert last_use(bench) == first_us
    bench.now_us += PRECISION_US
    bench.run(noted(uses, access))
    assert last_use(bench) == bench.now_us


def test_the_admin_key_has_no_row(bench: Bench) -> None:
    uses = KeyUses(bench.store, lambda: bench.now_us)
    bench.run(noted(uses, Access(None, ADMIN, frozenset(), is_admin=True)))
    assert not uses.times._writes


def test_an_unavailable_store_loses_a_use_and_no_request(bench: Bench) -> None:
    uses = KeyUses(Broken(Unavailable("away", retry_after_s=3)), lambda: bench.now_us)
    bench.run(noted(uses, Access(TENANT, "key_0", frozenset())))
    bench.run(uses.times.close())
