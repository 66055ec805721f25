"""The fixed test vector of the scheme, shared by all of its libraries."""

import json

from calltally.net.standard_webhooks import signature_headers
from tests.conftest import REAL_DATA

VECTOR = json.loads((REAL_DATA / "conformance" / "standard_webhooks_static_vector.json").read_text())


def test_static_vector_of_the_scheme_is_signed_alike() -> None:
    sent_at, payload = int(VECTOR["webhook-timestamp"]), VECTOR["payload"].encode()
    headers = signature_headers(VECTOR["webhook-id"], sent_at, payload, (VECTOR["secret"],))
    assert headers["webhook-signature"] == VECTOR["webhook-signature"]
