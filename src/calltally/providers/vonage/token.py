"""Tokens for requests to Vonage.

Source: Vonage's page "JSON Web Tokens": signed with the application's private key (RS256), valid for at most
24 hours.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from calltally.calls.errors import Misconfigured
from calltally.calls.times import SECOND_US
from calltally.providers.call_fetcher import ApiAccess

# Vonage accepts at most 24 hours. A longer run must be repeated.
_LIFETIME_S: Final = 23 * 3_600


def token_of(access: ApiAccess, application: str) -> str:
    """Return the token for one run. It depends on the access alone, so no random numbers are needed."""
    issued_s = access.received_us // SECOND_US
    claims = {
        "application_id": application,
        "iat": issued_s,
        "exp": issued_s + _LIFETIME_S,
        "jti": sha256(f"{application}\0{access.received_us}".encode()).hexdigest()[:32],
    }
    message = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = _private_key(access.secrets).sign(message.encode(), PKCS1v15(), SHA256())
    return f"{message}.{_base64url(signature)}"


def _private_key(secrets: Mapping[str, str]) -> RSAPrivateKey:
    text = secrets.get("private_key", "")
    if not text:
        raise Misconfigured(
            "the private_key of the Vonage application is missing: store it with `calltally provider put`,"
            " and write its line breaks as \\n"
        )
    try:
        key = load_pem_private_key(text.replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as fault:
        raise Misconfigured("private_key is not a complete private key in PEM: store it again") from fault
    if not isinstance(key, RSAPrivateKey):
        raise Misconfigured("private_key is not an RSA key, which Vonage requires")
    return key


def _part(claims: Mapping[str, Any]) -> str:
    return _base64url(msgspec.json.encode(claims))


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
