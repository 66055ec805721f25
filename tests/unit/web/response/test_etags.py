"""Entity tags: equal for what is equal, and compared as RFC 9110 has it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.filters import CallFilter, ListQuery
from calltally.web.response.etags import etag_matches, weak_etag

TAG = weak_etag(1, "acme", ListQuery())
STRONG = TAG.removeprefix(b"W/")
parts = st.lists(st.integers() | st.text() | st.binary() | st.booleans() | st.none(), max_size=4)


def test_etag_is_weak_with_valid_characters() -> None:
    assert re.fullmatch(rb'W/"[0-9a-f]{30}"', TAG)


@given(parts, parts)
def test_etag_depends_on_its_values_and_their_order(some: list[object], others: list[object]) -> None:
    assert weak_etag(*some) == weak_etag(*some)
    # True is 1 to Python, and another answer to us.
    assert (weak_etag(*some) == weak_etag(*others)) == (repr(some) == repr(others))


def test_etag_depends_on_the_request() -> None:
    asked = [
        ListQuery(),
        ListQuery(limit=26),
        ListQuery(order="asc"),
        ListQuery(hold="a"),
        ListQuery(snapshot="a"),
        ListQuery(format="csv"),
        ListQuery(filter=CallFilter(statuses=("busy",))),
        ListQuery(filter=CallFilter(q="a")),
        ListQuery(filter=CallFilter(q="a", in_transcripts=True)),
        ListQuery(filter=CallFilter(q="a\0")),
        ListQuery(filter=CallFilter(route="\udc80")),
    ]
    assert len({weak_etag(1, query) for query in asked}) == len(asked)


@pytest.mark.parametrize(
    "sent",
    [
        TAG,
        STRONG,
        b"*",
        b" * ",
        b'"other", ' + TAG,
        b'W/"a",W/"b" ,' + STRONG + b' , "c"',
        # Not a list as the RFC has it, and yet plain what is meant.
        TAG + b" " + b'"other"',
    ],
)
def test_matching_etag_is_found(sent: bytes) -> None:
    assert etag_matches(sent, TAG)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        b"",
        STRONG.strip(b'"'),
        b"w/" + STRONG[:-1],
        b'"' + STRONG[1:-2] + b'"',
        b'"x' + STRONG[1:],
        b'"*"',
        b'"a", "b"',
        b"\xff\xfe",
        b'W/"',
    ],
)
def test_other_etag_does_not_match(sent: bytes | None) -> None:
    assert not etag_matches(sent, TAG)
