"""What requests to Vonage are signed with.

Source: Vonage's page "JSON Web Tokens": by the application's private key (RS256), for at most 24 hours.
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
from calltally.providers.list_requests import Access

# A run that takes longer has to be run again; more than a day Vonage does not take.
_LIFE_S: Final = 23 * 3_600


def token_of(access: Access, application: str) -> str:
    """A token for one run: everything in it follows from the access, so that nothing here rolls dice."""
    issued_s = access.received_us // SECOND_US
    claims = {
        "application_id": application,
        "iat": issued_s,
        "exp": issued_s + _LIFE_S,
        "jti": sha256(f"{application}\0{access.received_us}".encode()).hexdigest()[:32],
    }
    message = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = _private_key(access.secrets).sign(message.encode(), PKCS1v15(), SHA256())
    return f"{message}.{_base64url(signature)}"


def _private_key(secrets: Mapping[str, str]) -> RSAPrivateKey:
    text = secrets.get("private_key", "")
    if not text:
        raise Misconfigured(
            "to ask Vonage for its calls takes the application's private_key, which is missing: put it with"
            " `calltally provider put`, its line breaks written as \\n"
        )
    try:
        key = load_pem_private_key(text.replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as fault:
        raise Misconfigured("private_key is no private key in PEM: put it again, whole") from fault
    if not isinstance(key, RSAPrivateKey):
        raise Misconfigured("private_key is no RSA key, which is what Vonage takes")
    return key


def _part(claims: Mapping[str, Any]) -> str:
    return _base64url(msgspec.json.encode(claims))


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
