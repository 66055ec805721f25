"""Requests with a JSON body. A repetition of them has the same effect, so they are retried."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import msgspec

from calltally.client.errors import InvalidArgument
from calltally.client.wire import Request

JSON_HEADERS: Final = {"content-type": "application/json"}
_IDEMPOTENCY_KEY: Final = "idempotency-key"


def encode_json(name: str, value: object) -> bytes:
    """Return the value as JSON. Aware datetimes become RFC 3339 text. Raises InvalidArgument."""
    try:
        return msgspec.json.encode(value)
    except (TypeError, ValueError, RecursionError) as fault:
        raise InvalidArgument.of(name, f"{name} cannot be written as JSON: {fault}") from fault


def json_request(method: str, path: str, fields: Mapping[str, Any] | None = None) -> Request:
    """Return a request that is safe to repeat. Raises InvalidArgument."""
    if fields is None:
        return Request(method, path, is_idempotent=True)
    return Request(method, path, (), JSON_HEADERS, encode_json("the body", fields), is_idempotent=True)


def given_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields by their names in the contract, without those that are None."""
    return {name.rstrip("_"): value for name, value in fields.items() if value is not None}


def creating_request(path: str, fields: Mapping[str, Any], idempotency_key: str | None) -> Request:
    """Return a POST that creates one object, however often it is sent.

    The server returns the first answer to each repetition of a key. Without one, each call has a new key.
    """
    request = json_request("POST", path, fields)
    key = idempotency_key or str(uuid4())
    return request._replace(headers={**request.headers, _IDEMPOTENCY_KEY: key})
