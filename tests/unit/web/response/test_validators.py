"""Entity tags and their comparison by RFC 9110."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.filters import CallFilter
from calltally.calls.list_query import ListQuery
from calltally.web.response.validators import etag_matches, weak_etag

TAG = weak_etag(1, "acme", ListQuery())
STRONG = TAG.removeprefix(b"W/")
values = st.lists(st.integers() | st.text() | st.binary() | st.booleans() | st.none(), max_size=4)


def test_etag_is_weak_with_valid_characters() -> None:
    assert re.fullmatch(rb'W/"[0-9a-f]{30}"', TAG)


@given(values, values)
def test_etag_depends_on_its_values_and_their_order(some: list[object], others: list[object]) -> None:
    assert weak_etag(*some) == weak_etag(*some)
    # True equals 1 in Python, but the responses differ.
    assert (weak_etag(*some) == weak_etag(*others)) == (repr(some) == repr(others))


def test_etag_depends_on_the_request() -> None:
    request_parts = [
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
    assert len({weak_etag(1, query) for query in request_parts}) == len(request_parts)


@pytest.mark.parametrize(
    "sent",
    [
        TAG,
        STRONG,
        b"*",
        b" * ",
        b'"other", ' + TAG,
        b'W/"a",W/"b" ,' + STRONG + b' , "c"',
        # Not a list by the RFC, but unambiguous.
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
