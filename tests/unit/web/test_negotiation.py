"""Which values of Accept are served, and which of Accept-Encoding mean gzip."""

import pytest

from calltally.calls.errors import NotAcceptable
from calltally.web.negotiation import accepts_gzip, check_accept


@pytest.mark.parametrize(
    "accept",
    [
        None,
        b"",
        b" ",
        b"*/*",
        b"application/json",
        b"APPLICATION/JSON",
        b"application/*",
        b"text/html, application/json;q=0.1",
        b"text/html;q=0.9,*/*;q=0.8",
        b"application/json; charset=utf-8",
        b"text/html , */* ; q=0.001",
    ],
)
def test_json_may_be_served(accept: bytes | None) -> None:
    check_accept(accept)


@pytest.mark.parametrize(
    "accept",
    [
        b"text/csv",
        b"text/html, application/xml",
        b"application/json;q=0",
        b"application/json;q=0.000, text/html",
        b"application/json;q=0, */*",
        b"text/*",
        b"nonsense",
    ],
)
def test_an_accept_that_leaves_json_out_is_refused_with_what_there_is(accept: bytes) -> None:
    with pytest.raises(NotAcceptable, match="application/json"):
        check_accept(accept)


@pytest.mark.parametrize(
    ("accept_encoding", "is_gzip"),
    [
        (None, False),
        (b"", False),
        (b"br, zstd", False),
        (b"gzip", True),
        (b"deflate, GZIP;q=0.5", True),
        (b"gzip;q=0", False),
        (b"gzip; q=0.000, br", False),
        (b"x-gzipped", False),
    ],
)
def test_gzip_is_used_only_where_it_is_named(accept_encoding: bytes | None, *, is_gzip: bool) -> None:
    assert accepts_gzip(accept_encoding) is is_gzip
