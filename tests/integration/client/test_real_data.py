"""Test vector of the Standard Webhooks libraries."""

import json

from calltally.client.webhooks import verify_signature
from tests.conftest import REAL_DATA

VECTOR = json.loads((REAL_DATA / "conformance" / "standard_webhooks_static_vector.json").read_text())


def test_static_vector_of_standard_webhooks_is_verified() -> None:
    headers = {name: value for name, value in VECTOR.items() if name.startswith("webhook-")}
    sent_at = int(VECTOR["webhook-timestamp"])
    message_id = verify_signature(
        VECTOR["payload"].encode(), headers, secrets=VECTOR["secret"], now_s=sent_at
    )
    assert message_id == VECTOR["webhook-id"]
