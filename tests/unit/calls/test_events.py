"""Facts: the key that detects repeats, and the total order."""

from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.events import Channel, Fact, content_digest
from tests.sample_facts import fact, own
from tests.strategies import facts

parts = st.text("a1:\u00e9", max_size=4)


@given(facts(), facts(), facts())
def test_order_is_total_and_transitive(a: Fact, b: Fact, c: Fact) -> None:
    for x, y, z in permutations((a, b, c)):
        assert (x.order < y.order) + (y.order < x.order) + (x.order == y.order) == 1
        assert not (x.order < y.order < z.order) or x.order < z.order


def test_order_with_and_without_sequence_is_not_cyclic() -> None:
    """ "By sequence if both have one, else by time" would put each of these before the next."""
    late_first, unnumbered, early_second = own(9, sequence=1), own(5), own(1, sequence=2)
    ordered = sorted([late_first, unnumbered, early_second], key=lambda each: each.order)
    assert ordered == [unnumbered, late_first, early_second]


@pytest.mark.parametrize(
    "other",
    [
        {"channel": Channel.IMPORT},
        {"provider": "vonage"},
        {"account": "AC2"},
        {"event_id": "e2"},
        {"digest": content_digest(b"2")},
    ],
    ids=lambda other: next(iter(other)),
)
def test_each_part_of_the_key_distinguishes_facts(other: dict[str, object]) -> None:
    one = msgspec.structs.replace(fact(1, event_id="e1"), account="AC1", digest=content_digest(b"1"))
    assert msgspec.structs.replace(one, **other).key != one.key
    assert msgspec.structs.replace(one, **other).order != one.order


@pytest.mark.parametrize(
    "other",
    [{"received_us": 1}, {"raw": b"{ }"}, {"occurred_us": 1}, {"stated": {}}, {"is_carrier": False}],
    ids=lambda other: next(iter(other)),
)
def test_fields_added_on_receipt_are_not_in_the_key(other: dict[str, object]) -> None:
    one = fact(1, status="ringing")
    assert msgspec.structs.replace(one, **other).key == one.key


@given(st.tuples(parts, parts, parts), st.tuples(parts, parts, parts))
def test_parts_of_a_key_are_framed_separately(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert (_key(*one) == _key(*other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c", ""), ("a", "bc", "")),
        (("", "ab", ""), ("ab", "", "")),
        (("1:a", "", ""), ("", "1:a", "")),
        (("a", "1:b", ""), ("a1:b", "", "")),
    ],
)
def test_framing_is_unambiguous(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert _key(*one) != _key(*other)


def _key(provider: str, account: str, event_id: str) -> bytes:
    return msgspec.structs.replace(
        fact(1), provider=provider, account=account, event_id=event_id, digest=b"0" * 16
    ).key


def test_key_never_changes() -> None:
    """Keys are in the database: with other values every repeat would be recorded again."""
    sent = Fact("CA1", 2, "twilio", "AC1", "", 0, 1, 2, content_digest(b"body"), {})
    assert sent.key.hex() == "f04ecc38db2d45e936ac38c3915a00fe"


def test_digest_ignores_white_space_and_order_of_keys() -> None:
    one = msgspec.json.decode(b'{"a": 1, "b": {"c": [1, 2], "d": null}}')
    other = msgspec.json.decode(b'{"b":{"d":null,"c":[1,2]},"a":1}')
    assert content_digest(one) == content_digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [({"a": [1, 2]}, {"a": [2, 1]}), ({"a": 1}, {"a": "1"}), ({"a": None}, {}), ({"a": 1}, {"a": True})],
)
def test_digest_differs_for_other_content(one: dict[str, object], other: dict[str, object]) -> None:
    assert content_digest(one) != content_digest(other)
