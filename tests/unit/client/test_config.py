"""Configuration of a client, and protection of its key."""

import pickle
from typing import Any

import pytest

from calltally.calls.errors import InvalidInput
from calltally.client import AsyncClient, Client
from calltally.client.config import ClientKey, validate_base_url
from tests.unit.client.canned import BASE, KEY


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("https://calls.example.com", "https://calls.example.com"),
        ("https://calls.example.com/", "https://calls.example.com"),
        ("http://127.0.0.1:8080/calls/", "http://127.0.0.1:8080/calls"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_base_url_may_have_a_path(base: str, expected: str) -> None:
    assert validate_base_url(base) == expected


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("", "must begin with https:// or http://"),
        ("calls.example.com", "must begin with"),
        ("ftp://calls.example.com", "must begin with"),
        ("https://", "names no host"),
        ("https://user:pw@calls.example.com", "must not contain a user or a password"),
        ("https://calls.example.com/api/v1", "must end before /api"),
        ("https://example.com/calls/api/", "must end before /api"),
        ("https://calls.example.com?a=b", "must not have a query or a fragment"),
        ("https://calls.example.com#a", "must not have a query or a fragment"),
        ("https://calls.example.com:port", "cannot be read"),
        ("https://[::1", "cannot be read"),
    ],
)
def test_invalid_base_url_is_refused(base: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        validate_base_url(base)
    assert caught.value.detail.startswith(f"the base URL {reason}")
    assert "pw" not in caught.value.detail


@pytest.mark.parametrize("text", ["", "two words", "line\nend", "\x7f", "ü"])
def test_error_for_an_invalid_key_does_not_contain_it(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ClientKey(text)
    assert not text or text not in caught.value.detail


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_representations_do_not_contain_the_key(kind: Any) -> None:  # noqa: ANN401 (either class)
    client = kind(BASE, KEY)
    representations = f"{client!r}{client}{client.config!r}{client.config.key}{vars(client)}"
    assert KEY not in representations
    assert BASE in repr(client)
    assert KEY.encode() not in pickle.dumps(repr(client.config))


@pytest.mark.parametrize("timeout_s", [0, -1, float("inf"), float("nan")])
def test_invalid_timeout_is_refused(timeout_s: float) -> None:
    with pytest.raises(InvalidInput, match="timeout_s"):
        Client(BASE, KEY, timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("base", "is_local"), [("http://localhost:1", True), ("http://[::1]/", True), (BASE, False)]
)
def test_local_server_is_detected(base: str, is_local: bool) -> None:  # noqa: FBT001 (a parameter)
    assert Client(base, KEY).config.is_local is is_local
