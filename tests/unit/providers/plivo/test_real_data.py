"""Published test vectors of Plivo's signatures, and its example of a call."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.times import parse_instant
from calltally.providers.callback import Callback, RecordSource
from calltally.providers.plivo.signature import verify
from calltally.providers.registry import RECORDS
from tests.conftest import REAL_DATA
from tests.unit.providers.sampling import FORM, NOW_US

VECTORS: dict[str, Any] = json.loads((REAL_DATA / "plivo" / "signature_v3_vectors.json").read_text())


def vector_callback(vector: dict[str, Any]) -> Callback:
    headers = {"x-plivo-signature-v3": vector["signature"], "x-plivo-signature-v3-nonce": vector["nonce"]}
    form = urlencode(vector["params"])
    if vector["method"] == "GET":
        url = vector["url"] + ("&" if "?" in vector["url"] else "?") + form
        return Callback("GET", url, headers, b"", NOW_US)
    return Callback("POST", vector["url"], {**headers, "content-type": FORM}, form.encode(), NOW_US)


@pytest.mark.parametrize(
    "vector", VECTORS["v3"], ids=lambda vector: f"{vector['method']} {vector['url'][-12:]}"
)
def test_the_published_vectors_verify(vector: dict[str, Any]) -> None:
    callback = vector_callback(vector)
    assert verify(callback, {"auth_token": vector["auth_token"]})
    assert not verify(callback, {"auth_token": "another"})


def test_the_published_vector_of_v2_verifies() -> None:
    vector = VECTORS["v2"]
    headers = {"x-plivo-signature-v2": vector["signature"], "x-plivo-signature-v2-nonce": vector["nonce"]}
    callback = Callback("POST", vector["url"], headers, b"", NOW_US)
    assert verify(callback, {"auth_token_v2": vector["auth_token"]})
    assert not verify(callback, {"auth_token_v2": "another"})


def test_the_published_call_is_read() -> None:
    with (REAL_DATA / "plivo" / "callGetResponse.json").open("rb") as file:
        (fact,) = RECORDS["plivo"](file, RecordSource(Channel.IMPORT, NOW_US))
    assert isinstance(fact, Fact)
    assert fact.stated["ended_us"] == parse_instant("2017-05-22T12:19:40Z")
    # Old records have no end reason for unanswered calls; the call is over all the same.
    call = fold("acme", Node(fact.call_sid, is_carrier=True), [fact]).call
    assert (call.status, call.end_reason, call.duration_seconds) == ("failed", "unknown", 0)
