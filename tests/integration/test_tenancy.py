"""Tenants, keys, routes and secrets in both databases."""

import pytest

from calltally.calls.errors import Conflict, InvalidInput, NotFound
from calltally.store.db.operation import StoreOperation
from calltally.store.tenants.api_keys import (
    AuthenticatedKey,
    IssuedApiKey,
    StoredApiKey,
    add_key,
    digest_of_key,
    find_key,
    list_keys,
    mint_key,
    revoke_key,
)
from calltally.store.tenants.routes import (
    Route,
    RouteTarget,
    checked_route,
    list_routes,
    put_route,
    routes_by_number,
)
from calltally.store.tenants.tenants import (
    Tenant,
    add_tenant,
    admin_list_tenants,
    find_tenant,
    need_tenant,
    new_epoch,
    set_retention,
)
from calltally.store.tenants.vault import find_provider_secrets, put_provider_secrets
from tests.conftest import NOW_US, TENANT, Bench

LATER_US = NOW_US + 5
IMPOSSIBLE = ["", "none", "a\0", "\ud800", "A", "x" * 5000, "'; --"]


def added(bench: Bench, *scopes: str, name: str = "") -> IssuedApiKey:
    key = mint_key(TENANT, scopes or ["calls:read"])
    bench.run(bench.store.write(add_key(TENANT, key, name, bench.now_us)))
    return key


def route(bench: Bench, name: str, *numbers: str, agent: str | None = None) -> None:
    bench.run(bench.store.write(put_route(TENANT, checked_route(name, numbers, agent=agent), bench.now_us)))


def routes(bench: Bench) -> dict[str, tuple[str, ...]]:
    return {each.route: each.numbers for each in bench.run(bench.store.read(list_routes(TENANT)))}


def test_tenants_are_listed_by_id(bench: Bench) -> None:
    bench.run(bench.store.write(add_tenant("bolt", "", LATER_US, new_epoch())))
    bench.run(bench.store.write(add_tenant("abc", "Ä & B", LATER_US, new_epoch())))
    acme = bench.run(bench.store.read(need_tenant(TENANT)))
    listed = bench.run(bench.store.read(admin_list_tenants()))
    assert listed == [
        Tenant("abc", "Ä & B", LATER_US),
        acme,
        Tenant("bolt", "", LATER_US),
    ]
    assert bench.run(bench.store.read(need_tenant("abc"))) == listed[0]


def test_a_tenant_is_made_once(bench: Bench) -> None:
    before = bench.run(bench.store.read(find_tenant(TENANT)))
    with pytest.raises(Conflict, match="tenant 'acme' already exists"):
        bench.run(bench.store.write(add_tenant(TENANT, "Other", LATER_US, new_epoch())))
    assert bench.run(bench.store.read(find_tenant(TENANT))) == before


def test_a_wrong_id_makes_nothing(bench: Bench) -> None:
    with pytest.raises(InvalidInput):
        bench.run(bench.store.write(add_tenant("a_b", "", NOW_US, new_epoch())))


@pytest.mark.parametrize("tenant", IMPOSSIBLE)
def test_nothing_is_found_of_who_is_not_there(bench: Bench, tenant: str) -> None:
    assert bench.run(bench.store.read(find_tenant(tenant))) is None
    assert bench.run(bench.store.read(find_provider_secrets(tenant, "twilio"))) is None
    key = mint_key(TENANT, ["calls:read"])
    requested: list[StoreOperation[object]] = [
        need_tenant(tenant),
        list_keys(tenant),
        list_routes(tenant),
        add_key(tenant, key, "", NOW_US),
        revoke_key(tenant, key.key_id, NOW_US),
        put_route(tenant, checked_route("r", []), NOW_US),
        put_provider_secrets(tenant, "twilio", b"", NOW_US),
        set_retention(tenant, 90),
    ]
    for operation in requested:
        with pytest.raises(NotFound, match="there is no tenant"):
            bench.run(bench.store.write(operation))


def test_a_tenant_sets_the_retention_of_its_calls(bench: Bench) -> None:
    assert bench.run(bench.store.read(need_tenant(TENANT))).retention_days is None
    for days in (90, None):
        bench.run(bench.store.write(set_retention(TENANT, days)))
        assert bench.run(bench.store.read(need_tenant(TENANT))).retention_days == days


@pytest.mark.parametrize("days", [0, -1, 36_501])
def test_a_retention_that_is_no_age_is_refused(bench: Bench, days: int) -> None:
    with pytest.raises(InvalidInput, match="1 to 36500 days, or forever"):
        bench.run(bench.store.write(set_retention(TENANT, days)))


