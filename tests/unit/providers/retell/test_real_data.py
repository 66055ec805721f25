"""Test vector of Retell's SDK."""

import json

from calltally.providers.callback import Callback
from calltally.providers.retell.signature import verify
from tests.conftest import REAL_DATA


def test_the_sdk_vector_verifies_and_expires() -> None:
    vector = json.loads((REAL_DATA / "retell" / "webhook_vector.json").read_bytes())
    headers = {"x-retell-signature": vector["x-retell-signature"]}
    at_us = vector["timestamp_ms"] * 1_000
    secrets = {"api_key": vector["api_key"]}
    for late_us, expected in ((0, True), (299_000_000, True), (301_000_000, False)):
        arrived = Callback(
            "POST", "https://calls.example/", headers, vector["body"].encode(), at_us + late_us
        )
        assert verify(arrived, secrets) is expected
