"""RSA signatures with PKCS #1 v1.5 and SHA-256 (RFC 8017), as RS256 tokens have."""

from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key


def is_signed(key: str, signature: bytes, message: bytes) -> bool:
    """Return whether a public key in PEM verifies a signature; False for text that is no RSA key."""
    public_key = _public_key(key)
    if public_key is None:
        return False
    try:
        public_key.verify(signature, message, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


# Loading a key costs as much as the verification of a signature.
@lru_cache(maxsize=256)
def _public_key(text: str) -> RSAPublicKey | None:
    """Return the key of a PEM text, whose line breaks may be escaped, as in a shell."""
    try:
        key = load_pem_public_key(text.replace("\\n", "\n").encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, RSAPublicKey) else None
