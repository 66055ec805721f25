"""Published test vectors and examples of Twilio."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from calltally.calls.events import Channel, Fact
from calltally.providers.callback import Callback, RecordSource
from calltally.providers.registry import RECORDS
from calltally.providers.twilio.signature import verify
from tests.conftest import REAL_DATA
from tests.unit.providers.twilio.signing import FORM, RECEIVED_US, callback_of

EXAMPLES = REAL_DATA / "twilio" / "calls_api_examples.json"
VECTORS: dict[str, Any] = json.loads((REAL_DATA / "twilio" / "request_validator_vectors.json").read_text())


def vector_callback(vector: dict[str, Any]) -> Callback:
    if "body" in vector:
        body, content_type = vector["body"].encode(), "application/json"
    else:
        params = VECTORS["vectors"][0]["params"] if vector["params"] == "same as 1" else vector["params"]
        body, content_type = urlencode([tuple(pair) for pair in params]).encode(), FORM
    return callback_of(body, vector["signature"], url=vector["url"], content_type=content_type)


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["note"])
def test_the_published_vectors_verify(vector: dict[str, Any]) -> None:
    assert verify(vector_callback(vector), {"auth_token": VECTORS["auth_token"]})


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["note"])
def test_the_published_vectors_fail_with_another_token_or_body(vector: dict[str, Any]) -> None:
    callback = vector_callback(vector)
    assert not verify(callback, {"auth_token": "another"})
    changed = callback_of(
        callback.body + b"&Extra=1",
        vector["signature"],
        url=callback.url,
        content_type=callback.headers["content-type"],
    )
    assert not verify(changed, {"auth_token": VECTORS["auth_token"]})


def test_the_published_examples_are_read_completely() -> None:
    with EXAMPLES.open("rb") as file:
        items = list(RECORDS["twilio"](file, RecordSource(Channel.IMPORT, RECEIVED_US)))
    found = [item for item in items if isinstance(item, Fact)]
    assert len(found) == len(items)
    assert len(found) == 11
    assert {item.call_sid for item in found} == {"CA" + "a" * 32, "CA" + "a" * 31 + "0"}
    assert {item.stated["cost"]["currency"] for item in found} == {"USD", "JPY"}
    # The two pages contain the same calls, and several requests return the same resource.
    assert len({item.key for item in found}) < len(found)
