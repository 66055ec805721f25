"""How a client is set up, and what of it never shows."""

import pickle
from typing import Any

import pytest

from calltally.calls.errors import InvalidInput
from calltally.client import AsyncClient, Client
from calltally.client.config import Key, checked_base
from tests.unit.client.canned import BASE, KEY


@pytest.mark.parametrize(
    ("base", "used"),
    [
        ("https://calls.example.com", "https://calls.example.com"),
        ("https://calls.example.com/", "https://calls.example.com"),
        ("http://127.0.0.1:8080/calls/", "http://127.0.0.1:8080/calls"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_base_url_may_have_a_path(base: str, used: str) -> None:
    assert checked_base(base) == used


@pytest.mark.parametrize(
    ("base", "why"),
    [
        ("", "must begin with https:// or http://"),
        ("calls.example.com", "must begin with"),
        ("ftp://calls.example.com", "must begin with"),
        ("https://", "names no host"),
        ("https://user:pw@calls.example.com", "must not hold a user or a password"),
        ("https://calls.example.com?a=b", "must end before a ? or #"),
        ("https://calls.example.com#a", "must end before a ? or #"),
        ("https://calls.example.com:port", "cannot be read"),
        ("https://[::1", "cannot be read"),
    ],
)
def test_a_base_url_that_cannot_be_is_told(base: str, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked_base(base)
    assert caught.value.detail.startswith(f"the base URL {why}")
    assert "pw" not in caught.value.detail


@pytest.mark.parametrize("text", ["", "two words", "line\nend", "\x7f", "ü"])
def test_a_key_that_no_header_can_carry_is_told_without_it(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Key(text)
    assert not text or text not in caught.value.detail


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_the_key_does_not_show(kind: Any) -> None:  # noqa: ANN401 (either class)
    client = kind(BASE, KEY)
    shown = f"{client!r}{client}{client.plan!r}{client.plan.key}{vars(client)}"
    assert KEY not in shown
    assert BASE in repr(client)
    assert KEY.encode() not in pickle.dumps(repr(client.plan))


@pytest.mark.parametrize("timeout_s", [0, -1, float("inf"), float("nan")])
def test_there_is_always_a_time_out(timeout_s: float) -> None:
    with pytest.raises(InvalidInput, match="timeout_s"):
        Client(BASE, KEY, timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("base", "is_local"), [("http://localhost:1", True), ("http://[::1]/", True), (BASE, False)]
)
def test_a_server_on_this_machine_needs_no_proxy(base: str, is_local: bool) -> None:  # noqa: FBT001 (a parameter)
    assert Client(base, KEY).plan.is_local is is_local
