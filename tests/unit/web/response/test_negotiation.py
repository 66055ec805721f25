"""Content negotiation by Accept and Accept-Encoding."""

import pytest

from calltally.calls.errors import NotAcceptable
from calltally.web.response.negotiation import choose_coding, choose_type

JSON = b"application/json"
CSV = b"text/csv"
NDJSON = b"application/x-ndjson"
ONE = (JSON,)
SEVERAL = (JSON, CSV, NDJSON)
CODINGS = (b"zstd", b"gzip")


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
        b"application/json;q=nonsense",
    ],
)
def test_json_is_acceptable(accept: bytes | None) -> None:
    assert choose_type(accept, ONE) == JSON


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
        b"text/csv, application/problem+json",
    ],
)
def test_accept_without_json_is_refused_with_the_available_types(accept: bytes) -> None:
    with pytest.raises(NotAcceptable, match="application/json"):
        choose_type(accept, ONE)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        (b"*/*", JSON),
        (b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", JSON),
        (b"text/csv", CSV),
        (b"text/csv; header=present", CSV),
        (b"text/*", CSV),
        (b"application/*", JSON),
        (b"application/x-ndjson, application/json", JSON),
        (b"application/x-ndjson, application/json;q=0.9", NDJSON),
        (b"application/json;q=0.01, text/csv;q=0.011", CSV),
        (b"application/json;q=0.1, */*", CSV),
        (b"text/*;q=0.3, text/csv;q=0.1, application/*;q=0.2", JSON),
        (b"text/*, text/csv;q=0, application/x-ndjson;q=0.5", NDJSON),
        (b"*/*;q=0, text/csv;q=0.001", CSV),
        (b"application/json;q=0, */*;q=0.5", CSV),
        # The type of errors alone.
        (b"application/problem+json", JSON),
    ],
)
def test_type_with_the_highest_weight_is_served(accept: bytes | None, chosen: bytes) -> None:
    assert choose_type(accept, SEVERAL) == chosen


@pytest.mark.parametrize("accept", [b"text/csv;q=0, text/*", b"image/*", b"*/*;q=0"])
def test_refused_accept_lists_each_type(accept: bytes) -> None:
    with pytest.raises(NotAcceptable, match="application/json, text/csv, application/x-ndjson"):
        choose_type(accept, SEVERAL)


@pytest.mark.parametrize(
    ("accept_encoding", "coding"),
    [
        (None, None),
        (b"", None),
        (b"br, deflate", None),
        (b"*", None),
        (b"gzip", b"gzip"),
        (b"zstd", b"zstd"),
        (b"gzip, deflate, br, zstd", b"zstd"),
        (b"deflate, GZIP;q=0.5", b"gzip"),
        (b"gzip;q=0.8, zstd;q=0.3", b"gzip"),
        (b"gzip;q=0", None),
        (b"gzip; q=0.000, br", None),
        (b"gzip;q=0, zstd;q=0.001", b"zstd"),
        (b"gzip;q=0.5, identity", None),
        (b"gzip;q=0.5, identity;q=0.5", b"gzip"),
        (b"gzip;q=0.2, *;q=0", b"gzip"),
        (b"x-gzipped", None),
    ],
)
def test_coding_is_used_if_named_and_preferred(accept_encoding: bytes | None, coding: bytes | None) -> None:
    assert choose_coding(accept_encoding, CODINGS) == coding
