"""Signature of LiveKit: a JWT in `Authorization`, HS256 with the API secret, and the SHA-256 of the body.

Source: LiveKit, "Webhooks", and its SDK's WebhookReceiver, which the tests compare with this code.
"""

import hmac
from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from calltally.providers import jwt_tokens
from calltally.providers.callback import Callback

# The token names its key, which must be the tenant's key if one is stored.
SECRET_NAMES: Final = ("api_secret", "api_secret_secondary", "api_key")
_SECRETS: Final = SECRET_NAMES[:2]


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether one of `secrets` signs `callback`; False for malformed requests."""
    token = _signed_token(callback, secrets)
    return token is not None and hmac.compare_digest(sha256(callback.body).digest(), _stated_digest(token))


def verify_head(callback: Callback, secrets: Mapping[str, str]) -> bool:
    """Return whether one of `secrets` signs the token, whatever the body is."""
    return _signed_token(callback, secrets) is not None


def _signed_token(callback: Callback, secrets: Mapping[str, str]) -> jwt_tokens.Token | None:
    header = callback.headers.get("authorization", "")
    token = jwt_tokens.parse_token(header.removeprefix("Bearer ").strip())
    if token is None or "exp" not in token.claims or not _is_own(token, secrets):
        return None
    keys = [secrets[name] for name in _SECRETS if secrets.get(name)]
    is_current = jwt_tokens.is_current(token, callback.received_us, tolerance_s=0)
    return token if is_current and jwt_tokens.is_signed(token, jwt_tokens.HS256, keys) else None


def _is_own(token: jwt_tokens.Token, secrets: Mapping[str, str]) -> bool:
    return "api_key" not in secrets or token.claims.get("iss") == secrets["api_key"]


def _stated_digest(token: jwt_tokens.Token) -> bytes:
    """Return the digest of the body that the token states; empty for an unreadable one."""
    claim = token.claims.get("sha256")
    try:
        return b64decode(claim.encode(), validate=True) if isinstance(claim, str) else b""
    except ValueError:
        return b""
