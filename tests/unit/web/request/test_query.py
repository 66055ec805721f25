"""Query strings as pairs, and the check of parameter names."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.errors import InvalidInput
from calltally.calls.list_query import PARAMETERS
from calltally.web.request.query import MAX_PAIRS, check_parameter_names, query_pairs

WINDOW = [each for each in PARAMETERS if each.name in {"limit", "offset", "tenant"}]


def faults(query: bytes, *, is_admin: bool = False) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        check_parameter_names(query_pairs(query), WINDOW, is_admin=is_admin)
    return [fault.parameter for fault in caught.value.faults]


def test_pairs_keep_order_blanks_and_spaces() -> None:
    assert query_pairs(b"b=2&a=&b=x+y%20z&c") == (("b", "2"), ("a", ""), ("b", "x y z"), ("c", ""))
    assert query_pairs(b"") == ()


@pytest.mark.parametrize("query", [b"a=%ff", b"%C3%28=1", b"a=\xff", b"a=%ED%A0%80"])
def test_invalid_utf_8_is_refused(query: bytes) -> None:
    with pytest.raises(InvalidInput, match="UTF-8"):
        query_pairs(query)


@pytest.mark.parametrize("query", [b"a=%", b"a=100%&b=1", b"%zz=1", b"a=%4", b"a=%\xff", b"a=%%20"])
def test_invalid_escape_is_refused(query: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"invalid escape .*; write % as %25"):
        query_pairs(query)


def test_too_many_parameters_are_refused() -> None:
    assert len(query_pairs(b"&".join([b"a=1"] * MAX_PAIRS))) == MAX_PAIRS
    with pytest.raises(InvalidInput, match=f"more than {MAX_PAIRS}"):
        query_pairs(b"&".join([b"a=1"] * (MAX_PAIRS + 1)))


def test_unknown_and_repeated_names_are_all_reported() -> None:
    assert faults(b"limt=1&limit=1&limit=2&ofset=3") == ["limt", "limit", "ofset"]


def test_only_the_admin_key_may_name_a_tenant() -> None:
    assert faults(b"tenant=acme") == ["tenant"]
    check_parameter_names(query_pairs(b"tenant=acme&limit=1"), WINDOW, is_admin=True)
    assert faults(b"tenant=acme&tenant=bolt", is_admin=True) == ["tenant"]


def test_path_without_parameters_is_reported() -> None:
    with pytest.raises(InvalidInput, match="this path takes none"):
        check_parameter_names(query_pairs(b"a=1"), [], is_admin=False)


@given(st.lists(st.sampled_from(["a", "offset", "=", "&", "+", "%2B", "5", ";", " "]), max_size=12))
def test_pairs_equal_those_of_parse_qsl(pieces: list[str]) -> None:
    query = "".join(pieces)
    assert list(query_pairs(query.encode())) == parse_qsl(query, keep_blank_values=True)
