"""Signatures verify with other libraries and with ours; changed messages do not."""

import json
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
import standardwebhooks

from calltally.client.errors import WrongSignatureError
from calltally.client.webhooks import verify_signature
from calltally.net.standard_webhooks import format_secret, signature_headers
from tests.conftest import REAL_DATA
from tests.single_modules import load_alone

svix_webhooks = load_alone("svix", "webhooks")
SECRET = format_secret(b"k" * 32)
OTHER = format_secret(b"o" * 32)
BODY = json.dumps({"id": "msg_1", "event": "voice.call.completed"}).encode()


def by_standard_webhooks(body: bytes, headers: dict[str, str]) -> None:
    standardwebhooks.Webhook(SECRET).verify(body, headers)


def by_svix(body: bytes, headers: dict[str, str]) -> None:
    svix_webhooks.Webhook(SECRET).verify(body, headers)


def by_ours(body: bytes, headers: dict[str, str]) -> None:
    verify_signature(body, headers, secrets=SECRET, now_s=time.time())


VERIFIERS = (by_standard_webhooks, by_svix, by_ours)
REFUSED = (
    standardwebhooks.webhooks.WebhookVerificationError,
    svix_webhooks.WebhookVerificationError,
    WrongSignatureError,
)
Verifier = Callable[[bytes, dict[str, str]], None]
VECTOR = json.loads((REAL_DATA / "conformance" / "standard_webhooks_static_vector.json").read_text())


def signed(*secrets: str, age_s: int = 0) -> dict[str, str]:
    return signature_headers("msg_1", int(time.time()) - age_s, BODY, secrets or (SECRET,))


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_signatures_verify(verifier: Verifier) -> None:
    verifier(BODY, signed())


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_either_secret_of_a_rotation_verifies(verifier: Verifier) -> None:
    verifier(BODY, signed(OTHER, SECRET))


@pytest.mark.parametrize("verifier", VERIFIERS)
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY.replace(b"completed", b"started"), signed()),
        (BODY, signed(age_s=3600)),
        (BODY, signed(age_s=-3600)),
        (BODY, signed(OTHER)),
        (BODY, {**signed(), "webhook-id": "msg_2"}),
        (BODY, {**signed(), "webhook-signature": "v1,bm90aGluZw=="}),
        (BODY, {**signed(), "webhook-signature": "v2" + signed()["webhook-signature"][2:]}),
    ],
    ids=["tampered", "stale", "future", "other secret", "other id", "made up", "other version"],
)
def test_wrong_signatures_are_refused(verifier: Verifier, body: bytes, headers: dict[str, str]) -> None:
    with pytest.raises(REFUSED):
        verifier(body, headers)


def test_secret_has_the_format_of_the_scheme() -> None:
    assert "whsec_" + b64encode(b"k" * 32).decode() == SECRET


def test_signature_headers_have_id_time_and_signature() -> None:
    headers: dict[str, Any] = signature_headers("msg_1", 1_700_000_000, b"{}", (SECRET,))
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("msg_1", "1700000000")
    assert headers["webhook-signature"].startswith("v1,")


def test_static_vector_of_the_scheme_is_signed_alike() -> None:
    sent_at, payload = int(VECTOR["webhook-timestamp"]), VECTOR["payload"].encode()
    headers = signature_headers(VECTOR["webhook-id"], sent_at, payload, (VECTOR["secret"],))
    assert headers["webhook-signature"] == VECTOR["webhook-signature"]
