"""Requests with a JSON body."""

from datetime import UTC, datetime

import pytest

from calltally.client.errors import InvalidArgument
from calltally.client.json_bodies import creating_request, given_fields, json_request


def test_fields_that_are_none_are_left_out() -> None:
    assert given_fields({"from_": "a", "to": None, "zero": 0}) == {"from": "a", "zero": 0}


def test_body_has_times_of_the_contract() -> None:
    request = json_request("PUT", "/x", {"at": datetime(2026, 10, 1, tzinfo=UTC)})
    assert (request.body, request.is_repeatable) == (b'{"at":"2026-10-01T00:00:00Z"}', True)
    assert json_request("POST", "/x").body is None


def test_each_creation_has_a_key_of_its_own() -> None:
    keys = {creating_request("/x", {}, None).headers["idempotency-key"] for _ in range(3)}
    assert len(keys) == 3
    given = creating_request("/x", {}, "mine")
    assert (given.headers["idempotency-key"], given.is_repeatable) == ("mine", True)
    assert given.headers["content-type"] == "application/json"


def test_value_that_is_not_json_is_a_client_error() -> None:
    with pytest.raises(InvalidArgument, match="cannot be written as JSON"):
        json_request("PUT", "/x", {"a": object()})
