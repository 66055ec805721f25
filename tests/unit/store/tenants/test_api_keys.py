"""The text of keys, and the names that tenants, routes and scopes may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.errors import InvalidInput
from calltally.store.tenants.api_keys import SCOPES, check_scopes, digest_of_key, mint_key, tenant_of_key
from calltally.store.tenants.routes import MAX_ROUTE_NUMBERS, checked_route
from calltally.store.tenants.tenants import check_name, check_tenant_id, is_tenant_id

TENANTS = st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True).filter(is_tenant_id)


@given(TENANTS)
def test_a_key_names_its_tenant(tenant: str) -> None:
    key = mint_key(tenant, ["calls:read"])
    assert tenant_of_key(key.text) == tenant
    assert key.text.removeprefix(f"ct_{tenant}_").isascii()
    assert len(key.text) == len(f"ct_{tenant}_") + 43


def test_no_two_keys_are_alike() -> None:
    keys = [mint_key("acme", ["calls:read"]) for _ in range(20)]
    assert len({key.text for key in keys}) == len({key.key_id for key in keys}) == 20
    assert all(len(digest_of_key(key.text)) == 32 for key in keys)


@given(st.text())
def test_what_is_no_key_is_of_no_tenant(text: str) -> None:
    assert tenant_of_key(text) is None


@pytest.mark.parametrize("text", ["ct__" + "x" * 43, "ct_acme_" + "x" * 42, "ct_acme_" + "ä" * 43])
def test_what_is_nearly_a_key_is_of_no_tenant(text: str) -> None:
    assert tenant_of_key(text) is None


@pytest.mark.parametrize("tenant", ["a", "7", "acme", "acme-1", "a-b-c", "x" * 64])
def test_tenant_ids(tenant: str) -> None:
    assert check_tenant_id(tenant) == tenant


WRONG_TENANTS = ["", "-", "a-", "-a", "a--b", "A", "a_b", "a b", "ä", "a\n", "a\0", "\ud800", "x" * 65, "a/b"]


@pytest.mark.parametrize("tenant", WRONG_TENANTS)
def test_wrong_tenant_ids(tenant: str) -> None:
    with pytest.raises(InvalidInput, match="1 to 64 lower-case letters"):
        check_tenant_id(tenant)


@pytest.mark.parametrize("name", ["x" * 201, "a\0", "a\nb", "a\x85b", "a\u2028b", "a\u202eb", "\ud800"])
def test_wrong_names(name: str) -> None:
    with pytest.raises(InvalidInput, match="at most 200 printable"):
        check_name(name)


@pytest.mark.parametrize(
    "name", ["", "Müller & Söhne", "診療所\u3000東", "\N{WOMAN}\u200d\N{STAFF OF AESCULAPIUS}"]
)
def test_a_name_may_be_left_out_or_in_any_script(name: str) -> None:
    assert check_name(name) == name


def test_scopes_are_sorted_and_single() -> None:
    assert check_scopes(["events:write", "calls:read", "events:write"]) == ("calls:read", "events:write")
    assert set(check_scopes(SCOPES)) == set(SCOPES)


@pytest.mark.parametrize(
    ("scopes", "words"),
    [([], "none given"), (["calls:read", "calls:write", "all"], "unknown: all, calls:write")],
)
def test_wrong_scopes_are_named(scopes: list[str], words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        check_scopes(scopes)
    assert [fault.parameter for fault in refused.value.faults] == ["scopes"]


def test_a_routes_numbers_are_normalised_and_single() -> None:
    new = checked_route(
        "sales", ["+1 (415) 555-0100", "+14155550100", " 100 "], agent="ada", provider="twilio"
    )
    assert new.numbers == ("+14155550100", "100")
    assert (new.route, new.agent, new.provider) == ("sales", "ada", "twilio")


def test_every_fault_of_a_route_is_named() -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_route("a b", ["", "1\0", "x" * 129, "+14155550100"], agent="", provider="ä" * 3)
    assert [fault.parameter for fault in refused.value.faults] == [
        "route",
        "agent",
        "provider",
        *["numbers"] * 3,
    ]
    assert "number 3" in refused.value.faults[-1].detail


def test_a_route_has_an_end() -> None:
    numbers = [str(at) for at in range(MAX_ROUTE_NUMBERS + 1)]
    assert len(checked_route("r" * 64, numbers[1:]).numbers) == MAX_ROUTE_NUMBERS
    with pytest.raises(InvalidInput, match="at most 1000 numbers"):
        checked_route("r", numbers)
    with pytest.raises(InvalidInput, match="route is 1 to 64"):
        checked_route("r" * 65, [])
