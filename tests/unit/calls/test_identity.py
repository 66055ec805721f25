"""Ids of calls, and the canonical SID of a component."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.identity import Node, call_uuid, canonical, parse_uuid, uuid_text

text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
nodes = st.builds(Node, text, st.booleans())


def test_id_never_changes() -> None:
    """Clients store ids: this value must never change."""
    assert uuid_text(call_uuid("acme", "CA" + "0" * 32)) == "b6ca3344-69c7-80ba-a068-1847684dbded"


@given(text, text)
def test_id_is_a_uuid_of_version_8(tenant: str, sid: str) -> None:
    written = uuid_text(call_uuid(tenant, sid))
    assert (UUID(written).version, UUID(written).variant) == (8, "specified in RFC 4122")
    assert str(UUID(written)) == written


@given(text, text, text, text)
def test_tenant_and_sid_are_framed_separately(a: str, b: str, c: str, d: str) -> None:
    assert (call_uuid(a, b) == call_uuid(c, d)) == ((a, b) == (c, d))


def test_same_joined_text_gives_different_ids() -> None:
    assert call_uuid("ab", "c") != call_uuid("a", "bc")


@given(st.uuids())
def test_id_text_parses_to_same_bytes(uuid: UUID) -> None:
    assert parse_uuid(uuid_text(uuid.bytes)) == uuid.bytes
    assert parse_uuid(str(uuid).upper()) == uuid.bytes


@pytest.mark.parametrize(
    "spelling",
    [
        "{d03b38bb-7096-8c7f-b0d3-ba3b2ce5ef82}",
        "urn:uuid:d03b38bb-7096-8c7f-b0d3-ba3b2ce5ef82",
        "d03b38bb70968c7fb0d3ba3b2ce5ef82",
        "d03b38bb-7096-8c7f-b0d3-ba3b2ce5ef8\uff12",
        "CA" + "0" * 32,
        "",
    ],
    ids=["braces", "urn", "no hyphens", "a wide digit", "a SID", "nothing"],
)
def test_other_spellings_are_no_ids(spelling: str) -> None:
    assert parse_uuid(spelling) is None


@given(st.text(max_size=40))
def test_parse_uuid_accepts_any_text(spelling: str) -> None:
    parse_uuid(spelling)


@given(
    st.lists(nodes, min_size=1, max_size=6).flatmap(
        lambda some: st.tuples(st.just(some), st.permutations(some))
    )
)
def test_canonical_sid_is_independent_of_order(two: tuple[list[Node], list[Node]]) -> None:
    component, shuffled = two
    assert canonical(shuffled) == canonical(component)
    assert canonical(component * 2) == canonical(component)


def test_carriers_sid_is_canonical() -> None:
    assert canonical([Node("aaa", is_carrier=False), Node("zzz", is_carrier=True)]).call_sid == "zzz"


def test_lowest_sid_in_byte_order_is_canonical() -> None:
    # U+FF5A sorts before U+1F600 in UTF-8 (and after it in UTF-16).
    names = ["\U0001f600", "\uff5a", "b", "a", "B"]
    assert canonical(Node(name, is_carrier=False) for name in names).call_sid == "B"
    assert canonical(Node(name, is_carrier=False) for name in names[:2]).call_sid == "\uff5a"
    assert canonical(Node(name, is_carrier=True) for name in names[2:4]).call_sid == "a"