def test_a_key_is_found_by_its_tenant_and_digest(bench: Bench) -> None:
    key = added(bench, "events:write", "calls:read")
    digest = digest_of_key(key.text)
    found = bench.run(bench.store.read(find_key(TENANT, digest)))
    assert found == AuthenticatedKey(key.key_id, frozenset({"calls:read", "events:write"}))
    assert bench.run(bench.store.read(find_key("bolt", digest))) is None
    assert bench.run(bench.store.read(find_key(TENANT, digest_of_key("other")))) is None


def test_keys_are_listed_by_age_without_the_secret(bench: Bench) -> None:
    first = added(bench, name="one")
    bench.now_us = LATER_US
    second = added(bench, "events:write")
    assert bench.run(bench.store.read(list_keys(TENANT))) == [
        StoredApiKey(first.key_id, "one", ("calls:read",), NOW_US, None),
        StoredApiKey(second.key_id, "", ("events:write",), LATER_US, None),
    ]


def test_a_revoked_key_stays_listed_and_is_found_no_more(bench: Bench) -> None:
    key = added(bench)
    bench.run(bench.store.write(revoke_key(TENANT, key.key_id, NOW_US + 1)))
    bench.run(bench.store.write(revoke_key(TENANT, key.key_id, NOW_US + 2)))
    assert bench.run(bench.store.read(find_key(TENANT, digest_of_key(key.text)))) is None
    assert bench.run(bench.store.read(list_keys(TENANT)))[0].revoked_us == NOW_US + 1


@pytest.mark.parametrize("key_id", ["", "key_0000000000000000", "key_\0", "\ud800"])
def test_a_key_that_is_not_there_cannot_be_revoked(bench: Bench, key_id: str) -> None:
    with pytest.raises(NotFound, match="has no key"):
        bench.run(bench.store.write(revoke_key(TENANT, key_id, NOW_US)))


def test_a_key_of_another_tenant_cannot_be_revoked(bench: Bench) -> None:
    bench.run(bench.store.write(add_tenant("bolt", "", NOW_US, new_epoch())))
    key = added(bench)
    with pytest.raises(NotFound):
        bench.run(bench.store.write(revoke_key("bolt", key.key_id, NOW_US)))
    assert bench.run(bench.store.read(find_key(TENANT, digest_of_key(key.text))))


def test_numbers_lead_to_their_route_and_agent(bench: Bench) -> None:
    route(bench, "sales", "+1 415 555 0100", "100", agent="ada")
    route(bench, "support", "+14155550101")
    assert bench.run(bench.store.read(routes_by_number(TENANT))) == {
        "+14155550100": RouteTarget("sales", "ada"),
        "100": RouteTarget("sales", "ada"),
        "+14155550101": RouteTarget("support", None),
    }
    assert bench.run(bench.store.read(routes_by_number("bolt"))) == {}


def test_a_route_becomes_what_is_put(bench: Bench) -> None:
    route(bench, "sales", "100", "101", agent="ada")
    bench.now_us = LATER_US
    route(bench, "sales", "101", "102")
    assert bench.run(bench.store.read(list_routes(TENANT))) == [
        Route("sales", ("101", "102"), None, None, LATER_US)
    ]
    route(bench, "sales")
    assert routes(bench) == {"sales": ()}


def test_a_number_of_another_route_is_refused_by_name_and_nothing_changes(bench: Bench) -> None:
    route(bench, "sales", "100", "101")
    route(bench, "support", "200")
    with pytest.raises(Conflict, match="101 belongs to route 'sales'; remove it from that route first"):
        route(bench, "support", "101", "201")
    assert routes(bench) == {"sales": ("100", "101"), "support": ("200",)}


def test_tenants_may_have_the_same_number(bench: Bench) -> None:
    bench.run(bench.store.write(add_tenant("bolt", "", NOW_US, new_epoch())))
    route(bench, "sales", "100")
    bench.run(bench.store.write(put_route("bolt", checked_route("other", ["100"]), NOW_US)))
    found = bench.run(bench.store.read(routes_by_number("bolt")))
    assert found == {"100": RouteTarget("other", None)}


def test_secrets_are_kept_by_tenant_and_provider(bench: Bench) -> None:
    for sealed in (b"\x00one", b"\xfftwo"):
        bench.run(bench.store.write(put_provider_secrets(TENANT, "twilio", sealed, NOW_US)))
        assert bench.run(bench.store.read(find_provider_secrets(TENANT, "twilio"))) == sealed
    assert bench.run(bench.store.read(find_provider_secrets(TENANT, "vapi"))) is None
    assert bench.run(bench.store.read(find_provider_secrets("bolt", "twilio"))) is None
